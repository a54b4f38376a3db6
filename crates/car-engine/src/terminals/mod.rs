//! Terminals of a repository: Codex, `codex resume`, a shell, or any command, each in a host of its own (see `car_host`).
//!
//! A terminal is a process and its files, so whoever opens a repository finds its terminals; no server has to have been there
//! when they were started. Nothing ends one but its own program and [`end`].

mod activity;
mod command;
mod members;
mod recording;

use std::ffi::OsString;
use std::time::Duration;

use car_domain::terminal::{Terminal, TerminalClient, TerminalExit, TerminalState};
pub use car_host::Size;
use car_host::{Exit, HostError, Record, Session, Sessions, Spec, State};

pub use activity::{Heard, hear, heard_first};
pub use command::TerminalKind;
pub use members::{Changes, Entering, Members, Seat};
pub use recording::{Recording, recording};

use crate::served::blocking;
use crate::{EngineError, ErrorKind, Repo};

/// How long a program has between HUP with TERM and KILL; the original waits as long.
pub const GRACE: Duration = Duration::from_secs(5);
/// Terminals of one repository that run at the same time.
const MAX_RUNNING: usize = 32;

/// Starts a terminal for `repo`. `program` is the command line of CAR itself, which runs the host.
///
/// # Errors
/// When there are too many, or the program cannot be started; nothing is left behind then.
pub async fn start(
    repo: &Repo,
    program: &[OsString],
    kind: &TerminalKind,
    size: Size,
) -> Result<Session, EngineError> {
    let running = list(repo).await?.iter().filter(|session| is_alive(session)).count();
    if running >= MAX_RUNNING {
        let message = format!("{running} terminals of {} are open already", repo.name());
        return Err(EngineError::conflict(message).with_hint("end one of them first"));
    }
    let (argv, title) = (kind.argv(repo)?, kind.title(repo));
    let host = program.iter().cloned().chain(["host".into()]).collect();
    let spec = Spec {
        host,
        repo: repo.root().to_path_buf(),
        kind: kind.name().to_owned(),
        title,
        argv,
        cwd: repo.root().to_path_buf(),
        size,
        env: repo.env().for_child(),
        env_remove: repo.env().withheld_from_child(),
    };
    let session = Sessions::of(repo.root()).start(&spec).await?;
    wake(repo).await;
    Ok(session)
}

/// All terminals of `repo`, the oldest first. One whose host died is settled on the way.
///
/// # Errors
/// When their directory cannot be read.
pub async fn list(repo: &Repo) -> Result<Vec<Session>, EngineError> {
    let sessions = Sessions::of(repo.root());
    blocking(move || Ok(sessions.list()?)).await
}

/// The terminal `id` of `repo`.
///
/// # Errors
/// When there is none.
pub async fn get(repo: &Repo, id: &str) -> Result<Session, EngineError> {
    let (sessions, id) = (Sessions::of(repo.root()), id.to_owned());
    blocking(move || Ok(sessions.get(&id)?)).await
}

/// The terminal of `repo` that was started last and runs.
///
/// # Errors
/// When their directory cannot be read.
pub async fn current(repo: &Repo) -> Result<Option<Session>, EngineError> {
    Ok(list(repo).await?.into_iter().rfind(is_alive))
}

/// Ends the terminal `id` with everything it started. One that has ended is left as it is.
///
/// # Errors
/// When there is none, or it does not end.
pub async fn end(repo: &Repo, id: &str) -> Result<Session, EngineError> {
    let mut session = get(repo, id).await?;
    session.end(GRACE).await?;
    wake(repo).await;
    Ok(session)
}

/// Removes what is left of the ended terminal `id`.
///
/// # Errors
/// When there is none, it still runs, or its files cannot be removed.
pub async fn remove(repo: &Repo, id: &str) -> Result<(), EngineError> {
    let session = get(repo, id).await?;
    blocking(move || Ok(session.remove()?)).await
}

/// Whether its program runs, or is about to.
pub fn is_alive(session: &Session) -> bool {
    matches!(session.record.state, State::Starting | State::Running)
}

/// A terminal as it is shown; `heard` is what its host said last.
pub fn view(record: &Record, heard: Option<&Heard>, attached: Vec<TerminalClient>) -> Terminal {
    let title = heard.map(|heard| heard.title.as_str()).filter(|title| !title.is_empty());
    let size = heard.map_or(record.size, |heard| heard.size);
    Terminal {
        session_id: record.id.clone(),
        kind: record.kind.clone(),
        title: title.unwrap_or(&record.title).to_owned(),
        command: record.argv.clone(),
        state: match record.state {
            State::Starting => TerminalState::Starting,
            State::Running => TerminalState::Running,
            State::Ended => TerminalState::Ended,
            State::Lost => TerminalState::Lost,
        },
        exit: record.exit.map(exit),
        created_at: record.created_at,
        ended_at: record.ended_at,
        cols: size.cols,
        rows: size.rows,
        activity: heard.map(Heard::activity).unwrap_or_default(),
        attached,
    }
}

/// How a program ended, as it is shown.
pub fn exit(exit: Exit) -> TerminalExit {
    match exit {
        Exit::Code(code) => TerminalExit { code: Some(code), signal: None },
        Exit::Signal(signal) => TerminalExit { code: None, signal: Some(signal) },
        Exit::Unknown => TerminalExit::default(),
    }
}

/// A file whose change tells watchers that a terminal was started or has ended.
pub(crate) const WAKE_FILE: &str = "changed";

/// Tells who watches the terminals' directory.
async fn wake(repo: &Repo) {
    let path = Sessions::of(repo.root()).dir().join(WAKE_FILE);
    let written = blocking(move || {
        std::fs::write(&path, "").map_err(|error| EngineError::file("write", &path, error))
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "pages will not notice a terminal at once");
    }
}

impl From<HostError> for EngineError {
    fn from(error: HostError) -> Self {
        let (kind, hint) = match &error {
            HostError::Unknown(_) => {
                (ErrorKind::NotFound, Some("`car sessions` lists those that are known"))
            }
            HostError::Ended(_) => (ErrorKind::Conflict, None),
            HostError::Running(_) => (ErrorKind::Conflict, Some("end it first")),
            HostError::Refused(_) | HostError::Spawn { .. } => {
                (ErrorKind::Agent, Some("check codex.binary and codex.terminal_args"))
            }
            HostError::Silent(_) | HostError::Stuck(_) => (ErrorKind::Timeout, None),
            HostError::Dir(_)
            | HostError::File { .. }
            | HostError::Damaged { .. }
            | HostError::Protocol(_)
            | HostError::Io(_) => (ErrorKind::Other, None),
        };
        let engine = match error {
            // What lies below belongs to the sentence.
            HostError::File { .. } | HostError::Damaged { .. } | HostError::Io(_) => {
                let text = error.to_string();
                match std::error::Error::source(&error) {
                    Some(source) => Self::new(kind, format!("{text}: {source}")),
                    None => Self::new(kind, text),
                }
            }
            error => Self::new(kind, error.to_string()),
        };
        match hint {
            Some(hint) => engine.with_hint(hint),
            None => engine,
        }
    }
}
