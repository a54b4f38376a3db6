//! Which terminal a socket is about: one that is named, the current one, or a new one.

use car_domain::terminal::TerminalError;
use car_engine::terminals::{self, Size, TerminalKind};
use car_engine::{EngineError, ErrorKind, Repo};
use car_host::Session;

use super::super::super::WebState;
use super::socket::SocketQuery;

/// A terminal to talk about.
pub(super) struct Found {
    pub(super) session: Session,
    /// Whether it was started for this socket.
    pub(super) is_new: bool,
    /// One that an old client wanted closed, and that goes on.
    pub(super) kept: Option<String>,
}

/// Finds or starts what `query` asks for. A live terminal is never closed for another one, and `new` is always new.
pub(super) async fn find(
    state: &WebState,
    (id, repo): (&str, &Repo),
    query: &SocketQuery,
) -> Result<Found, Box<TerminalError>> {
    let is_v2 = query.v == Some(2);
    let named = query.session_id.as_deref().filter(|id| !id.is_empty());
    let mode = query.mode.as_deref().unwrap_or_default();
    let joined = |session| Found { session, is_new: false, kept: None };
    let kind = match mode {
        "current" => {
            let current = terminals::current(repo).await.map_err(|error| told(&error))?;
            return current.map(joined).ok_or_else(|| unknown(None, None));
        }
        "attach" => return join(repo, named.unwrap_or_default(), is_v2).await.map(joined),
        "" if is_v2 && named.is_some() => {
            return join(repo, named.unwrap_or_default(), is_v2).await.map(joined);
        }
        "resume" => TerminalKind::Resume,
        "shell" => TerminalKind::Shell,
        // As with the original, whatever else it is called.
        _ => TerminalKind::Codex,
    };
    if let (TerminalKind::Resume, Some(id)) = (&kind, named)
        && let Ok(session) = join(repo, id, false).await
    {
        return Ok(joined(session));
    }
    let usual = Size::default();
    let size =
        Size { cols: query.cols.unwrap_or(usual.cols), rows: query.rows.unwrap_or(usual.rows) };
    let session =
        state.served.start_terminal(id, repo, &kind, size).await.map_err(|error| told(&error))?;
    let kept = match query.close_session_id.as_deref() {
        Some(id) => terminals::get(repo, id).await.ok(),
        None => None,
    };
    let kept = kept.filter(terminals::is_alive).map(|session| session.record.id);
    Ok(Found { session, is_new: true, kept })
}

/// The terminal `id`; one that has ended only where the client knows what to do with it.
async fn join(repo: &Repo, id: &str, with_ended: bool) -> Result<Session, Box<TerminalError>> {
    match terminals::get(repo, id).await {
        Ok(session) if with_ended || terminals::is_alive(&session) => Ok(session),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(told(&error)),
        _ => {
            let current = terminals::current(repo).await.map_err(|error| told(&error))?;
            Err(unknown(Some(id), current.map(|session| session.record.id)))
        }
    }
}

fn unknown(id: Option<&str>, current: Option<String>) -> Box<TerminalError> {
    let hint = match current {
        Some(_) => "connect with mode=current to join the one that runs",
        None => "connect with mode=new to start one",
    };
    Box::new(TerminalError {
        code: "not_found".to_owned(),
        // The words of the original.
        message: "Session not found".to_owned(),
        hint: Some(hint.to_owned()),
        session_id: id.filter(|id| !id.is_empty()).map(str::to_owned),
        current_session_id: current,
    })
}

fn told(error: &EngineError) -> Box<TerminalError> {
    let code = match error.kind() {
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Agent => "start_failed",
        ErrorKind::Timeout => "timeout",
        _ => "failed",
    };
    if code == "failed" {
        tracing::error!(%error, "a terminal cannot be opened");
    }
    let (code, hint) = (code.to_owned(), error.hint());
    Box::new(TerminalError { code, message: error.to_string(), hint, ..TerminalError::default() })
}
