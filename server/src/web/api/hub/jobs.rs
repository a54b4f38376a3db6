//! The same work in the background, and following it.

use axum::Json;
use car_engine::hub::{Job, JobRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiPath, JsonBody};
use super::ApiHub;
use super::remove::HowToRemove;
use super::repos::NewRepo;
use super::worktrees::{Cleanup, Wanted};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(scan))
        .routes(routes!(create_repo))
        .routes(routes!(remove_repo))
        .routes(routes!(create_worktree))
        .routes(routes!(cleanup_worktree))
}

type Queued = Result<Json<Job>, Problem>;

/// Work in the background.
#[derive(Serialize, ToSchema)]
struct JobList {
    /// What has not ended, and what ended during the last hour; the newest first.
    jobs: Vec<Job>,
}

impl ApiHub {
    async fn queue(self, request: impl Into<JobRequest>) -> Queued {
        Ok(Json(self.jobs.submit(request.into()).await?))
    }
}

/// Jobs of the last hour
#[utoipa::path(
    get,
    path = "/hub/jobs",
    tag = "hub",
    responses((status = 200, body = JobList)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(api: ApiHub) -> Result<Json<JobList>, Problem> {
    Ok(Json(JobList { jobs: api.jobs.list().await? }))
}

/// Where a job stands
#[utoipa::path(
    get,
    path = "/hub/jobs/{id}",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, body = Job), (status = 404, description = "Job not found")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn show(api: ApiHub, ApiPath(id): ApiPath<String>) -> Queued {
    Ok(Json(api.jobs.get(&id).await?))
}

/// End a job
///
/// It leaves nothing half done.
#[utoipa::path(
    post,
    path = "/hub/jobs/{id}/cancel",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Job, description = "It was told to end"),
        (status = 404, description = "Job not found"),
        (status = 409, description = "It has ended already, or belongs to another process"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn cancel(api: ApiHub, ApiPath(id): ApiPath<String>) -> Queued {
    api.jobs.cancel(&id).await?;
    Ok(Json(api.jobs.get(&id).await?))
}

/// Search the hub's directories in the background
#[utoipa::path(
    post,
    path = "/hub/jobs/scan",
    tag = "hub",
    responses((status = 200, body = Job), (status = 429, description = "Too many jobs wait")),
    extensions(("x-car-class" = json!("write"))),
)]
async fn scan(api: ApiHub) -> Queued {
    api.queue(JobRequest::Scan).await
}

/// Make or clone a repository in the background
#[utoipa::path(
    post,
    path = "/hub/jobs/repos",
    tag = "hub",
    request_body = NewRepo,
    responses(
        (status = 200, body = Job),
        (status = 400, description = "Neither an id nor an address"),
        (status = 429, description = "Too many jobs wait"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn create_repo(api: ApiHub, JsonBody(new): JsonBody<NewRepo>) -> Queued {
    api.queue(new.request()?).await
}

/// Remove a repository in the background
#[utoipa::path(
    post,
    path = "/hub/jobs/repos/{id}/remove",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    request_body = HowToRemove,
    responses(
        (status = 200, body = Job),
        (status = 404, description = "There is no such repository"),
        (status = 429, description = "Too many jobs wait"),
    ),
    extensions(("x-car-class" = json!("dangerous"))),
)]
async fn remove_repo(
    api: ApiHub,
    ApiPath(id): ApiPath<String>,
    JsonBody(how): JsonBody<HowToRemove>,
) -> Queued {
    api.hub.show(&id).await?;
    api.queue(how.request(id)).await
}

/// Make a worktree in the background
#[utoipa::path(
    post,
    path = "/hub/jobs/worktrees/create",
    tag = "hub",
    request_body = Wanted,
    responses((status = 200, body = Job), (status = 429, description = "Too many jobs wait")),
    extensions(("x-car-class" = json!("write"))),
)]
async fn create_worktree(api: ApiHub, JsonBody(wanted): JsonBody<Wanted>) -> Queued {
    api.queue(wanted).await
}

/// Remove a worktree in the background
#[utoipa::path(
    post,
    path = "/hub/jobs/worktrees/cleanup",
    tag = "hub",
    request_body = Cleanup,
    responses((status = 200, body = Job), (status = 429, description = "Too many jobs wait")),
    extensions(("x-car-class" = json!("dangerous"))),
)]
async fn cleanup_worktree(api: ApiHub, JsonBody(cleanup): JsonBody<Cleanup>) -> Queued {
    api.queue(cleanup).await
}
