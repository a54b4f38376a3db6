//! The detached app-server of one `CODEX_HOME`: started once, found again by every process, ended on request.
//!
//! Its directory is private to the user (0700) and holds `lock`, `server.json` (who it is), `app.sock` and `server.log`.
//! "Running" is believed only when somebody answers on the socket.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use car_domain::Timestamp;
use car_domain::state::ProcessId;
use car_process::{DirError, default_runtime_dir, is_alive, private_dir, process_id};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use super::start::{MemoryLimit, best_limit, start};

/// How long a server may take until it listens; measured: half a second, much more on a loaded machine.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long one that lives may refuse connections before it counts as broken.
const BROKEN_PATIENCE: Duration = Duration::from_secs(5);
/// How long one may take to end after TERM.
const END_PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at a server that starts or ends: neither is a child's event to every process that waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Which server is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// The Codex program, absolute.
    pub binary: PathBuf,
    /// Its home; one server each.
    pub codex_home: PathBuf,
    /// Environment on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// Variables it must not inherit.
    pub env_remove: Vec<OsString>,
    /// Most memory, in bytes.
    pub memory_max: Option<u64>,
    /// Where servers have their directories; [`default_server_dir`] for what is usual.
    pub dir: PathBuf,
}

/// A server that listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodexServer {
    /// The leader of its process group.
    #[serde(flatten)]
    pub process: ProcessId,
    /// The program it was started from.
    pub binary: PathBuf,
    /// Its home.
    pub codex_home: PathBuf,
    /// What limits its memory.
    pub memory: MemoryLimit,
    /// Where it listens.
    pub socket: PathBuf,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// This Codex cannot listen on a socket.
    #[error("this version of Codex cannot run as a server for several programs")]
    CannotListen,
    /// It ended before it listened.
    #[error("the Codex server ended at once: {0}")]
    Ended(String),
    /// It did not listen in time.
    #[error("the Codex server did not get ready within {} s", START_PATIENCE.as_secs())]
    Silent,
    /// There is no private directory for it.
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
}

impl ServerSpec {
    /// The private directory of this server.
    pub fn server_dir(&self) -> PathBuf {
        let home = fs::canonicalize(&self.codex_home).unwrap_or_else(|_| self.codex_home.clone());
        let hash = Sha256::digest(home.as_os_str().as_encoded_bytes());
        let name: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(format!("codex-{name}"))
    }
}

