//! What can go wrong with a terminal.

use std::io;
use std::path::PathBuf;

use car_process::DirError;

use crate::protocol::ProtocolError;

/// Why there is no terminal.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is no session with this id.
    #[error("there is no terminal session `{0}`")]
    Unknown(String),
    /// The session has ended, so nobody can attach to it.
    #[error("the terminal session `{0}` has ended")]
    Ended(String),
    /// A session that runs cannot be removed.
    #[error("the terminal session `{0}` still runs")]
    Running(String),
    /// The host could not start the program; these are its words.
    #[error("{0}")]
    Refused(String),
    /// The host did not get ready in time.
    #[error("the terminal did not get ready within {0} s")]
    Silent(u64),
    /// The host did not end in time.
    #[error("the terminal session `{0}` does not end")]
    Stuck(String),
    /// The program cannot be started in a terminal.
    #[error("cannot start `{program}` in a terminal: {reason}")]
    Spawn {
        /// The program.
        program: String,
        /// The system's reason.
        reason: String,
    },
    /// There is no private directory for the session.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// A file operation failed.
    #[error("cannot use {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The session's record is damaged.
    #[error("{} is no record of a terminal session", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Host and client do not understand each other.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The connection to the host, or the system, failed.
    #[error("the connection to the terminal failed")]
    Io(#[from] io::Error),
}

impl HostError {
    /// For `map_err`: an error about the file at `path`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
