//! `GET /health`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{WebState, assets};

/// Says that the server answers, and what it serves; 500 when its site is not complete.
pub(super) async fn health(State(state): State<WebState>) -> (StatusCode, Json<Value>) {
    let mode = if state.served.is_hub() { "hub" } else { "repo" };
    let version = env!("CARGO_PKG_VERSION");
    let missing = assets::missing();
    if missing.is_empty() {
        let body = json!({ "status": "ok", "mode": mode, "base_path": state.base, "asset_version": version });
        return (StatusCode::OK, Json(body));
    }
    let detail = "The site is not complete; build it with `make demo` or `cargo xtask site`.";
    let body = json!({
        "status": "error", "detail": detail, "missing": missing, "mode": mode, "base_path": state.base,
    });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
}
