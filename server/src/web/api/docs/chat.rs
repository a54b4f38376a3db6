//! Talking with the agent about documents.
//!
//! A turn belongs to the server: it goes on when the client that began it is gone, and what it proposes waits for a decision.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use car_domain::Timestamp;
use car_domain::chat::{Chat, ChatTurn, RunningTurn};
use car_domain::docs::DocKind;
use car_engine::chat::{Applied, Choice, DocChat};
use car_engine::{EngineError, Repo, blocking};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiRepo, JsonBody};
use super::chat_stream::{self, Talk};
use super::proposed::{ChatResult, ProposedDoc, proposed};
use super::{Kinds, MAX_BODY_BYTES};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(said, say, reset))
        .routes(routes!(pending))
        .routes(routes!(apply))
        .routes(routes!(discard))
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

/// What of a proposal is taken; without anything all of it.
#[derive(Deserialize, ToSchema)]
struct Decision {
    /// Only this proposal, as named by `proposal`; refused when there is a newer one.
    proposal: Option<Timestamp>,
    /// Of a chat about one document: only these hunks, by number.
    hunks: Option<Vec<usize>>,
    /// Of a chat about one document: this text instead, on `version`.
    content: Option<String>,
    /// The version that `content` replaces.
    version: Option<String>,
    /// Of a chat about several documents: the same for each. One that is not named is taken whole.
    #[serde(default)]
    documents: BTreeMap<DocKind, DocDecision>,
}

/// What of the proposal for one document is taken; without anything all of it.
#[derive(Deserialize, ToSchema)]
struct DocDecision {
    /// Only these hunks, by number; none of them leaves the document as it is.
    hunks: Option<Vec<usize>>,
    /// This text instead, on `version`.
    content: Option<String>,
    /// The version that `content` replaces.
    version: Option<String>,
}

/// What became of a proposal.
#[derive(Serialize, ToSchema)]
struct Decided {
    /// Always `ok`.
    status: &'static str,
    /// The document; several with `+` between.
    kind: String,
    /// The document as it is now; of several, the first.
    content: String,
    /// Its version.
    version: String,
    /// What the agent said about the proposal.
    agent_message: String,
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
        return Ok(chat_stream::answer(talk).into_response());
    }
    Ok(Json(talk.result().await?).into_response())
}