impl CodexServer {
    /// The server of `spec`: the one that runs, or a new one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn ensure(spec: &ServerSpec) -> Result<Self, ServerError> {
        if let Some(server) = Self::find(spec).await {
            return Ok(server);
        }
        let dir = private_dir(&spec.server_dir())?;
        let path = dir.join("lock");
        let failed = |source| ServerError::File { path: path.clone(), source };
        let lock = File::options().create(true).append(true).open(&path).map_err(failed)?;
        // Another process may hold it as long as its own server takes to start.
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
            .await
            .map_err(|error| failed(io::Error::other(error)))?
            .map_err(failed)?;
        if let Some(server) = Self::find(spec).await {
            return Ok(server);
        }
        if let Some(old) = Self::recorded(spec) {
            old.end_if_broken().await;
        }
        let server = launch(spec, &dir).await;
        drop(lock);
        server
    }

    /// The server of `spec` if it runs and answers.
    pub async fn find(spec: &ServerSpec) -> Option<Self> {
        let server = Self::recorded(spec)?;
        UnixStream::connect(&server.socket).await.ok()?;
        Some(server)
    }

    fn recorded(spec: &ServerSpec) -> Option<Self> {
        let text = fs::read_to_string(spec.server_dir().join("server.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The servers that have a directory in `dir`, running or not.
    pub fn all_in(dir: &Path) -> Vec<Self> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let record = |entry: fs::DirEntry| fs::read(entry.path().join("server.json")).ok();
        entries.filter_map(record).filter_map(|text| serde_json::from_slice(&text).ok()).collect()
    }

    /// When it was started.
    pub fn started_at(&self) -> Option<Timestamp> {
        let record = self.socket.parent()?.join("server.json");
        let at = fs::metadata(record).ok()?.modified().ok()?;
        let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_millis()).ok().map(Timestamp::from_millis)
    }

    /// A name for this very server, unlike that of any before or after it.
    pub fn instance(&self) -> String {
        format!("{}-{}", self.process.pid, self.process.start_ticks)
    }

    /// Ends it with everything it started; turns that run are cut.
    pub async fn end(&self) {
        self.signal(Signal::SIGTERM);
        if !self.gone_within(END_PATIENCE).await {
            self.signal(Signal::SIGKILL);
            self.gone_within(END_PATIENCE).await;
        }
    }

    /// Gives one that lives but does not answer a last chance.
    async fn end_if_broken(&self) {
        let until = Instant::now() + BROKEN_PATIENCE;
        while self.has_processes() {
            if UnixStream::connect(&self.socket).await.is_ok() {
                return;
            }
            if Instant::now() > until {
                return self.end().await;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn gone_within(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.has_processes() {
            if Instant::now() > until {
                return false;
            }
            sleep(LOOK_AGAIN).await;
        }
        true
    }

    fn signal(&self, signal: Signal) {
        if self.has_processes() {
            // The group may end between the look and the signal, which is what is wanted.
            let _ = killpg(Pid::from_raw(self.process.pid), signal);
        }
    }

    /// Whether its group still has members. The wrapper that leads it may be gone while the real server lives; as long as
    /// there is a member, the system gives the number to nobody else.
    fn has_processes(&self) -> bool {
        match process_id(self.process.pid) {
            Some(leader) if leader != self.process => false,
            Some(_) if is_alive(self.process) => true,
            _ => killpg(Pid::from_raw(self.process.pid), None)
                .is_ok_and(|()| others_alive(self.process.pid)),
        }
    }
}

/// Whether a group has a member that is no zombie.
fn others_alive(group: i32) -> bool {
    car_process::group_members(group).is_none_or(|members| !members.is_empty())
}

async fn launch(spec: &ServerSpec, dir: &Path) -> Result<CodexServer, ServerError> {
    let best = best_limit();
    match launch_with(spec, dir, best).await {
        // A user manager that cannot make scopes (a container) is no reason to go without Codex.
        Err(ServerError::Ended(_)) if best == MemoryLimit::Systemd => {
            launch_with(spec, dir, MemoryLimit::None).await
        }
        result => result,
    }
}

async fn launch_with(
    spec: &ServerSpec,
    dir: &Path,
    memory: MemoryLimit,
) -> Result<CodexServer, ServerError> {
    let (socket, log_path) = (dir.join("app.sock"), dir.join("server.log"));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ServerError::File { path, source }
    };
    // Left by a server that was killed; Codex would take it for a running one.
    let _ = fs::remove_file(&socket);
    let mut log = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&log_path)
        .map_err(failed(&log_path))?;
    let mut child = start(spec, &socket, &log, memory).map_err(failed(&spec.binary))?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
    let ready = until_ready(&mut child, &socket).await;
    let process = process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 });
    let server = CodexServer {
        process,
        binary: spec.binary.clone(),
        codex_home: spec.codex_home.clone(),
        memory,
        socket,
    };
    match ready {
        Ok(true) => {}
        Ok(false) => {
            server.end().await;
            return Err(ServerError::Silent);
        }
        Err(()) => return Err(refusal(&mut log)),
    }
    // Ends with the child, or with us: then the system reaps it.
    tokio::spawn(async move { child.wait().await });
    let record = dir.join("server.json");
    let text =
        serde_json::to_string(&server).map_err(|error| failed(&record)(io::Error::other(error)))?;
    let new = dir.join("server.json.new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, &record)).map_err(failed(&record))?;
    Ok(server)
}

/// `Ok(false)` when it does not listen in time, an error when it ended.
async fn until_ready(child: &mut Child, socket: &Path) -> Result<bool, ()> {
    let until = Instant::now() + START_PATIENCE;
    while Instant::now() < until {
        if UnixStream::connect(socket).await.is_ok() {
            return Ok(true);
        }
        tokio::select! {
            _ = child.wait() => return Err(()),
            () = sleep(LOOK_AGAIN) => {}
        }
    }
    Ok(false)
}

/// What a server that ended at once said last.
fn refusal(log: &mut File) -> ServerError {
    let mut bytes = Vec::new();
    let read =
        log.seek(SeekFrom::Start(0)).and_then(|_| log.take(64 * 1024).read_to_end(&mut bytes));
    let said = String::from_utf8_lossy(&bytes);
    let unknown = ["unexpected argument", "unrecognized subcommand", "invalid value"];
    if unknown.iter().any(|words| said.contains(words)) {
        return ServerError::CannotListen;
    }
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    match (read, last) {
        (Ok(_), Some(line)) => ServerError::Ended(line.to_owned()),
        _ => ServerError::Ended("it said nothing".to_owned()),
    }
}

/// Where servers have their directories.
pub fn default_server_dir() -> PathBuf {
    default_runtime_dir("codex-0123456789ab/app.sock")
}
