//! How a socket is opened.

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::connect;
use car_domain::terminal::TerminalRole;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::auth::Caller;
use super::super::super::problem::Problem;
use super::super::{ApiQuery, ApiRepo, invalid};
use super::talk;

/// Longest message of a client: the most input there may be, with every byte escaped in JSON.
const MAX_MESSAGE: usize = 6 * car_host::protocol::MAX_INPUT + 4096;
/// What a client names besides `car-token-b64.…`, since browsers want one of the names they offer to be chosen.
const PROTOCOL: &str = "car";

pub(super) fn routes() -> OpenApiRouter<WebState> {
    // Over HTTP/2 a socket is opened by CONNECT.
    OpenApiRouter::new().routes(routes!(socket)).route("/api/terminal", connect(socket))
}

/// Which terminal, and how.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SocketQuery {
    /// Version of the conversation: 2, or 1 for clients of the original.
    pub(super) v: Option<u8>,
    /// `new`, `resume`, `shell` start one, `attach` joins `session_id`, `current` the one that was started last.
    pub(super) mode: Option<String>,
    /// The terminal to join.
    pub(super) session_id: Option<String>,
    /// Of old clients. The terminal is not closed; `hello` names it as `kept_session_id`.
    pub(super) close_session_id: Option<String>,
    /// Offset of the first byte wanted; without it a snapshot of the screen comes first.
    pub(super) from: Option<u64>,
    /// Most lines of history in a snapshot.
    pub(super) lines: Option<u32>,
    /// Bytes the client may be behind with its acknowledgements.
    pub(super) window: Option<u32>,
    /// Columns of the client's window.
    pub(super) cols: Option<u16>,
    /// Rows of the client's window.
    pub(super) rows: Option<u16>,
    /// `controller` or `viewer`; without it the client is the controller if nobody is.
    pub(super) role: Option<String>,
    /// A name of the client's own. Who comes back under it takes its old place.
    pub(super) client: Option<String>,
}

/// Talk with a terminal
///
/// A WebSocket. The conversation is described in `docs/terminal.md`.
#[utoipa::path(
    get,
    path = "/api/terminal",
    tag = "terminal",
    params(SocketQuery),
    responses(
        (status = 101, description = "The socket is open"),
        (status = 422, description = "The query cannot be read"),
        (status = 426, description = "The request wants no WebSocket"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn socket(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
    repo: ApiRepo,
    ApiQuery(query): ApiQuery<SocketQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let role = match query.role.as_deref() {
        None | Some("") => None,
        Some("controller") => Some(TerminalRole::Controller),
        Some("viewer") => Some(TerminalRole::Viewer),
        Some(_) => return Err(invalid("`role` has to be `controller` or `viewer`.")),
    };
    let upgrade = upgrade.map_err(|_| {
        Problem::new(StatusCode::UPGRADE_REQUIRED, "This address speaks WebSocket.")
            .with_code("upgrade_required")
            .with_hint("open it with a WebSocket client")
    })?;
    // The server waits for the end of the conversation before it ends itself.
    let at_work = state.tracker.token();
    let upgrade =
        upgrade.protocols([PROTOCOL]).max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| async move {
        talk::serve(&state, &caller, &repo, &query, role, socket).await;
        drop(at_work);
    }))
}
