//! What a repository is doing.

use axum::Json;
use car_engine::blocking;
use car_engine::runner::{StateReport, state_report};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::ApiRepo;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(state)).routes(routes!(version))
}

/// What the loop is doing
#[utoipa::path(
    get,
    path = "/api/state",
    tag = "repository",
    responses((status = 200, body = StateReport)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn state(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<StateReport>, Problem> {
    Ok(Json(blocking(move || state_report(&repo)).await?))
}

/// Which files pages are made of.
#[derive(Serialize, ToSchema)]
struct Version {
    /// Changes with every release.
    asset_version: &'static str,
}

/// The version of the pages
#[utoipa::path(
    get,
    path = "/api/version",
    tag = "repository",
    responses((status = 200, body = Version)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn version() -> Json<Version> {
    Json(Version { asset_version: env!("CARGO_PKG_VERSION") })
}
