//! What goes wrong, told to people.

use std::fmt;

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What kind of thing went wrong, where a page does something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppErrorKind {
    /// There is no such thing.
    NotFound,
    /// The state of things does not allow it now.
    Conflict,
    /// The server did not answer, or not in a way this page understands.
    Connection,
    /// Anything else on the server.
    Server,
}

/// An error of a server function: what happened, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    /// What kind of thing went wrong.
    pub kind: AppErrorKind,
    /// What happened, as a sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let (kind, message, hint) = match error {
            ServerFnErrorErr::Request(_) => (
                AppErrorKind::Connection,
                "The server does not answer.".to_owned(),
                "Check that CAR is running and that this device reaches it, then try again.",
            ),
            ServerFnErrorErr::Deserialization(_) | ServerFnErrorErr::Response(_) => (
                AppErrorKind::Connection,
                "The server answered something this page does not understand.".to_owned(),
                "Reload the page; CAR may have been updated.",
            ),
            other @ (ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)) => (
                AppErrorKind::Server,
                sentence(&other.to_string()),
                "Reload the page, then try again.",
            ),
        };
        Self { kind, message, hint: Some(hint.to_owned()) }
    }
}

/// Capital letter first, full stop last.
fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut sentence: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    sentence.push_str(chars.as_str());
    if !sentence.ends_with(['.', '!', '?', ':']) && !sentence.is_empty() {
        sentence.push('.');
    }
    sentence
}

#[cfg(feature = "ssr")]
impl From<car_engine::EngineError> for AppError {
    fn from(error: car_engine::EngineError) -> Self {
        let kind = match error.kind() {
            car_engine::ErrorKind::NotFound => AppErrorKind::NotFound,
            car_engine::ErrorKind::Conflict => AppErrorKind::Conflict,
            car_engine::ErrorKind::Config
            | car_engine::ErrorKind::Agent
            | car_engine::ErrorKind::Invalid
            | car_engine::ErrorKind::Unavailable
            | car_engine::ErrorKind::Unauthenticated
            | car_engine::ErrorKind::TooLarge
            | car_engine::ErrorKind::RateLimited
            | car_engine::ErrorKind::Timeout
            | car_engine::ErrorKind::Other => AppErrorKind::Server,
        };
        let hint = error.hint().map(|hint| sentence(&hint));
        Self { kind, message: sentence(&error.to_string()), hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sentences() {
        assert_eq!(sentence("the lock is held by 12"), "The lock is held by 12.");
        assert_eq!(sentence("Nothing there."), "Nothing there.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn an_error_survives_the_wire() {
        let error = AppError {
            kind: AppErrorKind::Conflict,
            message: "A loop is running.".into(),
            hint: Some("Stop it first.".into()),
        };
        assert_eq!(AppError::de(error.ser()), error);
        let torn = AppError::de(b"<html>".to_vec().into());
        assert_eq!(torn.kind, AppErrorKind::Connection);
    }
}
