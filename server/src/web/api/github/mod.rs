//! GitHub: what is known there, linking an issue, and asking for a SPEC made of one.

mod sync;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use car_domain::docs::DocKind;
use car_domain::github::{GithubContext, GithubStatus, PrStatus};
use car_engine::chat::DocChat;
use car_engine::github::{context_file, link_issue, spec_from_issue};
use car_engine::{EngineError, ErrorKind, blocking};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::docs::ChatResult;
use super::{ApiRepo, JsonBody};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(pull_request))
        .routes(routes!(link))
        .routes(routes!(spec))
        .routes(routes!(context))
        .merge(sync::routes())
}

/// An issue.
#[derive(Deserialize, ToSchema)]
struct IssueRef {
    /// Its number, or the address of its page.
    issue: IssueName,
}

/// A number or an address.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum IssueName {
    Number(u64),
    Text(String),
}

impl IssueName {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What a repository is linked with.
#[derive(Serialize, ToSchema)]
struct Linked {
    /// Always `ok`.
    status: &'static str,
    /// Content of `github.json`.
    #[schema(value_type = Object)]
    link: Map<String, Value>,
}

/// A SPEC that is proposed.
#[derive(Serialize, ToSchema)]
struct ProposedSpec {
    #[serde(flatten)]
    result: ChatResult,
    /// What it was made of.
    github: OfIssue,
}

/// What a SPEC was made of.
#[derive(Serialize, ToSchema)]
struct OfIssue {
    /// The issue that is linked now.
    issue: Value,
}

/// An address.
#[derive(Deserialize, ToSchema)]
struct Page {
    /// Of an issue or a pull request.
    url: String,
}

/// What is known of the repository on GitHub
///
/// Asked at most every 20 seconds, however many ask. That GitHub does not answer is told in `problem`.
#[utoipa::path(
    get,
    path = "/api/github/status",
    tag = "github",
    responses((status = 200, body = GithubStatus)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn status(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
) -> Result<Json<GithubStatus>, Problem> {
    Ok(Json(state.served.github().status(&repo).await?))
}

/// The pull request of the branch
#[utoipa::path(
    get,
    path = "/api/github/pr",
    tag = "github",
    responses((status = 200, body = PrStatus)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn pull_request(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
) -> Result<Json<PrStatus>, Problem> {
    Ok(Json(state.served.github().pull_request(&repo).await?))
}

/// Link an issue
#[utoipa::path(
    post,
    path = "/api/github/link-issue",
    tag = "github",
    request_body = IssueRef,
    responses(
        (status = 200, body = Linked),
        (status = 400, description = "It is no issue, or of another repository"),
        (status = 401, description = "`gh` is not logged in"),
        (status = 404, description = "There is no such issue"),
        (status = 409, description = "GitHub is switched off, or the repository is not there"),
        (status = 503, description = "`gh` or GitHub is not there"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn link(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(IssueRef { issue }): JsonBody<IssueRef>,
) -> Result<Json<Linked>, Problem> {
    let linked = link_issue(&repo, &issue.text()).await.map_err(problem)?;
    state.served.github().refresh(repo.root()).await;
    Ok(Json(Linked { status: "ok", link: linked.link.values().clone() }))
}

/// Link an issue and have the agent propose a SPEC made of it
///
/// It is a proposal of the chat about SPEC. A client that goes away does not end it.
#[utoipa::path(
    post,
    path = "/api/github/spec/from-issue",
    tag = "github",
    request_body = IssueRef,
    responses(
        (status = 200, body = ProposedSpec),
        (status = 400, description = "It is no issue, or of another repository"),
        (status = 401, description = "`gh` is not logged in"),
        (status = 404, description = "There is no such issue"),
        (status = 409, description = "The chat about SPEC is at work, or GitHub is switched off"),
        (status = 502, description = "The agent failed"),
        (status = 503, description = "`gh` or GitHub is not there"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn spec(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(IssueRef { issue }): JsonBody<IssueRef>,
) -> Result<Json<ProposedSpec>, Problem> {
    let served = state.served.clone();
    let work = state.served.work(|cancel| async move {
        let (guard, issue) = (served.guard(), issue.text());
        let asked = spec_from_issue(&repo, &issue, &guard, &cancel, &mut |_| {}).await;
        // It is linked even when the agent failed afterwards.
        served.github().refresh(repo.root()).await;
        let (answer, issue) = asked?;
        blocking(move || {
            let result = ChatResult::of(&repo, &DocChat::new(&repo, &[DocKind::Spec])?, answer)?;
            Ok(ProposedSpec { result, github: OfIssue { issue: issue.view() } })
        })
        .await
    });
    Ok(Json(work.await.map_err(problem)?))
}

/// Write a file about an issue or a pull request for an agent to read
///
/// Nothing is written, and `reason` says why, when it is no such address or of another repository, or GitHub cannot be asked.
#[utoipa::path(
    post,
    path = "/api/github/context",
    tag = "github",
    request_body = Page,
    responses(
        (status = 200, body = GithubContext),
        (status = 404, description = "There is no such issue or pull request"),
        (status = 503, description = "GitHub does not answer"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn context(
    ApiRepo { repo, .. }: ApiRepo,
    JsonBody(page): JsonBody<Page>,
) -> Result<Json<GithubContext>, Problem> {
    Ok(Json(context_file(&repo, &page.url).await.map_err(problem)?))
}

/// What nobody understands of `gh` is its failure and not ours.
fn problem(error: EngineError) -> Problem {
    let is_unclear = error.kind() == ErrorKind::Other;
    let problem = Problem::from(error);
    if is_unclear { problem.with_status(StatusCode::BAD_GATEWAY) } else { problem }
}
