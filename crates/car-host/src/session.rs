//! Sessions as files: how they are found again, and what is left of them.
//!
//! Each has a private directory with `session.json`, the socket, the journal in `output/`, the host's words in `host.log`, and
//! when it has ended what was last on the screen. While a host lives it is the only writer of its record; that it does is
//! believed by pid and start time only.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use car_domain::Timestamp;
use car_domain::state::ProcessId;
use car_process::{is_alive, kill_now};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::error::HostError;
use crate::journal;

/// How old a session without a host may be before its start counts as failed.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// A size programs can live with: 2 to 500 each way.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self { cols: self.cols.clamp(2, 500), rows: self.rows.clamp(2, 500) }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

/// How a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its host is being started.
    Starting,
    /// Its program runs.
    Running,
    /// Its program has ended.
    Ended,
    /// Its host died without a word; whatever ran in it is ended.
    Lost,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody saw it.
    Unknown,
}

/// Content of `session.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The session's name, unlike that of any other.
    pub id: String,
    /// The repository it belongs to.
    pub repo: PathBuf,
    /// What it is for, in the words of whoever started it: `codex`, `shell`, …
    pub kind: String,
    /// What it is called: what it was started with, at last the title its program gave it.
    pub title: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where the program was started.
    pub cwd: PathBuf,
    /// Size it was started with, at last the size it had.
    pub size: Size,
    /// When it was started.
    pub created_at: Timestamp,
    /// Where its host listens.
    pub socket: PathBuf,
    /// How it is.
    pub state: State,
    /// Its host.
    pub host: Option<ProcessId>,
    /// Its program, which leads the terminal's session and a process group.
    pub child: Option<ProcessId>,
    /// How the program ended.
    pub exit: Option<Exit>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A session and its directory.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) dir: PathBuf,
    /// What `session.json` said when it was last read.
    pub record: Record,
}

/// The sessions of one place.
#[derive(Clone, Debug)]
pub struct Sessions {
    dir: PathBuf,
}

impl Sessions {
    /// The sessions of the repository at `root`.
    pub fn of(root: &Path) -> Self {
        Self { dir: root.join(".codex-autorunner/terminals") }
    }

    /// Their directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes their directory for those who watch it, where the one above it is there. Whoever starts a session makes it, too, and
    /// says what is wrong.
    pub fn prepare(&self) {
        let _ = fs::DirBuilder::new().mode(0o700).create(&self.dir);
    }

    /// All of them, the oldest first. One whose host died is settled on the way; a damaged one is left out and said in the log.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Session>, HostError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(HostError::file(&self.dir)(error)),
        };
        let mut sessions = Vec::new();
        for entry in entries {
            let dir = entry.map_err(HostError::file(&self.dir))?.path();
            match Session::open(dir) {
                Ok(session) => sessions.push(session),
                // It is being made, or was removed in this moment.
                Err(HostError::File { source, .. })
                    if matches!(
                        source.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => tracing::warn!(%error, "a terminal session is left out"),
            }
        }
        sessions.sort_by(|one, other| one.key().cmp(&other.key()));
        Ok(sessions)
    }

    /// The session with this id.
    ///
    /// # Errors
    /// When there is none, or its files cannot be read.
    pub fn get(&self, id: &str) -> Result<Session, HostError> {
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let unknown = || HostError::Unknown(id.to_owned());
        if id.is_empty() || id.len() > 64 || !id.bytes().all(is_id) {
            return Err(unknown());
        }
        match Session::open(self.dir.join(id)) {
            Err(HostError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(unknown())
            }
            result => result,
        }
    }
}

impl Session {
    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The session in `dir`, settled if its host is gone.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, HostError> {
        let mut session = Self { record: Record::read(&dir)?, dir };
        session.settle()?;
        Ok(session)
    }

    /// Reads its record anew.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reload(&mut self) -> Result<(), HostError> {
        self.record = Record::read(&self.dir)?;
        self.settle()
    }

    /// Whether its program runs.
    pub fn is_running(&self) -> bool {
        self.record.state == State::Running
    }

    /// What was on the screen when it ended, as bytes for a fresh terminal of the record's size.
    ///
    /// # Errors
    /// When there is none, as for a session that runs or was lost.
    pub fn last_screen(&self) -> Result<Vec<u8>, HostError> {
        let path = self.dir.join(LAST_SCREEN);
        fs::read(&path).map_err(HostError::file(path))
    }

    /// The last of what its program wrote, and the offset of the first byte of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn output(&self) -> Result<(u64, Vec<u8>), HostError> {
        let path = self.dir.join(OUTPUT);
        journal::left_behind(&path).map_err(HostError::file(path))
    }

    /// Removes what is left of an ended session.
    ///
    /// # Errors
    /// When it still runs, or its files cannot be removed.
    pub fn remove(mut self) -> Result<(), HostError> {
        self.reload()?;
        if matches!(self.record.state, State::Starting | State::Running) {
            return Err(HostError::Running(self.record.id));
        }
        remove_socket(&self.record.socket);
        fs::remove_dir_all(&self.dir).map_err(HostError::file(&self.dir))
    }

    /// If its host is gone without a word, ends what it left and writes that down.
    fn settle(&mut self) -> Result<(), HostError> {
        if self.is_at_work() {
            return Ok(());
        }
        // The host may have written its last word between the first look and its end.
        self.record = Record::read(&self.dir)?;
        if self.is_at_work() || matches!(self.record.state, State::Ended | State::Lost) {
            return Ok(());
        }
        if let Some(child) = self.record.child.filter(|child| is_alive(*child)) {
            // Its process group is what is left to find; the proof is the leader's start time.
            let _ = killpg(Pid::from_raw(child.pid), Signal::SIGKILL);
            kill_now(child);
        }
        remove_socket(&self.record.socket);
        self.record.state = State::Lost;
        self.record.exit = Some(Exit::Unknown);
        self.record.ended_at = Some(now());
        self.record.write(&self.dir)
    }

    /// Whether a host is there, or may still come.
    fn is_at_work(&self) -> bool {
        match (self.record.state, self.record.host) {
            (State::Ended | State::Lost, _) => true,
            (_, Some(host)) => is_alive(host),
            (_, None) => now().since(self.record.created_at) < START_PATIENCE,
        }
    }

    fn key(&self) -> (Timestamp, &str) {
        (self.record.created_at, &self.record.id)
    }
}

/// The journal's directory in that of a session.
pub(crate) const OUTPUT: &str = "output";
/// What was last on the screen.
pub(crate) const LAST_SCREEN: &str = "last-screen";
const RECORD: &str = "session.json";

impl Record {
    pub(crate) fn read(dir: &Path) -> Result<Self, HostError> {
        let path = dir.join(RECORD);
        let text = fs::read(&path).map_err(HostError::file(&path))?;
        serde_json::from_slice(&text).map_err(|source| HostError::Damaged { path, source })
    }

    pub(crate) fn write(&self, dir: &Path) -> Result<(), HostError> {
        let path = dir.join(RECORD);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|source| HostError::Damaged { path: path.clone(), source })?;
        write_private(&path, &text).map_err(HostError::file(path))
    }
}

/// Writes a file only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// A socket outlives whoever listened on it.
pub(crate) fn remove_socket(socket: &Path) {
    // That there is none is the usual case.
    let _ = fs::remove_file(socket);
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
