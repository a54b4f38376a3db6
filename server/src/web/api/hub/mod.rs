//! A hub of repositories: the list, loops by id, repositories and worktrees that come and go, jobs.
//!
//! These paths exist only where a hub is served. What changes something is finished also when its client goes away.

mod control;
mod jobs;
mod remove;
mod repos;
mod usage;
mod worktrees;

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use car_engine::hub::{Hub, JobRequest, JobRunner, Reporter};
use car_engine::{EngineError, ErrorKind, Served};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

use super::super::WebState;
use super::super::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .merge(repos::routes())
        .merge(control::routes())
        .merge(remove::routes())
        .merge(worktrees::routes())
        .merge(jobs::routes())
        .merge(usage::routes())
}

/// The hub that is served. Where a single repository is served, the path does not exist.
struct ApiHub {
    served: Arc<Served>,
    hub: Hub,
    jobs: JobRunner,
}

impl FromRequestParts<WebState> for ApiHub {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let served = state.served.clone();
        let (hub, jobs) = (served.hub()?.clone(), served.jobs()?.clone());
        Ok(Self { served, hub, jobs })
    }
}

impl ApiHub {
    /// Does something to the hub, to its end also when nobody waits for it any more.
    async fn change<T, F>(self, change: impl FnOnce(Hub) -> F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let Self { served, hub, .. } = self;
        served.work(|_| change(hub)).await.map_err(refused)
    }

    /// Does what a job would, while the client waits.
    async fn perform(self, request: JobRequest) -> Result<Json<Value>, Problem> {
        let perform = |hub: Hub| async move { request.perform(&hub, &Reporter::default()).await };
        self.change(perform).await.map(Json)
    }
}

/// The original answers 400 to whatever a hub refuses, with the words of git where they are the reason; what is not there is 404.
fn refused(error: EngineError) -> Problem {
    let code = match error.kind() {
        ErrorKind::Conflict => "conflict",
        ErrorKind::Other | ErrorKind::Config => "refused",
        _ => return error.into(),
    };
    let problem = Problem::new(StatusCode::BAD_REQUEST, error.to_string()).with_code(code);
    match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}
