//! The loop of a repository: starting, stopping, resetting it, and saying something to its agent.

use axum::Json;
use axum::extract::State;
use car_engine::runner::{self, KillReport, standing};
use car_engine::{EngineError, Repo, blocking};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiRepo, JsonBody};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(resume))
        .routes(routes!(stop))
        .routes(routes!(kill))
        .routes(routes!(reset))
        .routes(routes!(steer))
}

/// How long the loop is to work.
#[derive(Deserialize, ToSchema)]
struct RunRequest {
    /// Only one run.
    #[serde(default)]
    once: bool,
}

/// What became of a start.
#[derive(Serialize, ToSchema)]
struct Started {
    /// Always true: the runner has the lock.
    running: bool,
    /// As asked for.
    once: bool,
    /// The runner's process.
    runner_pid: i32,
}

/// How the loop is to be stopped.
#[derive(Deserialize, ToSchema)]
struct LoopStop {
    /// End the agent now instead of after the current run.
    #[serde(default)]
    now: bool,
}

/// Whether the loop is still at work.
#[derive(Serialize, ToSchema)]
struct Running {
    running: bool,
}

/// What became of a kill.
#[derive(Serialize, ToSchema)]
struct Killed {
    running: bool,
    /// The process that was ended; null when nothing ran.
    killed_pid: Option<i32>,
}

/// What became of a reset.
#[derive(Serialize, ToSchema)]
struct Reset {
    /// `ok`.
    status: &'static str,
    message: &'static str,
    /// Where the shared log's content is now, relative to the repository; null when it was empty.
    archived_log: Option<String>,
}

/// What to say.
#[derive(Deserialize, ToSchema)]
struct SteerRequest {
    text: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct Steered {
    /// `ok`.
    status: &'static str,
}

/// Start the loop
///
/// Answers once the runner holds the lock; of two starts at once the second is refused.
#[utoipa::path(
    post,
    path = "/api/run/start",
    tag = "loop",
    request_body = Option<RunRequest>,
    responses(
        (status = 200, body = Started),
        (status = 409, description = "A loop is at work already"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn start(
    State(state): State<WebState>,
    repo: ApiRepo,
    JsonBody(body): JsonBody<RunRequest>,
) -> Result<Json<Started>, Problem> {
    begin(state, repo, body.once).await
}

/// Go on after a stop, a failure or a crash
///
/// The loop reads from its files where it was, so this is a start.
#[utoipa::path(
    post,
    path = "/api/run/resume",
    tag = "loop",
    request_body = Option<RunRequest>,
    responses(
        (status = 200, body = Started),
        (status = 409, description = "A loop is at work already"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn resume(
    State(state): State<WebState>,
    repo: ApiRepo,
    JsonBody(body): JsonBody<RunRequest>,
) -> Result<Json<Started>, Problem> {
    begin(state, repo, body.once).await
}

async fn begin(state: WebState, repo: ApiRepo, once: bool) -> Result<Json<Started>, Problem> {
    let served = state.served.clone();
    let start = state.served.work(|_| async move { served.start(&repo.repo, once).await });
    let runner_pid = start.await?;
    Ok(Json(Started { running: true, once, runner_pid }))
}

/// Stop the loop after its current run, or now
#[utoipa::path(
    post,
    path = "/api/run/stop",
    tag = "loop",
    request_body = Option<LoopStop>,
    responses((status = 200, body = Running)),
    extensions(("x-car-class" = json!("write"))),
)]
async fn stop(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(body): JsonBody<LoopStop>,
) -> Result<Json<Running>, Problem> {
    let running = state.served.work(|_| async move {
        if body.now {
            runner::stop_now(&repo).await?;
        } else {
            let repo = repo.clone();
            blocking(move || runner::stop(&repo)).await?;
        }
        is_running(repo).await
    });
    Ok(Json(Running { running: running.await? }))
}

/// End the loop and its agent now; the run counts as failed
///
/// Where nothing runs nothing changes.
#[utoipa::path(
    post,
    path = "/api/run/kill",
    tag = "loop",
    responses((status = 200, body = Killed)),
    extensions(("x-car-class" = json!("write"))),
)]
async fn kill(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
) -> Result<Json<Killed>, Problem> {
    let killed = state.served.work(|_| async move {
        let killed_pid = match runner::kill(&repo).await? {
            KillReport::Killed(pid) => Some(pid),
            KillReport::NotRunning => None,
        };
        Ok(Killed { running: is_running(repo).await?, killed_pid })
    });
    Ok(Json(killed.await?))
}

/// Forget where the loop was
///
/// Runs keep their journals and logs; the shared log is put aside and begins anew.
#[utoipa::path(
    post,
    path = "/api/run/reset",
    tag = "loop",
    responses(
        (status = 200, body = Reset),
        (status = 409, description = "A loop is at work"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn reset(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
) -> Result<Json<Reset>, Problem> {
    let root = repo.root().to_path_buf();
    let aside = state.served.work(|_| async move { runner::reset(&repo).await }).await?;
    let relative = |path: std::path::PathBuf| {
        path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned()
    };
    Ok(Json(Reset {
        status: "ok",
        message: "Runner reset complete",
        archived_log: aside.map(relative),
    }))
}

/// Say something to the agent while its run goes on
///
/// Needs `runner.driver: app_server`.
#[utoipa::path(
    post,
    path = "/api/run/steer",
    tag = "loop",
    request_body = SteerRequest,
    responses(
        (status = 200, body = Steered),
        (status = 409, description = "No run is at work that can be steered"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn steer(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(body): JsonBody<SteerRequest>,
) -> Result<Json<Steered>, Problem> {
    state.served.work(|_| async move { runner::steer(&repo, &body.text).await }).await?;
    Ok(Json(Steered { status: "ok" }))
}

async fn is_running(repo: Repo) -> Result<bool, EngineError> {
    blocking(move || Ok(standing(&repo)?.view.activity.is_active())).await
}