/// What is proposed and not decided
#[utoipa::path(
    get,
    path = "/api/docs/{kind}/chat/pending",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    responses(
        (status = 200, body = ChatResult),
        (status = 400, description = "There is no such document"),
        (status = 404, description = "Nothing is proposed"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn pending(
    ApiRepo { repo, .. }: ApiRepo,
    Kinds(kinds): Kinds,
) -> Result<Json<ChatResult>, Problem> {
    let result = move || {
        let chat = DocChat::new(&repo, &kinds)?;
        let proposal = chat.load()?.proposal;
        let proposal = proposal.ok_or_else(|| EngineError::not_found("No pending patch"))?;
        ChatResult::pending(&repo, &chat, proposal)
    };
    Ok(Json(blocking(result).await?))
}

/// Write what is proposed into the document, or a part of it
///
/// What others wrote meanwhile stays. Where both changed the same place nothing is written, and `conflicts` shows it.
#[utoipa::path(
    post,
    path = "/api/docs/{kind}/chat/apply",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    request_body = Option<Decision>,
    responses(
        (status = 200, body = Decided),
        (status = 400, description = "There is no such document or hunk"),
        (status = 404, description = "Nothing is proposed"),
        (status = 409, description = "A turn is at work, there is a newer proposal, or others changed the same places (`conflicts`)"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn apply(
    ApiRepo { repo, .. }: ApiRepo,
    Kinds(kinds): Kinds,
    JsonBody(decision): JsonBody<Decision>,
) -> Result<Json<Decided>, Problem> {
    let choices = choices(&kinds, &decision)?;
    let applied = move || {
        let chat = chat(&repo, &kinds, decision.proposal)?;
        let message = chat.load()?.proposal.map(|proposal| proposal.message);
        match chat.apply(&choices)? {
            Applied::Written(_) => decided(&repo, &chat, message.unwrap_or_default()).map(Ok),
            Applied::Conflicts(conflicts) => Ok(Err(conflicts)),
        }
    };
    blocking(applied).await?.map(Json).map_err(|conflicts| {
        let text = "These places were changed by somebody else as well; nothing is written.";
        Problem::new(StatusCode::CONFLICT, text)
            .with_hint(
                "ask again, which starts from the present text; or apply `content` on `version`",
            )
            .with_member("conflicts", json!(conflicts))
    })
}

/// Drop what is proposed
///
/// Only of this document; the document itself stays as it is.
#[utoipa::path(
    post,
    path = "/api/docs/{kind}/chat/discard",
    tag = "documents",
    params(("kind" = String, Path, description = "The document; several with `+` between")),
    request_body = Option<Decision>,
    responses(
        (status = 200, body = Decided),
        (status = 400, description = "There is no such document"),
        (status = 404, description = "Nothing is proposed for it"),
        (status = 409, description = "A turn is at work, or there is a newer proposal"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn discard(
    ApiRepo { repo, .. }: ApiRepo,
    Kinds(kinds): Kinds,
    JsonBody(decision): JsonBody<Decision>,
) -> Result<Json<Decided>, Problem> {
    let discarded = move || {
        let chat = chat(&repo, &kinds, decision.proposal)?;
        let message = chat.load()?.proposal.map(|proposal| proposal.message);
        chat.discard()?;
        decided(&repo, &chat, message.unwrap_or_default())
    };
    Ok(Json(blocking(discarded).await?))
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

fn chat<'a>(
    repo: &'a Repo,
    kinds: &[DocKind],
    seen: Option<Timestamp>,
) -> Result<DocChat<'a>, EngineError> {
    let chat = DocChat::new(repo, kinds)?;
    Ok(match seen {
        Some(at) => chat.seen(at),
        None => chat,
    })
}

fn decided(repo: &Repo, chat: &DocChat<'_>, message: String) -> Result<Decided, EngineError> {
    let kind = chat.kinds().first().copied().unwrap_or(DocKind::Todo);
    let document = repo.docs().read(kind)?;
    let (content, version) = (document.text, document.version);
    Ok(Decided { status: "ok", kind: chat.name(), content, version, agent_message: message })
}

fn choices(kinds: &[DocKind], decision: &Decision) -> Result<BTreeMap<DocKind, Choice>, Problem> {
    let wrong = |text: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text);
    let mut choices = BTreeMap::new();
    let whole = choice(&decision.hunks, &decision.content, &decision.version)?;
    match (whole, kinds) {
        (None, _) => {}
        (Some(choice), [kind]) => drop(choices.insert(*kind, choice)),
        (Some(_), _) => {
            return Err(wrong("This chat is about several documents; decide in `documents`."));
        }
    }
    for (kind, DocDecision { hunks, content, version }) in &decision.documents {
        if !kinds.contains(kind) {
            return Err(wrong(&format!("This chat is not about `{kind}`.")));
        }
        if let Some(choice) = choice(hunks, content, version)? {
            choices.insert(*kind, choice);
        }
    }
    Ok(choices)
}

fn choice(
    hunks: &Option<Vec<usize>>,
    content: &Option<String>,
    version: &Option<String>,
) -> Result<Option<Choice>, Problem> {
    let wrong = |text: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    Ok(match (hunks, content, version) {
        (None, None, None) => None,
        (Some(hunks), None, None) if hunks.is_empty() => Some(Choice::Nothing),
        (Some(hunks), None, None) => Some(Choice::Hunks(hunks.clone())),
        (None, Some(text), Some(version)) => {
            Some(Choice::Text { text: text.clone(), version: version.clone() })
        }
        (Some(_), ..) => return wrong("Choose either hunks or a text of your own."),
        (None, ..) => return wrong("A text of your own needs both `content` and `version`."),
    })
}
