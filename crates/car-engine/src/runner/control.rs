//! Starting, stopping and killing a loop from outside.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use car_agent::{Detached, Start, kill_now, terminate, wait_until_gone};
use car_domain::state::ProcessId;
use car_domain::view::Activity;
use tempfile::NamedTempFile;

use super::lock::{clear_stale, living_owner};
use super::recovery::settle;
use super::{RunnerLock, StopSource, standing};
use crate::files::write_atomic;
use crate::notifications;
use crate::{EngineError, ErrorKind, Repo, now};

/// How long a runner may take beyond its agent's grace period.
const RUNNER_PATIENCE: Duration = Duration::from_secs(20);
/// How long a new runner may take until it holds the lock.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// A loop may work for days; the wait is only ever repeated.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// What a stop request found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReport {
    /// The runner with this pid will stop, or has stopped.
    Runner(i32),
    /// Nothing runs.
    NotRunning,
}

/// What `kill` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillReport {
    /// The runner with this pid was ended, with everything it started.
    Killed(i32),
    /// Nothing ran; what a dead runner left was put right.
    NotRunning,
}

/// Asks the loop to end after the current run.
///
/// # Errors
/// When the request cannot be written.
pub fn stop(repo: &Repo) -> Result<StopReport, EngineError> {
    let Some(runner) = living_runner(repo)? else { return Ok(StopReport::NotRunning) };
    request(repo, StopSource::None)?;
    Ok(StopReport::Runner(runner.pid))
}

/// Ends the loop and its agent now; the run counts as stopped.
///
/// # Errors
/// When the request cannot be written or the runner cannot be ended.
pub async fn stop_now(repo: &Repo) -> Result<StopReport, EngineError> {
    let Some(runner) = living_runner(repo)? else { return Ok(StopReport::NotRunning) };
    end(repo, runner, StopSource::Now).await?;
    Ok(StopReport::Runner(runner.pid))
}

/// Ends the loop and its agent now; the run counts as failed with code 137.
///
/// # Errors
/// When the request cannot be written or the runner cannot be ended.
pub async fn kill(repo: &Repo) -> Result<KillReport, EngineError> {
    if let Some(runner) = living_runner(repo)? {
        end(repo, runner, StopSource::Kill).await?;
        return Ok(KillReport::Killed(runner.pid));
    }
    clear_stale(repo);
    settle(repo, &RunnerLock::acquire(repo)?).await?;
    notifications::deliver_briefly(repo.root()).await;
    Ok(KillReport::NotRunning)
}

/// What was found in a repository that nobody looked after for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// The runner with this pid is at work.
    Living(i32),
    /// A runner had died; its run has its end now.
    Settled,
    /// Nothing runs.
    Idle,
}

/// Puts right what a dead runner left; a living one is left to its work.
///
/// # Errors
/// When files cannot be read or written.
pub async fn adopt(repo: &Repo) -> Result<Adopted, EngineError> {
    if let Some(runner) = living_runner(repo)? {
        return Ok(Adopted::Living(runner.pid));
    }
    // A lock file nobody holds is in the way of the original, which goes by its presence.
    if standing(repo)?.view.activity != Activity::Interrupted && !repo.lock_path().exists() {
        return Ok(Adopted::Idle);
    }
    settle(repo, &RunnerLock::acquire(repo)?).await?;
    Ok(Adopted::Settled)
}

/// Waits until no loop is at work in `repo`.
///
/// # Errors
/// When its files cannot be read.
pub async fn wait_for_end(repo: &Repo) -> Result<(), EngineError> {
    while let Some(runner) = living_runner(repo)? {
        wait_until_gone(runner, A_DAY).await;
    }
    Ok(())
}

impl StopSource {
    /// What a signal to the runner of `repo` means: the request written in `stop`, or the signal itself.
    pub fn from_signal(repo: &Repo, number: i32) -> Self {
        let text = fs::read_to_string(repo.stop_path()).unwrap_or_default();
        match text.lines().nth(1) {
            Some("now") => Self::Now,
            Some("kill") => Self::Kill,
            _ => Self::Signal(number),
        }
    }
}

