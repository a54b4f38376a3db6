//! Talking with the agent about documents.
//!
//! A turn belongs to the server: it goes on when the client that began it is gone, and what it proposes waits for a decision.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use car_domain::Timestamp;
use car_domain::chat::{Chat, ChatTurn, RunningTurn};
use car_engine::chat::DocChat;
use car_engine::{EngineError, blocking};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::auth::Caller;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};
use super::chat_stream::{self, Talk};
use super::proposed::{ChatResult, ProposedDoc, proposed};
use super::{Kinds, MAX_BODY_BYTES};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(said, say, reset))
        .routes(routes!(cancel))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// What to say.
#[derive(Deserialize, ToSchema)]
struct Message {
    /// What the agent is asked for.
    #[serde(default)]
    message: String,
    /// Whether to answer with an event stream.
    #[serde(default)]
    stream: bool,
}

/// What was said and is proposed.
#[derive(Serialize, ToSchema)]
struct ChatView {
    /// The document; several with `+` between.
    kind: String,
    /// The agent's conversation.
    thread_id: Option<String>,
    /// Oldest first.
    turns: Vec<ChatTurn>,
    /// The turn that is at work.
    running: Option<RunningTurn>,
    /// What waits for a decision.
    proposal: Option<ProposalView>,
}

/// What waits for a decision.
#[derive(Serialize, ToSchema)]
struct ProposalView {
    /// Which proposal this is, for `apply` and `discard`.
    at: Timestamp,
    /// What the agent says about it.
    message: String,
    /// Each document that would change.
    documents: Vec<ProposedDoc>,
}

/// Whether something was cancelled.
#[derive(Serialize, ToSchema)]
struct Cancelled {
    /// Always `ok`.
    status: &'static str,
    /// False when nothing was at work.
    cancelled: bool,
}

/// What was said about a document, and what is proposed
#[utoipa::path(
    get,
    path = "/api/docs/{kind}/chat",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    responses(
        (status = 200, body = ChatView),
        (status = 400, description = "There is no such document"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn said(
    ApiRepo { repo, .. }: ApiRepo,
    Kinds(kinds): Kinds,
) -> Result<Json<ChatView>, Problem> {
    let view = move || {
        let chat = DocChat::new(&repo, &kinds)?;
        let Chat { thread_id, turns, proposal, running } = chat.load()?;
        let proposal = proposal.map(|proposal| {
            let documents = proposed(&repo, &proposal)?;
            Ok::<_, EngineError>(ProposalView {
                at: proposal.at,
                message: proposal.message,
                documents,
            })
        });
        Ok(ChatView {
            kind: chat.name(),
            thread_id,
            turns,
            running,
            proposal: proposal.transpose()?,
        })
    };
    Ok(Json(blocking(view).await?))
}

/// Ask the agent to change a document, or about it
///
/// What it changes is a proposal; the document stays as it is until that is applied. With `stream` the answer is an event stream:
/// `status` (`queued`, `running`), `token` (words as they are written), `step` (what the agent does), and at the end `update` (the
/// same JSON as without `stream`) with `done`, or `error`. A client that goes away does not end the turn.
#[utoipa::path(
    post,
    path = "/api/docs/{kind}/chat",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    request_body = Message,
    responses(
        (status = 200, body = ChatResult),
        (status = 400, description = "There is no such document, or nothing is said"),
        (status = 409, description = "A turn about it is at work already, or this one was cancelled"),
        (status = 502, description = "The agent failed"),
        (status = 504, description = "The agent took too long"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn say(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    Kinds(kinds): Kinds,
    Extension(caller): Extension<Caller>,
    JsonBody(said): JsonBody<Message>,
) -> Result<Response, Problem> {
    if said.message.trim().is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "message is required"));
    }
    let (asked, of) = (repo.clone(), kinds.clone());
    // Before a stream begins, which could tell it only in an event.
    blocking(move || DocChat::new(&asked, &of)?.must_be_free()).await?;
    let talk = Talk::begin(&state.served, repo, kinds, said.message);
    if said.stream {
        return Ok(chat_stream::answer(&state, caller, talk));
    }
    Ok(Json(talk.result().await?).into_response())
}

/// End the turn that is at work
///
/// The agent and everything it started are ended; documents and an earlier proposal stay as they are.
#[utoipa::path(
    post,
    path = "/api/docs/{kind}/chat/cancel",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    responses(
        (status = 200, body = Cancelled),
        (status = 400, description = "There is no such document"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn cancel(
    ApiRepo { repo, .. }: ApiRepo,
    Kinds(kinds): Kinds,
) -> Result<Json<Cancelled>, Problem> {
    let cancelled = blocking(move || DocChat::new(&repo, &kinds)?.cancel()).await?;
    Ok(Json(Cancelled { status: "ok", cancelled }))
}

/// Forget what was said and is proposed
#[utoipa::path(
    delete,
    path = "/api/docs/{kind}/chat",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    responses(
        (status = 204, description = "It is forgotten"),
        (status = 400, description = "There is no such document"),
        (status = 409, description = "A turn is at work"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn reset(ApiRepo { repo, .. }: ApiRepo, Kinds(kinds): Kinds) -> Result<StatusCode, Problem> {
    blocking(move || DocChat::new(&repo, &kinds)?.reset()).await?;
    Ok(StatusCode::NO_CONTENT)
}
