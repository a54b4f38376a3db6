//! Devices that are logged in, and the record of who did what.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use super::WebState;
use super::auth::{Caller, Gate, peer_of};
use super::problem::Problem;

/// Most lines of the record in one answer.
const MAX_AUDIT: u32 = 1000;

/// `GET /api/devices`
pub(super) async fn list(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let Gate::Closed(access) = &state.gate else { return Ok(Json(json!([])).into_response()) };
    let own = match &caller {
        Caller::Device(device) => Some(device.id.as_str()),
        Caller::Token | Caller::Anybody => None,
    };
    let devices = access.devices().await?.into_iter().map(|device| {
        let is_this = own == Some(device.id.as_str());
        json!({
            "id": device.id,
            "name": device.name,
            "created_at": device.created_at,
            "last_used_at": device.last_used_at,
            "address": device.address,
            "this_device": is_this,
        })
    });
    Ok(Json(devices.collect::<Vec<_>>()).into_response())
}

/// `DELETE /api/devices/{id}`
pub(super) async fn revoke(
    State(state): State<WebState>,
    Path(id): Path<String>,
    parts: Parts,
) -> Result<StatusCode, Problem> {
    let Gate::Closed(access) = &state.gate else {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("There is no device `{id}`.")));
    };
    let who = parts.extensions.get::<Caller>().map_or("nobody", Caller::name).to_owned();
    access.revoke(&id, &who, &peer_of(&parts)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /logout`: ends the session of this browser.
pub(super) async fn logout(
    State(state): State<WebState>,
    parts: Parts,
) -> Result<Response, Problem> {
    let caller = parts.extensions.get::<Caller>();
    if let (Gate::Closed(access), Some(Caller::Device(device))) = (&state.gate, caller) {
        access.revoke(&device.id, &device.name, &peer_of(&parts)).await?;
        let gone = state.session_cookie(access, &parts.extensions).clear();
        let headers = [(SET_COOKIE, gone), (LOCATION, "/login".to_owned())];
        return Ok((StatusCode::SEE_OTHER, headers).into_response());
    }
    Ok((StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response())
}

/// How much of the record.
#[derive(Deserialize)]
pub(super) struct AuditQuery {
    limit: Option<u32>,
}

/// `GET /api/audit?limit=N`, newest first.
pub(super) async fn audit(
    State(state): State<WebState>,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Problem> {
    let Gate::Closed(access) = &state.gate else { return Ok(Json(json!([])).into_response()) };
    let entries = access.audit(query.limit.unwrap_or(100).min(MAX_AUDIT)).await?;
    Ok(Json(entries).into_response())
}
