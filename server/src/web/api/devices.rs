//! Devices that are logged in, and the record of who did what.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::{Extension, Json};
use car_domain::Timestamp;
use car_domain::access::AuditEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::auth::{Caller, Gate, peer_of};
use super::super::problem::Problem;

/// Most lines of the record in one answer.
const MAX_AUDIT: u32 = 1000;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(revoke)).routes(routes!(audit))
}

/// A browser that is logged in.
#[derive(Serialize, ToSchema)]
struct ListedDevice {
    id: String,
    name: String,
    created_at: Timestamp,
    last_used_at: Timestamp,
    address: Option<String>,
    /// Whether it is the one that asks.
    this_device: bool,
}

/// Devices that are logged in
#[utoipa::path(
    get,
    path = "/api/devices",
    tag = "server",
    responses((status = 200, body = [ListedDevice])),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<ListedDevice>>, Problem> {
    let Gate::Closed(access) = &state.gate else { return Ok(Json(Vec::new())) };
    let own = match &caller {
        Caller::Device(device) => Some(device.id.as_str()),
        Caller::Token | Caller::Anybody => None,
    };
    let devices = access.devices().await?.into_iter().map(|device| ListedDevice {
        this_device: own == Some(device.id.as_str()),
        id: device.id,
        name: device.name,
        created_at: device.created_at,
        last_used_at: device.last_used_at,
        address: device.address,
    });
    Ok(Json(devices.collect()))
}

/// Log a device out
///
/// What it has open ends.
#[utoipa::path(
    delete,
    path = "/api/devices/{id}",
    tag = "server",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204), (status = 404, description = "There is no such device")),
    extensions(("x-car-class" = json!("write"))),
)]
async fn revoke(
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

/// How much of the record.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Most lines, at most 1000.
    limit: Option<u32>,
}

/// Who did what, newest first
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "server",
    params(AuditQuery),
    responses((status = 200, body = [AuditEntry])),
    extensions(("x-car-class" = json!("read"))),
)]
async fn audit(
    State(state): State<WebState>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<AuditEntry>>, Problem> {
    let Gate::Closed(access) = &state.gate else { return Ok(Json(Vec::new())) };
    let entries = access.audit(query.limit.unwrap_or(100).min(MAX_AUDIT)).await?;
    Ok(Json(entries))
}
