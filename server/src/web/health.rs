//! `GET /health`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::WebState;

/// Says that the server answers, and what it serves.
pub(super) async fn health(State(state): State<WebState>) -> Json<Value> {
    let mode = if state.served.is_hub() { "hub" } else { "repo" };
    Json(json!({ "status": "ok", "mode": mode, "version": env!("CARGO_PKG_VERSION") }))
}
