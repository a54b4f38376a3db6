//! Lists of terminals, and what is done with single ones.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use car_domain::terminal::Terminal;
use car_engine::terminals::{self, Size, TerminalKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::{ApiPath, ApiRepo, JsonBody};

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(one, remove))
        .routes(routes!(end))
        .routes(routes!(recording))
}

/// The terminals of a repository.
#[derive(Serialize, ToSchema)]
struct TerminalList {
    /// The oldest first.
    sessions: Vec<Terminal>,
}

/// A terminal to start.
#[derive(Deserialize, ToSchema)]
struct TerminalStart {
    /// `codex`, `resume` or `shell`.
    #[serde(default = "codex")]
    kind: String,
    /// Columns, 2 to 500.
    #[serde(default)]
    cols: Option<u16>,
    /// Rows, 2 to 500.
    #[serde(default)]
    rows: Option<u16>,
}

fn codex() -> String {
    "codex".to_owned()
}

/// A terminal that was started.
#[derive(Serialize, ToSchema)]
struct TerminalStarted {
    session_id: String,
}

/// The terminals of a repository
///
/// Those that run and those that have ended, until housekeeping or somebody removes them.
#[utoipa::path(
    get,
    path = "/api/terminal/sessions",
    tag = "terminal",
    responses((status = 200, body = TerminalList)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
) -> Result<Json<TerminalList>, Problem> {
    Ok(Json(TerminalList { sessions: state.served.terminals(&repo).await? }))
}

/// Start a terminal
///
/// Others are left alone. It goes on without this server.
#[utoipa::path(
    post,
    path = "/api/terminal/sessions",
    tag = "terminal",
    request_body = TerminalStart,
    responses(
        (status = 200, body = TerminalStarted),
        (status = 400, description = "There is no such kind"),
        (status = 409, description = "Too many are open"),
        (status = 502, description = "Its program cannot be started"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn start(
    State(state): State<WebState>,
    ApiRepo { id, repo }: ApiRepo,
    JsonBody(body): JsonBody<TerminalStart>,
) -> Result<Json<TerminalStarted>, Problem> {
    let kind = TerminalKind::from_name(&body.kind)?;
    let usual = Size::default();
    let size =
        Size { cols: body.cols.unwrap_or(usual.cols), rows: body.rows.unwrap_or(usual.rows) };
    let session = state.served.start_terminal(&id, &repo, &kind, size).await?;
    Ok(Json(TerminalStarted { session_id: session.record.id }))
}

/// A terminal
#[utoipa::path(
    get,
    path = "/api/terminal/sessions/{id}",
    tag = "terminal",
    params(("id" = String, Path, description = "Id of the terminal")),
    responses((status = 200, body = Terminal), (status = 404, description = "No such terminal")),
    extensions(("x-car-class" = json!("read"))),
)]
async fn one(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<Terminal>, Problem> {
    Ok(Json(state.served.terminal(&repo, &id).await?))
}

/// Remove what is left of a terminal
///
/// Its journal and its last screen. Only of one that has ended.
#[utoipa::path(
    delete,
    path = "/api/terminal/sessions/{id}",
    tag = "terminal",
    params(("id" = String, Path, description = "Id of the terminal")),
    responses(
        (status = 204, description = "Nothing is left"),
        (status = 404, description = "No such terminal"),
        (status = 409, description = "It still runs"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn remove(
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    terminals::remove(&repo, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a terminal
///
/// With everything its program started: HUP and TERM, after five seconds KILL. One that has ended stays as it is.
#[utoipa::path(
    post,
    path = "/api/terminal/sessions/{id}/end",
    tag = "terminal",
    params(("id" = String, Path, description = "Id of the terminal")),
    responses(
        (status = 200, body = Terminal),
        (status = 404, description = "No such terminal"),
        (status = 504, description = "It does not end"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn end(
    State(state): State<WebState>,
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<Terminal>, Problem> {
    let ended = repo.clone();
    // A client that goes away in the middle does not leave it half ended.
    let work = state.served.work(move |_| async move { terminals::end(&ended, &id).await });
    let session = work.await?;
    Ok(Json(state.served.terminal(&repo, &session.record.id).await?))
}

/// The output of a terminal as a recording
///
/// Asciicast, version 2, of what its journal still has. The journal knows no times: it plays at an even pace.
#[utoipa::path(
    get,
    path = "/api/terminal/sessions/{id}/recording",
    tag = "terminal",
    params(("id" = String, Path, description = "Id of the terminal")),
    responses(
        (status = 200, content_type = "application/x-asciicast", body = String),
        (status = 404, description = "No such terminal"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn recording(
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let recording = terminals::recording(&repo, &id).await?;
    // Known now: an id has only letters, digits and dashes.
    let name = format!("attachment; filename=\"terminal-{id}.cast\"");
    let headers =
        [(CONTENT_TYPE, "application/x-asciicast".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, recording.text).into_response())
}
