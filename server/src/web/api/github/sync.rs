//! Bringing the branch and its pull request up to date.
//!
//! A sync is a process of its own that outlives the request and the server. Whoever asks for one waits for a short while and is
//! answered as by the original, or is told that it goes on.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use car_domain::github::{SyncFailure, SyncJob, SyncPreview, SyncResult};
use car_engine::blocking;
use car_engine::github::{
    SyncRequest, cancel_sync, last_sync, start_sync, sync_ended, sync_preview,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};
use super::problem;

/// How long a client waits unless it says otherwise: less than proxies do.
const WAIT_SECONDS: u64 = 25;
/// How long it may wait at most.
const MAX_WAIT_SECONDS: u64 = 300;
/// How long the end of a sync is looked for, to ask GitHub anew then. The agent alone may have half an hour.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(show, start))
        .routes(routes!(preview))
        .routes(routes!(cancel))
}

/// What a sync is to be like.
#[derive(Deserialize, ToSchema)]
struct NewSync {
    /// Whether a new pull request is a draft; as configured otherwise.
    draft: Option<bool>,
    /// Title of a new pull request.
    title: Option<String>,
    /// Text of a new pull request.
    body: Option<String>,
    /// Message of the commit.
    message: Option<String>,
    /// Of the original's interface; every value is refused.
    mode: Option<String>,
    /// Refuse when the preview has another version by now.
    version: Option<String>,
    /// How long to wait for the end, in seconds; 25 unless said, 300 at most. 0 does not wait.
    wait_seconds: Option<u64>,
}

impl NewSync {
    fn request(&self) -> SyncRequest {
        let Self { draft, title, body, message, mode, .. } = self;
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        SyncRequest {
            title: said(title),
            body: said(body),
            message: said(message),
            draft: *draft,
            mode: mode.clone(),
        }
    }
}

/// Where a sync is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// There was none.
    None,
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Ended without that.
    Failed,
}

/// The sync that is at work, or the last one.
#[derive(Serialize, ToSchema)]
struct SyncView {
    /// Where it is.
    status: Stage,
    #[serde(flatten)]
    job: SyncJob,
}

impl From<Option<SyncJob>> for SyncView {
    fn from(job: Option<SyncJob>) -> Self {
        let status = match &job {
            None => Stage::None,
            Some(SyncJob { result: Some(_), .. }) => Stage::Succeeded,
            Some(SyncJob { pid: Some(_), .. }) => Stage::Running,
            Some(_) => Stage::Failed,
        };
        Self { status, job: job.unwrap_or_default() }
    }
}

/// Whether something was cancelled.
#[derive(Serialize, ToSchema)]
struct SyncCancelled {
    /// Always `ok`.
    status: &'static str,
    /// False when nothing was at work.
    cancelled: bool,
}

/// The sync that is at work, or the last one
#[utoipa::path(
    get,
    path = "/api/github/pr/sync",
    tag = "github",
    responses((status = 200, body = SyncView)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn show(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<SyncView>, Problem> {
    Ok(Json(blocking(move || last_sync(&repo)).await?.into()))
}

/// What a sync would do, without doing it
#[utoipa::path(
    post,
    path = "/api/github/pr/sync/preview",
    tag = "github",
    request_body = Option<NewSync>,
    responses(
        (status = 200, description = "`blocks` says why it cannot be done now", body = SyncPreview),
        (status = 400, description = "A `mode` is given"),
        (status = 401, description = "`gh` is not logged in"),
        (status = 409, description = "GitHub is switched off, or the repository is not there"),
        (status = 503, description = "`gh` or GitHub is not there"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn preview(
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(new): JsonBody<NewSync>,
) -> Result<Json<SyncPreview>, Problem> {
    Ok(Json(sync_preview(&repo, &new.request()).await.map_err(problem)?))
}

/// Commit, push, and open or update the pull request of the branch
///
/// `version` of the preview makes sure that nothing else is published than what was shown.
#[utoipa::path(
    post,
    path = "/api/github/pr/sync",
    tag = "github",
    request_body = Option<NewSync>,
    responses(
        (status = 200, description = "It is done", body = SyncResult),
        (status = 202, description = "It goes on; `GET` of this path tells how", body = SyncView),
        (status = 400, description = "A `mode` is given"),
        (status = 401, description = "`gh` is not logged in"),
        (status = 409, description = "It cannot be done now, is another version than `version`, or did not get to its end"),
        (status = 503, description = "`gh` or GitHub is not there"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn start(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(new): JsonBody<NewSync>,
) -> Result<Response, Problem> {
    let preview = sync_preview(&repo, &new.request()).await.map_err(problem)?;
    if new.version.as_ref().is_some_and(|version| *version != preview.version) {
        let text = "The repository has changed since the preview";
        return Err(conflict(text).with_hint("look at a new preview, then sync"));
    }
    if let Some(block) = preview.blocks.first() {
        return Err(conflict(block));
    }
    start_sync(&repo, state.served.program(), &preview).await?;
    let (served, synced) = (state.served.clone(), repo.clone());
    let work = state.served.work(|cancel| async move {
        tokio::select! {
            ended = sync_ended(&synced, LONGEST) => {
                served.github().refresh(synced.root()).await;
                ended
            }
            // The process outlives the server.
            () = cancel.cancelled() => blocking(move || last_sync(&synced)).await,
        }
    });
    let wait = new.wait_seconds.unwrap_or(WAIT_SECONDS).min(MAX_WAIT_SECONDS);
    let job = match tokio::time::timeout(Duration::from_secs(wait), work).await {
        Ok(ended) => ended?,
        Err(_) => blocking(move || last_sync(&repo)).await?,
    };
    match job {
        Some(SyncJob { result: Some(result), .. }) => Ok(Json(result).into_response()),
        Some(SyncJob { failure: Some(SyncFailure { message, hint }), .. }) => {
            let problem = conflict(&message);
            Err(hint.into_iter().fold(problem, Problem::with_hint))
        }
        job => Ok((StatusCode::ACCEPTED, Json(SyncView::from(job))).into_response()),
    }
}

/// End the sync that is at work
///
/// What was done by then stays; another sync goes on from there.
#[utoipa::path(
    post,
    path = "/api/github/pr/sync/cancel",
    tag = "github",
    responses((status = 200, body = SyncCancelled)),
    extensions(("x-car-class" = json!("write"))),
)]
async fn cancel(ApiRepo { repo, .. }: ApiRepo) -> Result<Json<SyncCancelled>, Problem> {
    let cancelled = blocking(move || cancel_sync(&repo)).await?;
    Ok(Json(SyncCancelled { status: "ok", cancelled }))
}

fn conflict(text: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, text)
}
