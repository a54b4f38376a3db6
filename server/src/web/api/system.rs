//! The server's health, and updates of the program.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use car_engine::config::load_with_env;
use car_engine::{UpdateStatus, blocking, update_status, update_target};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::address::RepoId;
use super::super::problem::Problem;
use super::super::{WebState, assets};
use super::{ApiQuery, JsonBody};

/// How to get a newer version.
const HOW: &str = "get the newest sources and run `make install`, then start the server again; loops go on meanwhile";

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(check))
        .routes(routes!(update))
        .routes(routes!(status))
}

/// That the server works.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, or `error` when files of its pages are missing.
    status: &'static str,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    /// Files that are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<&'static str>,
    /// `hub` or `repo`.
    mode: &'static str,
    /// Prefix of every address.
    base_path: String,
    /// Changes with every release.
    asset_version: &'static str,
}

/// Whether there is an update.
#[derive(Serialize, ToSchema)]
struct UpdateCheck {
    /// `ok`.
    status: &'static str,
    /// Always false: nobody is asked.
    update_available: bool,
    message: String,
    /// The version that runs.
    version: &'static str,
    local_commit: Option<String>,
    remote_commit: Option<String>,
}

/// What to update.
#[derive(Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
struct UpdateRequest {
    /// `both`, `web` or `telegram`.
    #[serde(default)]
    target: Option<String>,
}

/// Whether the server works
///
/// Anybody may ask.
#[utoipa::path(
    get,
    path = "/health",
    tag = "server",
    responses((status = 200, body = Health), (status = 500, description = "Pages are not complete", body = Health)),
    extensions(("x-car-class" = json!("public"))),
)]
async fn health(State(state): State<WebState>, repo: Option<axum::Extension<RepoId>>) -> Response {
    let missing = assets::missing();
    let is_ok = missing.is_empty();
    let detail = "The site is not complete; build it with `make demo` or `cargo xtask site`.";
    let health = Health {
        status: if is_ok { "ok" } else { "error" },
        detail: (!is_ok).then_some(detail),
        missing,
        // Whether that repository exists is nothing that everybody may learn.
        mode: if state.served.is_hub() && repo.is_none() { "hub" } else { "repo" },
        base_path: state.base.to_string(),
        asset_version: env!("CARGO_PKG_VERSION"),
    };
    let status = if is_ok { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    (status, Json(health)).into_response()
}

/// Whether there is an update
///
/// CAR does not look for updates of itself yet, and says so.
#[utoipa::path(
    get,
    path = "/system/update/check",
    tag = "server",
    responses((status = 200, body = UpdateCheck)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn check() -> Json<UpdateCheck> {
    let version = env!("CARGO_PKG_VERSION");
    Json(UpdateCheck {
        status: "ok",
        update_available: false,
        message: format!("CAR {version} does not look for updates by itself; {HOW}."),
        version,
        local_commit: None,
        remote_commit: None,
    })
}

/// Update the program
///
/// CAR cannot do that by itself yet: the answer says how it is done.
#[utoipa::path(
    post,
    path = "/system/update",
    tag = "server",
    params(UpdateRequest),
    request_body = Option<UpdateRequest>,
    responses(
        (status = 400, description = "No such target"),
        (status = 501, description = "Cannot be done from here"),
    ),
    extensions(("x-car-class" = json!("dangerous"))),
)]
async fn update(
    ApiQuery(query): ApiQuery<UpdateRequest>,
    JsonBody(body): JsonBody<UpdateRequest>,
) -> Result<Response, Problem> {
    update_target(body.target.or(query.target).as_deref().unwrap_or_default())?;
    Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "CAR does not update itself yet.").with_hint(HOW))
}

/// How the last update went
///
/// As the Python version recorded it; `unknown` when it never did.
#[utoipa::path(
    get,
    path = "/system/update/status",
    tag = "server",
    responses((status = 200, body = UpdateStatus)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn status(State(state): State<WebState>) -> Result<Json<UpdateStatus>, Problem> {
    let root = state.served.root().to_path_buf();
    let told = blocking(move || Ok(update_status(&load_with_env(&root)?.1)));
    Ok(Json(told.await?))
}
