//! What goes wrong with Codex, in words for people.

use car_agent::app_server::{CallError, ServerError};

use crate::{EngineError, ErrorKind};

/// A call that brought nothing.
pub(super) fn call_failed(error: CallError) -> EngineError {
    let CallError::Refused { message, .. } = &error else {
        return EngineError::new(ErrorKind::Agent, "Codex cannot be asked")
            .with_source(error)
            .with_hint("try again; `car thread server` shows whether its server runs");
    };
    if message.contains("already has an active writer") {
        return EngineError::conflict("another program is working in this conversation")
            .with_hint("close it there (a Codex started without `--remote`, for example), or start a new conversation");
    }
    if is_unknown_thread(message) {
        return EngineError::not_found("Codex knows no such conversation")
            .with_hint("`car thread list` shows those there are")
            .with_source(error);
    }
    if message.contains("no active turn") {
        return EngineError::conflict("no turn is running in this conversation");
    }
    EngineError::new(ErrorKind::Agent, "Codex refused").with_source(error)
}

/// Codex's words about a thread that is not there, or has had no turn yet and is known only to the program that began it.
fn is_unknown_thread(message: &str) -> bool {
    let words = [
        "no rollout found",
        "thread not found",
        "invalid session id",
        "invalid thread id",
        "thread not loaded",
    ];
    words.iter().any(|words| message.contains(words))
}

/// There is no server.
pub(super) fn server_failed(error: ServerError) -> EngineError {
    EngineError::new(ErrorKind::Agent, "the Codex server cannot be started")
        .with_source(error)
        .with_hint(
            "`codex app-server --listen unix://` must work; `codex doctor` may say why it does not",
        )
}

/// The server is gone, and with it the turn.
pub(super) const SERVER_GONE: &str = "The Codex server ended in the middle of the turn; what was done so far is kept in the conversation.";