/// Starts a runner that outlives the caller: `command` plus `run|once --repo ROOT --detached`. Returns its pid once it
/// holds the lock.
///
/// # Errors
/// What the runner says when it cannot start; a conflict when one runs already.
pub async fn start_detached(
    repo: &Repo,
    command: &[OsString],
    once: bool,
) -> Result<i32, EngineError> {
    if let Some(runner) = living_runner(repo)? {
        return Err(EngineError::conflict(format!(
            "A runner is at work already (pid {}).",
            runner.pid
        )));
    }
    let errors = StartErrors::create(repo)?;
    let verb = if once { "once" } else { "run" };
    let root = repo.root();
    let args: [OsString; 4] = [verb.into(), "--repo".into(), root.into(), "--detached".into()];
    let detached = Detached::new(command, &args, root, errors.handle()?, START_PATIENCE);
    let start = detached.start().await.map_err(|error| {
        EngineError::new(ErrorKind::Other, "cannot start a runner").with_source(error)
    })?;
    match start {
        Start::Ready(pid) => {
            errors.keep();
            Ok(pid)
        }
        Start::Refused => Err(refusal(&errors.text())),
        Start::Silent => {
            errors.keep();
            Err(EngineError::new(
                ErrorKind::Other,
                format!("the runner did not get ready within {} s", START_PATIENCE.as_secs()),
            )
            .with_hint(format!("see {}", repo.runner_errors_path().display())))
        }
    }
}

/// The standard error of a runner that is being started. A file of its own until it is known who got the lock: of two that start
/// at once, the one that is refused must not write into the other's.
struct StartErrors {
    file: NamedTempFile,
    path: PathBuf,
}

impl StartErrors {
    fn create(repo: &Repo) -> Result<Self, EngineError> {
        // Beside the runs, which no checkpoint holds.
        let dir = repo.runs_dir();
        let failed = |error| EngineError::file("write to", &dir, error);
        fs::create_dir_all(&dir).map_err(failed)?;
        let file =
            tempfile::Builder::new().prefix(".starting-").tempfile_in(&dir).map_err(failed)?;
        Ok(Self { file, path: repo.runner_errors_path() })
    }

    fn handle(&self) -> Result<File, EngineError> {
        let file = self.file.as_file().try_clone();
        file.map_err(|error| EngineError::file("write", &self.path, error))
    }

    /// What the runner said so far.
    fn text(&self) -> String {
        fs::read_to_string(self.file.path()).unwrap_or_default()
    }

    /// Gives it the name under which the runner's errors are found; the runner writes on. It works also when this fails.
    fn keep(self) {
        let Self { file, path } = self;
        if let Err(error) = file.persist(&path) {
            tracing::warn!(%error, file = %path.display(), "the runner's errors are not kept");
        }
    }
}

/// The own words of a process that did not get ready, as it would have said them on a terminal.
pub(crate) fn refusal(text: &str) -> EngineError {
    let said = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix));
    let message = said("error: ").or_else(|| text.lines().find(|line| !line.trim().is_empty()));
    let message = message.unwrap_or("the process ended before it was ready");
    let is_taken = ["Another autorunner", "at work"].iter().any(|words| message.contains(words));
    let kind = if is_taken { ErrorKind::Conflict } else { ErrorKind::Other };
    match said("hint: ") {
        Some(hint) => EngineError::new(kind, message).with_hint(hint),
        None => EngineError::new(kind, message),
    }
}

fn living_runner(repo: &Repo) -> Result<Option<ProcessId>, EngineError> {
    if let Some(owner) = living_owner(repo) {
        return Ok(Some(owner.process));
    }
    let standing = standing(repo)?;
    Ok(standing.state.runner().filter(|runner| standing.view.runner_pid == Some(runner.pid)))
}

/// Writes the request down, so that the runner knows what the signal means.
fn request(repo: &Repo, source: StopSource) -> Result<(), EngineError> {
    let mut text = format!("{}\n", now().whole_seconds());
    match source {
        StopSource::Now => text.push_str("now\n"),
        StopSource::Kill => text.push_str("kill\n"),
        StopSource::None | StopSource::Signal(_) => {}
    }
    let path = repo.stop_path();
    write_atomic(&path, text.as_bytes()).map_err(|error| EngineError::file("write", &path, error))
}

async fn end(repo: &Repo, runner: ProcessId, source: StopSource) -> Result<(), EngineError> {
    // On a full disk the request cannot be written; the signal alone ends the loop as well, as an interruption.
    if let Err(error) = request(repo, source) {
        tracing::warn!(%error, "the loop is ended without saying why");
    }
    terminate(runner);
    let patience = repo.config().runner.grace() + RUNNER_PATIENCE;
    if wait_until_gone(runner, patience).await {
        return Ok(());
    }
    kill_now(runner);
    if !wait_until_gone(runner, patience).await {
        return Err(EngineError::new(
            ErrorKind::Other,
            format!("the runner (pid {}) does not end", runner.pid),
        )
        .with_hint("it may wait for a device; look at it with `ps`"));
    }
    settle(repo, &RunnerLock::acquire(repo)?).await.map(drop)
}
