//! The configuration.

use std::collections::BTreeMap;

use axum::Json;
use car_engine::blocking;
use car_engine::config::{Settings, SettingsChange, change, settings};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::JsonBody;
use super::repo::ApiRoot;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(show, patch))
}

/// What is to become of settings.
#[derive(Deserialize, ToSchema)]
struct NewSettings {
    /// New values by dotted key, such as `runner.sleep_seconds`.
    #[serde(default)]
    set: BTreeMap<String, Value>,
    /// Keys that get their default again, or what another file says.
    #[serde(default)]
    unset: Vec<String>,
}

/// Every setting with what it comes from, without secrets
#[utoipa::path(
    get,
    path = "/api/config",
    tag = "repository",
    responses((status = 200, body = Settings)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn show(ApiRoot(root): ApiRoot) -> Result<Json<Settings>, Problem> {
    Ok(Json(blocking(move || settings(&root)).await?))
}

/// Change settings, all of them or none
///
/// They are written into the repository's `config.yml`; comments and layout stay. The runner reads them before each run, the
/// server's own (`server.*`) hold when it starts again.
#[utoipa::path(
    patch,
    path = "/api/config",
    tag = "repository",
    request_body = NewSettings,
    responses(
        (status = 200, body = Settings),
        (status = 400, description = "A key is unknown, or a value does not fit; nothing is changed"),
        (status = 409, description = "The file is written in a way that cannot be changed safely; nothing is changed"),
    ),
    extensions(("x-car-class" = json!("dangerous"))),
)]
async fn patch(
    ApiRoot(root): ApiRoot,
    JsonBody(NewSettings { set, unset }): JsonBody<NewSettings>,
) -> Result<Json<Settings>, Problem> {
    let wanted = SettingsChange { set, unset };
    let changed = move || {
        change(&root, &wanted)?;
        settings(&root)
    };
    Ok(Json(blocking(changed).await?))
}
