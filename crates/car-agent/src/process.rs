//! The runner's side of an agent process: start it through the guard, read its lines, end it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use car_domain::state::ProcessId;
use car_process as tree;
use nix::sys::signal::Signal;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::lines::{Line, LineReader};

/// Lines waiting to be handled. Few, because each may be megabytes long; a full channel stops reading, and the agent waits.
const LINE_BUFFER: usize = 4;
/// How long the guard may take beyond the grace period before it is killed itself.
const GUARD_PATIENCE: Duration = Duration::from_secs(12);
/// How long what a killed guard left behind may take to end by KILL.
const ORPHAN_PATIENCE: Duration = Duration::from_secs(5);

/// Everything needed to start an agent.
#[derive(Clone, Debug)]
pub struct AgentSpec {
    /// Command line that runs the guard, e.g. `[car, agent-guard]`; `--grace-ms N -- PROGRAM ARGS…` is added.
    pub guard: Vec<OsString>,
    /// The agent's program, resolved.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Variables to set on top of the inherited environment.
    pub env: Vec<(OsString, OsString)>,
    /// Variables to take away.
    pub env_remove: Vec<OsString>,
    /// What the agent reads on standard input.
    pub prompt: String,
    /// Bytes kept of each line.
    pub max_line_bytes: usize,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// Whether this process has no other children, so that it may take over, and end, what a killed guard leaves behind.
    pub is_alone: bool,
}

/// A line an agent printed; standard error counts as output, as in the original.
pub type AgentLine = Line;

/// How an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit code, when it ended by itself.
    pub code: Option<i32>,
    /// Signal, when one ended it.
    pub signal: Option<i32>,
}

/// The agent could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the agent's guard `{guard}`")]
pub struct SpawnError {
    guard: String,
    #[source]
    source: io::Error,
}

/// A running agent. Dropping it ends the agent and everything it started.
///
/// A process that is [alone](AgentSpec::is_alone) with its agent runs one at a time: should somebody kill the guard, the agent's
/// processes become children of this process, which then ends all it has.
pub struct AgentProcess {
    child: Child,
    /// How the guard ended, once it has.
    ended: Option<ExitStatus>,
    /// The lifeline; the guard ends the tree when it closes.
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<Line>,
    process: ProcessId,
    grace: Duration,
    is_alone: bool,
}

impl AgentProcess {
    /// Starts the agent and hands it the prompt.
    ///
    /// # Errors
    /// When the guard's program cannot be started. That the agent itself cannot be shows as exit code
    /// [`crate::guard::NOT_STARTED`] with a line that says why.
    pub async fn spawn(spec: AgentSpec) -> Result<Self, SpawnError> {
        if spec.is_alone {
            tree::become_subreaper();
        }
        let guard =
            || spec.guard.first().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
        let mut child =
            command(&spec).spawn().map_err(|source| SpawnError { guard: guard(), source })?;
        let (sender, lines) = mpsc::channel(LINE_BUFFER);
        forward(child.stdout.take(), spec.max_line_bytes, sender.clone());
        forward(child.stderr.take(), spec.max_line_bytes, sender);
        let mut stdin = child.stdin.take();
        if let Some(pipe) = &mut stdin {
            let mut message = format!("{}\n", spec.prompt.len()).into_bytes();
            message.extend_from_slice(spec.prompt.as_bytes());
            // A guard that died at once shows as the end of its output; its status says more than this error.
            let _ = pipe.write_all(&message).await;
            let _ = pipe.flush().await;
        }
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        let process = tree::process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 });
        Ok(Self {
            child,
            ended: None,
            stdin,
            lines,
            process,
            grace: spec.grace,
            is_alone: spec.is_alone,
        })
    }

    /// The guard, which leads the agent's process group.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// The next line; `None` when the agent and everything it started are gone.
    pub async fn next_line(&mut self) -> Option<Line> {
        if self.ended.is_none() {
            tokio::select! {
                biased;
                line = self.lines.recv() => return line,
                status = self.child.wait() => self.guard_ended(status.ok()?),
            }
        }
        self.lines.recv().await
    }

    /// A guard ends after everything it guards, unless it is killed. What it left holds the pipes open and would work on
    /// unseen.
    fn guard_ended(&mut self, status: ExitStatus) {
        self.ended = Some(status);
        if self.is_alone && status.signal() == Some(Signal::SIGKILL as i32) {
            tree::kill_descendants(ORPHAN_PATIENCE);
        }
    }

    /// Asks the whole tree to end: TERM now, KILL after the grace period. [`AgentProcess::next_line`] then runs dry.
    pub fn stop(&mut self) {
        tree::signal(self.process.pid, Signal::SIGTERM);
    }

    /// Waits for the end and tells how it was.
    ///
    /// # Errors
    /// When the system does not tell.
    pub async fn wait(mut self) -> io::Result<Exit> {
        // Draining goes on while waiting: a full pipe must not keep the tree from ending.
        while self.next_line().await.is_some() {}
        let status = match self.ended {
            Some(status) => status,
            None => self.child.wait().await?,
        };
        drop(self.stdin.take());
        Ok(exit_of(status))
    }

    /// Stops and waits; a guard that does not end in time is killed with its group.
    ///
    /// # Errors
    /// When the system does not tell how it ended.
    pub async fn stop_and_wait(mut self) -> io::Result<Exit> {
        self.stop();
        let (pid, patience) = (self.process.pid, self.grace + GUARD_PATIENCE);
        let waiting = self.wait();
        tokio::pin!(waiting);
        if let Ok(exit) = tokio::time::timeout(patience, &mut waiting).await {
            return exit;
        }
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
        waiting.await
    }
}

fn command(spec: &AgentSpec) -> Command {
    let mut parts = spec.guard.iter();
    let mut command = Command::new(parts.next().cloned().unwrap_or_default());
    command
        .args(parts)
        .arg("--grace-ms")
        .arg(spec.grace.as_millis().to_string())
        .arg("--")
        .arg(&spec.program)
        .args(&spec.args)
        .current_dir(&spec.cwd)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    for name in &spec.env_remove {
        command.env_remove(name);
    }
    command
}

fn forward(
    stream: Option<impl AsyncRead + Unpin + Send + 'static>,
    max_line_bytes: usize,
    lines: mpsc::Sender<Line>,
) {
    let Some(stream) = stream else { return };
    // Ends with the stream, which the guard closes; needs no other owner.
    tokio::spawn(async move {
        let mut reader = LineReader::new(stream, max_line_bytes);
        while let Ok(Some(line)) = reader.next_line().await {
            if lines.send(line).await.is_err() {
                return;
            }
        }
    });
}

fn exit_of(status: ExitStatus) -> Exit {
    Exit { code: status.code(), signal: status.signal() }
}
