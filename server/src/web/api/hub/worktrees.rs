//! Worktrees of the hub's repositories.

use axum::Json;
use car_engine::hub::{JobRequest, Mounted, NewWorktree, Removal, RemoveRequest, WorktreeRequest};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::JsonBody;
use super::ApiHub;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(cleanup))
}

/// A worktree that is to be made.
#[derive(Deserialize, ToSchema)]
pub(super) struct Wanted {
    /// Id of the repository. Also accepted as `baseRepoId`.
    #[serde(alias = "baseRepoId")]
    base_repo_id: String,
    /// The branch; it is made when it is not there.
    branch: String,
    /// Run the setup command of the repository, when it has one.
    #[serde(default = "yes")]
    setup: bool,
}

const fn yes() -> bool {
    true
}

impl From<Wanted> for JobRequest {
    fn from(wanted: Wanted) -> Self {
        let Wanted { base_repo_id: base, branch, setup } = wanted;
        Self::CreateWorktree(WorktreeRequest { base, branch, setup })
    }
}

/// How to remove a worktree.
#[derive(Deserialize, ToSchema)]
pub(super) struct Cleanup {
    /// Its id. Also accepted as `worktreeRepoId`.
    #[serde(alias = "worktreeRepoId")]
    worktree_repo_id: String,
    /// Delete its branch.
    #[serde(default)]
    delete_branch: bool,
    /// Delete its branch on the remote.
    #[serde(default)]
    delete_remote: bool,
    /// Although there are changes or commits that are nowhere else.
    #[serde(default)]
    force: bool,
}

impl From<Cleanup> for JobRequest {
    fn from(cleanup: Cleanup) -> Self {
        let Cleanup { worktree_repo_id, delete_branch, delete_remote, force } = cleanup;
        let request =
            RemoveRequest { force, delete_branch, delete_remote, ..RemoveRequest::default() };
        Self::CleanupWorktree(worktree_repo_id, request)
    }
}

/// Make a worktree
#[utoipa::path(
    post,
    path = "/hub/worktrees/create",
    tag = "hub",
    request_body = Wanted,
    responses(
        (status = 200, body = Mounted<NewWorktree>, description = "`problems` tells what did not work beside it"),
        (status = 400, description = "The branch cannot be one or has a worktree already, or git refuses"),
        (status = 404, description = "There is no such repository"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn create(api: ApiHub, JsonBody(wanted): JsonBody<Wanted>) -> Result<Json<Value>, Problem> {
    api.perform(wanted.into()).await
}

/// Remove a worktree
///
/// Its directory moves to the hub's trash. Without `force` nothing that is nowhere else is taken away.
#[utoipa::path(
    post,
    path = "/hub/worktrees/cleanup",
    tag = "hub",
    request_body = Cleanup,
    responses(
        (status = 200, body = Removal),
        (status = 400, description = "Something would be lost"),
        (status = 404, description = "There is no such worktree"),
    ),
    extensions(("x-car-class" = json!("dangerous"))),
)]
async fn cleanup(
    api: ApiHub,
    JsonBody(cleanup): JsonBody<Cleanup>,
) -> Result<Json<Value>, Problem> {
    api.perform(cleanup.into()).await
}
