//! Deciding about what a chat proposes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use car_domain::Timestamp;
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
use super::proposed::ChatResult;
use super::{Kinds, MAX_BODY_BYTES};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(pending))
        .routes(routes!(apply))
        .routes(routes!(discard))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
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
