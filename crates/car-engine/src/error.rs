//! Errors that people read: what happened, and what to do about it.

use std::fmt;
use std::io;
use std::path::Path;

/// What kind of trouble it is; doors map it to exit codes and HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such repository, run or file.
    NotFound,
    /// It cannot be done in the present state.
    Conflict,
    /// The configuration is missing or wrong.
    Config,
    /// The agent failed.
    Agent,
    /// What was asked for makes no sense.
    Invalid,
    /// More was sent than is taken.
    TooLarge,
    /// A program or a service that is needed is not there.
    Unavailable,
    /// A service does not know who asks.
    Unauthenticated,
    /// A service wants to be asked less often.
    RateLimited,
    /// Something took too long and was ended.
    Timeout,
    /// Anything else, most often the file system.
    Other,
}

/// An error of the engine: a sentence, a kind, perhaps a hint and a cause.
#[derive(Debug)]
pub struct EngineError {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl EngineError {
    /// Makes an error of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Something that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Something the present state forbids.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// A request that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something wrong with the configuration.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// A file operation that failed: `cannot <what> <path>`, with a hint for the usual reasons.
    pub fn file(what: &str, path: &Path, source: io::Error) -> Self {
        let hint = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("the disk is full: free some space, then try again")
            }
            io::ErrorKind::FileTooLarge => Some(
                "a limit on the size of files is in force (`ulimit -f`): raise it, then try again",
            ),
            io::ErrorKind::PermissionDenied => Some("check who owns it and its permissions"),
            io::ErrorKind::ReadOnlyFilesystem => Some("the file system is mounted read-only"),
            _ => None,
        };
        let error = Self::new(ErrorKind::Other, format!("cannot {what} {}", path.display()));
        let error = Self { hint: hint.map(str::to_owned), ..error };
        error.with_source(source)
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut said = String::new();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // Some libraries put their cause into their own text already.
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

impl From<car_store::StoreError> for EngineError {
    fn from(error: car_store::StoreError) -> Self {
        let hint = error.hint();
        let engine =
            Self::new(ErrorKind::Other, "the index of runs cannot be used").with_source(error);
        match hint {
            Some(hint) => engine.with_hint(hint),
            None => engine,
        }
    }
}
