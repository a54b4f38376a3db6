//! Taking repositories out of the hub.

use axum::Json;
use car_engine::hub::{JobRequest, Removal, RemoveCheck, RemoveRequest};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiPath, JsonBody};
use super::{ApiHub, refused};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(check)).routes(routes!(remove))
}

/// How to remove a repository.
#[derive(Deserialize, ToSchema)]
pub(super) struct HowToRemove {
    /// Although there are changes or commits that are nowhere else.
    #[serde(default)]
    force: bool,
    /// Move the directory to the hub's trash; otherwise it stays where it is.
    #[serde(default = "yes")]
    delete_dir: bool,
    /// Remove its worktrees as well.
    #[serde(default)]
    delete_worktrees: bool,
}

const fn yes() -> bool {
    true
}

impl HowToRemove {
    /// What has to be done.
    pub(super) fn request(&self, id: String) -> JobRequest {
        let Self { force, delete_dir, delete_worktrees } = *self;
        let request =
            RemoveRequest { force, delete_dir, delete_worktrees, ..RemoveRequest::default() };
        JobRequest::Remove(id, request)
    }
}

/// What removing a repository would take away
#[utoipa::path(
    get,
    path = "/hub/repos/{id}/remove-check",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = RemoveCheck),
        (status = 400, description = "Git does not tell what would be lost"),
        (status = 404, description = "There is no such repository"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn check(api: ApiHub, ApiPath(id): ApiPath<String>) -> Result<Json<RemoveCheck>, Problem> {
    Ok(Json(api.hub.remove_check(&id).await.map_err(refused)?))
}

/// Remove a repository
///
/// Its loop is ended first; its directory moves to the hub's trash, from where `car hub restore` brings it back.
#[utoipa::path(
    post,
    path = "/hub/repos/{id}/remove",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    request_body = HowToRemove,
    responses(
        (status = 200, body = Removal),
        (status = 400, description = "Something would be lost, it has worktrees, or it lies outside of the hub"),
        (status = 404, description = "There is no such repository"),
    ),
    extensions(("x-car-class" = json!("dangerous"))),
)]
async fn remove(
    api: ApiHub,
    ApiPath(id): ApiPath<String>,
    JsonBody(how): JsonBody<HowToRemove>,
) -> Result<Json<Value>, Problem> {
    api.perform(how.request(id)).await
}
