//! Loops and preparation of the hub's repositories, one by one and many at once.

use axum::Json;
use car_engine::hub::{Hub, Mounted, RepoSnapshot, RunKind};
use car_engine::{EngineError, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiPath, JsonBody};
use super::{ApiHub, refused};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(run))
        .routes(routes!(resume))
        .routes(routes!(stop))
        .routes(routes!(kill))
        .routes(routes!(init))
        .routes(routes!(bulk))
}

type Shown = Result<Json<Mounted<RepoSnapshot>>, Problem>;

/// How long a loop is to work.
#[derive(Default, Deserialize, ToSchema)]
struct HowLong {
    /// One run, instead of until the list is done.
    #[serde(default)]
    once: bool,
}

/// When a loop is to end.
#[derive(Default, Deserialize, ToSchema)]
struct When {
    /// At once, instead of after the run it is in.
    #[serde(default)]
    now: bool,
}

/// What is to happen to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Run,
    Resume,
    Stop,
    Kill,
    Init,
}

/// The same for many repositories.
#[derive(Deserialize, ToSchema)]
struct Bulk {
    action: Action,
    /// Which; without it all that are prepared for CAR.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// Of `run` and `resume`: one run, instead of until the list is done.
    #[serde(default)]
    once: bool,
    /// Of `stop`: at once, instead of after the run it is in.
    #[serde(default)]
    now: bool,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct BulkReport {
    /// Of each repository, in the hub's order or that of `ids`.
    results: Vec<BulkResult>,
}

/// What became of one repository.
#[derive(Serialize, ToSchema)]
struct BulkResult {
    id: String,
    ok: bool,
    /// How it stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    repo: Option<Mounted<RepoSnapshot>>,
    /// Why it did not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
}

impl Action {
    async fn perform(
        self,
        hub: &Hub,
        id: &str,
        once: bool,
        now: bool,
    ) -> Result<RepoSnapshot, EngineError> {
        match self {
            Self::Run | Self::Resume => {
                return hub.run(id, if once { RunKind::Once } else { RunKind::Loop }).await;
            }
            Self::Init => return hub.init_repo(id).await,
            Self::Stop => drop(hub.stop(id, now).await?),
            Self::Kill => drop(hub.kill(id).await?),
        }
        hub.show(id).await
    }

    /// A loop that is at work already is a conflict; everything else is refused as usual.
    fn problem(self, error: EngineError) -> Problem {
        let is_start = matches!(self, Self::Run | Self::Resume);
        if is_start && error.kind() == ErrorKind::Conflict {
            return error.into();
        }
        refused(error)
    }

    async fn of_one(self, api: ApiHub, id: String, once: bool, now: bool) -> Shown {
        let done = move |hub: Hub| async move { Ok(self.perform(&hub, &id, once, now).await) };
        let shown = api.change(done).await?.map_err(|error| self.problem(error))?;
        Ok(Json(shown.into()))
    }
}

/// Start the loop of a repository
#[utoipa::path(
    post,
    path = "/hub/repos/{id}/run",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    request_body = HowLong,
    responses(
        (status = 200, body = Mounted<RepoSnapshot>),
        (status = 404, description = "There is no such repository"),
        (status = 409, description = "A loop is at work already, or the repository is not prepared"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn run(api: ApiHub, ApiPath(id): ApiPath<String>, JsonBody(how): JsonBody<HowLong>) -> Shown {
    Action::Run.of_one(api, id, how.once, false).await
}

/// Go on with the loop of a repository
#[utoipa::path(
    post,
    path = "/hub/repos/{id}/resume",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    request_body = HowLong,
    responses(
        (status = 200, body = Mounted<RepoSnapshot>),
        (status = 404, description = "There is no such repository"),
        (status = 409, description = "A loop is at work already, or the repository is not prepared"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn resume(
    api: ApiHub,
    ApiPath(id): ApiPath<String>,
    JsonBody(how): JsonBody<HowLong>,
) -> Shown {
    Action::Resume.of_one(api, id, how.once, false).await
}

/// Stop the loop of a repository after its run
#[utoipa::path(
    post,
    path = "/hub/repos/{id}/stop",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    request_body = When,
    responses(
        (status = 200, body = Mounted<RepoSnapshot>, description = "Also when nothing runs"),
        (status = 404, description = "There is no such repository"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn stop(api: ApiHub, ApiPath(id): ApiPath<String>, JsonBody(when): JsonBody<When>) -> Shown {
    Action::Stop.of_one(api, id, false, when.now).await
}

/// End the loop of a repository and its agent now
///
/// The run counts as failed. Where nothing runs, nothing changes.
#[utoipa::path(
    post,
    path = "/hub/repos/{id}/kill",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Mounted<RepoSnapshot>),
        (status = 404, description = "There is no such repository"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn kill(api: ApiHub, ApiPath(id): ApiPath<String>) -> Shown {
    Action::Kill.of_one(api, id, false, false).await
}

/// Prepare a repository for CAR
///
/// What is there stays.
#[utoipa::path(
    post,
    path = "/hub/repos/{id}/init",
    tag = "hub",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Mounted<RepoSnapshot>),
        (status = 404, description = "There is no such repository, or its directory is gone"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn init(api: ApiHub, ApiPath(id): ApiPath<String>) -> Shown {
    Action::Init.of_one(api, id, false, false).await
}

/// Run, resume, stop, kill or prepare many repositories
///
/// One after the other; a failure does not keep the others.
#[utoipa::path(
    post,
    path = "/hub/bulk",
    tag = "hub",
    request_body = Bulk,
    responses((status = 200, body = BulkReport)),
    extensions(("x-car-class" = json!("write"))),
)]
async fn bulk(api: ApiHub, JsonBody(bulk): JsonBody<Bulk>) -> Result<Json<BulkReport>, Problem> {
    let Bulk { action, ids, once, now } = bulk;
    let done = move |hub: Hub| async move {
        let ids = match ids {
            Some(ids) => ids,
            None => hub.prepared().await?,
        };
        let mut results = Vec::new();
        for id in ids {
            let result = action.perform(&hub, &id, once, now).await;
            results.push((id, result));
        }
        Ok(results)
    };
    let results = api.change(done).await?.into_iter().map(|(id, result)| match result {
        Ok(shown) => BulkResult { id, ok: true, repo: Some(shown.into()), problem: None },
        Err(error) => {
            let problem = Some(action.problem(error).body());
            BulkResult { id, ok: false, repo: None, problem }
        }
    });
    Ok(Json(BulkReport { results: results.collect() }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn only_a_start_is_in_the_way_of_another_loop() {
        let status = |action: Action| {
            let problem = action.problem(EngineError::conflict("A runner is at work already."));
            problem.body()["status"].clone()
        };
        assert_eq!(status(Action::Run), StatusCode::CONFLICT.as_u16());
        assert_eq!(status(Action::Kill), StatusCode::BAD_REQUEST.as_u16());
    }
}
