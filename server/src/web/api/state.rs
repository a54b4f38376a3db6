//! What a repository is doing.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(version))
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
