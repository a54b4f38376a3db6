//! From SPEC to TODO, PROGRESS and OPINIONS.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use car_engine::ingest::{IngestRequest, propose, write};
use car_engine::{EngineError, ErrorKind, blocking};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};
use super::text::{AllDocs, all_docs};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(ingest))
}

/// What to make documents of.
#[derive(Deserialize, ToSchema)]
struct Ingest {
    /// Replace documents that hold something; the old ones stay in the history.
    #[serde(default)]
    force: bool,
    /// Keep the items of TODO that are done.
    #[serde(default)]
    keep_done: bool,
    /// Another file than SPEC, inside the repository and relative to its root.
    spec_path: Option<String>,
}

/// Let the agent write TODO, PROGRESS and OPINIONS from SPEC
///
/// Takes minutes. A client that goes away does not end it.
#[utoipa::path(
    post,
    path = "/api/ingest-spec",
    tag = "documents",
    request_body = Option<Ingest>,
    responses(
        (status = 200, body = AllDocs),
        (status = 400, description = "There is no SPEC, it is empty or outside of the repository, or the documents hold something and `force` is off; the agent was not asked"),
        (status = 409, description = "Somebody wrote one of the documents meanwhile; nothing is written"),
        (status = 502, description = "The agent failed, or answered something else"),
        (status = 504, description = "The agent took too long"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn ingest(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(ingest): JsonBody<Ingest>,
) -> Result<Json<AllDocs>, Problem> {
    let Ingest { force, keep_done, spec_path } = ingest;
    let spec = spec_path.filter(|path| !path.trim().is_empty()).map(Into::into);
    let request = IngestRequest { spec, force, keep_done };
    let guard = state.served.guard();
    let work = state.served.work(|cancel| async move {
        let proposal = match propose(&repo, &guard, &request, &cancel, &mut |_| {}).await {
            Ok(proposal) => proposal,
            Err(error) => return Ok(Err(not_proposed(error))),
        };
        blocking(move || write(&repo, &proposal).and_then(|_| all_docs(&repo))).await.map(Ok)
    });
    work.await?.map(Json)
}

/// What the original answers with 400, whatever of it is missing or in the way.
fn not_proposed(error: EngineError) -> Problem {
    let is_in_the_way = error.kind() == ErrorKind::Conflict;
    let is_missing = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Invalid);
    let problem = Problem::from(error);
    match (is_in_the_way, is_missing) {
        (true, _) => problem
            .with_status(StatusCode::BAD_REQUEST)
            .with_hint("send `\"force\": true`; what is overwritten stays in the history"),
        (_, true) => problem.with_status(StatusCode::BAD_REQUEST),
        _ => problem,
    }
}
