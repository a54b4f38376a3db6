//! Errors on the command line: a sentence, a hint, an exit code.

use std::process::ExitCode;

use car_engine::{EngineError, ErrorKind};

/// What a command failed with.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    code: u8,
}

impl CliError {
    pub(super) fn other(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 1 }
    }

    pub(super) fn config(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: 3 }
    }

    /// The person at the terminal wanted it to end.
    pub(super) fn interrupted() -> Self {
        Self {
            message: "Interrupted; nothing is left half done.".to_owned(),
            hint: None,
            code: 130,
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        let code = match error.kind() {
            ErrorKind::Config => 3,
            ErrorKind::Agent => 4,
            ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Invalid
            | ErrorKind::Unavailable
            | ErrorKind::Unauthenticated
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited
            | ErrorKind::Timeout
            | ErrorKind::Other => 1,
        };
        Self { message: error.to_string(), hint: error.hint(), code }
    }
}
