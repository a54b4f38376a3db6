//! What agents ask a person, and what is decided.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::{Extension, Json};
use car_domain::conversation::{AgentRequest, Answer};
use car_engine::conversation::{CodexSetup, Conversations, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::auth::Caller;
use super::super::problem::Problem;
use super::{ApiPath, ApiRepo, JsonBody, invalid};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(answer))
}

/// What waits for a person.
#[derive(Serialize, ToSchema)]
struct RequestList {
    /// Oldest first.
    #[schema(value_type = Vec<Object>)]
    requests: Vec<AgentRequest>,
}

/// What is decided. Either a decision or answers.
#[derive(Deserialize, ToSchema)]
struct RequestDecision {
    /// `accept`, `session`, `always`, `network`, `decline` or `cancel`, as far as it is offered.
    #[serde(default)]
    decision: Option<String>,
    /// For questions: the answers by the question's id.
    #[serde(default)]
    answers: Option<BTreeMap<String, Vec<String>>>,
    /// Why.
    #[serde(default)]
    note: Option<String>,
}

/// What agents ask and wait for
///
/// In all conversations of the repository's Codex, those of other repositories with the same `CODEX_HOME` included.
#[utoipa::path(
    get,
    path = "/api/requests",
    tag = "conversations",
    responses(
        (status = 200, body = RequestList),
        (status = 502, description = "Codex cannot be reached"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
) -> Result<Json<RequestList>, Problem> {
    let requests = state.served.work(|_| async move {
        let codex = Conversations::new(CodexSetup::of(&repo));
        let requests = codex.open_requests().await;
        codex.close().await;
        requests
    });
    Ok(Json(RequestList { requests: requests.await? }))
}

/// Decide about what an agent asks
///
/// It closes everywhere; who decided is recorded. The same decision twice is one.
#[utoipa::path(
    post,
    path = "/api/requests/{id}",
    tag = "conversations",
    params(("id" = String, Path, description = "Id of the request, or its first characters")),
    request_body = RequestDecision,
    responses(
        (status = 200, description = "Who decided what, and when", body = Object),
        (status = 400, description = "Not offered"),
        (status = 404, description = "Nothing with this id waits"),
        (status = 409, description = "Somebody has decided otherwise"),
        (status = 422, description = "No decision"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn answer(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(id): ApiPath<String>,
    JsonBody(body): JsonBody<RequestDecision>,
) -> Result<Json<Answer>, Problem> {
    let reply = match (body.decision, body.answers) {
        (Some(word), None) => Reply::Words(vec![word]),
        (None, Some(answers)) => Reply::Answers(answers),
        _ => return Err(invalid("Either `decision` or `answers` is needed.")),
    };
    let by = format!("web:{}", caller.name());
    let answer = state.served.work(move |_| async move {
        let codex = Conversations::new(CodexSetup::of(&repo));
        let answer = codex.reply(&id, &reply, &by, body.note.as_deref()).await;
        codex.close().await;
        answer
    });
    Ok(Json(answer.await?))
}
