//! The loop: asks the state machine, does what it says, leaves a true final state.

use std::ffi::OsString;
use std::time::Duration;

use car_agent::process_id;
use car_domain::Timestamp;
use car_domain::log::log_line;
use car_domain::run::{
    Facts, JournalEntry, LoopEnd, LoopLimits, LoopMachine, NextStep, Outcome, RunEnd, RunKind,
};
use car_domain::state::{ProcessId, RunnerState, RunnerStatus};
use car_git::GitError;
use notify::{RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::RunnerLock;
use super::execute::RunContext;
use super::git::bounded;
use super::recovery::{clear_runner, settle};
use super::signals::{StopSource, asked};
use super::state_file::change_state;
use crate::conversation::TurnEvent;
use crate::files::RotatingLog;
use crate::history::History;
use crate::notifications::{self, Notice};
use crate::{EngineError, Repo, checkpoints, now};

/// How to run the loop.
#[derive(Clone, Debug)]
pub struct LoopRequest {
    /// Runs of this invocation; `None` for what the configuration says.
    pub max_runs: Option<u64>,
    /// Command line of the agent's guard, e.g. `[car, agent-guard]`.
    pub guard: Vec<OsString>,
}

/// What a running loop tells whoever started it.
#[derive(Debug)]
pub enum RunnerNews<'a> {
    /// The lock is ours and the state is settled; others may rely on it.
    Ready,
    /// Something was written into a run's journal.
    Entry(&'a JournalEntry),
    /// What is only live and in no journal: the agent's words while they are being written. Only over the Codex server.
    Live(&'a TurnEvent),
    /// The next run starts then.
    Pausing(Timestamp),
}

/// How a loop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopReport {
    /// Why.
    pub end: LoopEnd,
    /// Runs of this invocation.
    pub n_runs: u64,
    /// Number and end of the last one.
    pub last: Option<(u64, RunEnd)>,
    /// What was asked, when the loop was ended from outside.
    pub stopped_by: StopSource,
}

/// Runs the loop of `repo` under `lock` until it ends.
///
/// # Errors
/// When it cannot go on for a reason that is not the agent's; `state.json` then says so, too.
pub async fn run_loop(
    repo: &Repo,
    lock: RunnerLock,
    request: &LoopRequest,
    stop: watch::Receiver<StopSource>,
    news: &mut dyn FnMut(RunnerNews<'_>),
) -> Result<LoopReport, EngineError> {
    let state = settle(repo, &lock).await?;
    remove_stop_file(repo)?;
    crate::init::refresh_about(repo);
    let pid = nix::unistd::Pid::this().as_raw();
    let runner = process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 });
    change_state(repo, |state| {
        state.runner_pid = Some(runner.pid);
        state.runner_start_ticks = Some(runner.start_ticks);
    })?;
    news(RunnerNews::Ready);
    // What a runner that died has left to tell must not wait for the end of this loop.
    let root = repo.root().to_path_buf();
    let early = tokio::spawn(async move { notifications::deliver_briefly(&root).await });
    let mut looping = Looping::new(repo.clone(), request, runner, &state, stop);
    let result = looping.work(news).await;
    let left = looping.leave(&result);
    if let Some(notice) = Notice::loop_ended(&looping.repo, &result, looping.last_kind) {
        notifications::announce_or_warn(&looping.repo, &notice);
    }
    drop(lock);
    // The state is final and the lock is free: nobody waits for this but the process itself.
    let _ = early.await;
    notifications::deliver_briefly(repo.root()).await;
    left.and(result)
}

struct Looping<'a> {
    repo: Repo,
    request: &'a LoopRequest,
    runner: ProcessId,
    machine: LoopMachine,
    began: Instant,
    stop: watch::Receiver<StopSource>,
    last: Option<(u64, RunEnd)>,
    last_kind: Option<RunKind>,
}

impl<'a> Looping<'a> {
    fn new(
        repo: Repo,
        request: &'a LoopRequest,
        runner: ProcessId,
        state: &RunnerState,
        stop: watch::Receiver<StopSource>,
    ) -> Self {
        let config = &repo.config().runner;
        let limits = LoopLimits {
            max_runs: request.max_runs.or(config.max_runs()),
            wallclock: config.max_wallclock(),
            max_idle_runs: config.max_idle_runs(),
        };
        // Numbers never repeat, also when the state was reset while the journals stayed.
        let in_files = History::new(&repo).runs().last().copied().unwrap_or(0);
        let machine = LoopMachine::new(state.last_run_id.unwrap_or(0).max(in_files), limits);
        Self {
            repo,
            request,
            runner,
            machine,
            began: Instant::now(),
            stop,
            last: None,
            last_kind: None,
        }
    }

    async fn work(
        &mut self,
        news: &mut dyn FnMut(RunnerNews<'_>),
    ) -> Result<LoopReport, EngineError> {
        let mut fingerprint = None;
        loop {
            let after = self.fingerprint().await;
            let progressed = fingerprint.is_none() || after != fingerprint;
            let facts = self.facts(progressed)?;
            match self.machine.next(facts) {
                NextStep::Run { id, kind } => {
                    fingerprint = after;
                    self.run(id, kind, news).await?;
                }
                NextStep::Pause => self.pause(news).await?,
                NextStep::End(end) => return Ok(self.report(end)),
            }
        }
    }

    fn facts(&self, progressed: bool) -> Result<Facts, EngineError> {
        let docs = self.repo.docs();
        Ok(Facts {
            stop_requested: self.repo.stop_path().exists() || self.stop.borrow().is_stop(),
            elapsed: self.began.elapsed(),
            todo: docs.todo()?.status(),
            report_written: docs.report_written()?,
            progressed,
        })
    }

    async fn run(
        &mut self,
        id: u64,
        kind: RunKind,
        news: &mut dyn FnMut(RunnerNews<'_>),
    ) -> Result<(), EngineError> {
        self.reread_config();
        if kind == RunKind::Work {
            self.repo.docs().unmark_report()?;
        }
        let wallclock = self.repo.config().runner.max_wallclock();
        let end = RunContext {
            repo: &self.repo,
            guard: &self.request.guard,
            runner: self.runner,
            wallclock_end: wallclock.map(|limit| self.began + limit),
            stop: &mut self.stop,
            news,
        }
        .execute(id, kind)
        .await?;
        if kind == RunKind::Report && end.is_success() {
            self.repo.docs().mark_report(id)?;
        }
        self.machine.finished(kind, end.outcome);
        self.last = Some((id, end));
        self.last_kind = Some(kind);
        Ok(())
    }

    /// Takes over a changed configuration; a broken one is told and the last good one stays.
    fn reread_config(&mut self) {
        match Repo::open(self.repo.root()) {
            Ok(repo) => self.repo = repo,
            Err(error) => tracing::warn!(%error, "the changed configuration is not used"),
        }
    }

    /// Waits between two runs; any stop request ends it.
    async fn pause(&mut self, news: &mut dyn FnMut(RunnerNews<'_>)) -> Result<(), EngineError> {
        let pause = self.repo.config().runner.pause();
        if pause.is_zero() {
            return Ok(());
        }
        let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp::from_millis(now().as_millis().saturating_add(millis));
        change_state(&self.repo, |state| {
            state.status = RunnerStatus::Running;
            state.paused_until = Some(until);
        })?;
        news(RunnerNews::Pausing(until));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = asked(&mut self.stop) => {}
            () = stop_file_appears(&self.repo) => {}
        }
        Ok(())
    }

    /// What the last run left changed; `None` when git does not say, which counts as progress.
    async fn fingerprint(&mut self) -> Option<u64> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        self.repo.config().runner.max_idle_runs()?;
        let tree = bounded(&mut self.stop, tree_of(&self.repo)).await.ok()?;
        let mut hasher = DefaultHasher::new();
        self.repo.docs().texts().ok()?.hash(&mut hasher);
        tree.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn report(&self, end: LoopEnd) -> LoopReport {
        let stopped_by = *self.stop.borrow();
        LoopReport { end, n_runs: self.machine.n_runs(), last: self.last.clone(), stopped_by }
    }

    /// The final state: nobody runs, and why the loop ended when that is not plain.
    fn leave(&self, result: &Result<LoopReport, EngineError>) -> Result<(), EngineError> {
        let (failed, reason) = match result {
            Ok(report) => (is_fault(report), spoken_end(report.end)),
            Err(error) => (true, Some(error.to_string())),
        };
        let killed = matches!(result, Ok(report) if report.stopped_by == StopSource::Kill);
        if let Err(error) = result {
            tracing::error!(%error, "the loop cannot go on");
            self.log_fatal(error);
        }
        change_state(&self.repo, |state| {
            clear_runner(state);
            state.status = if failed { RunnerStatus::Error } else { RunnerStatus::Idle };
            if reason.is_some() {
                state.last_reason.clone_from(&reason);
            }
            if killed {
                state.last_exit_code = Some(137);
            } else if result.is_err() {
                state.last_exit_code.get_or_insert(1);
                state.last_run_finished_at.get_or_insert_with(|| now().whole_seconds());
                state.last_outcome.get_or_insert(Outcome::Failed);
            }
        })?;
        remove_stop_file(&self.repo)
    }
}

impl Looping<'_> {
    /// The original's line about a loop that broke. The state says it as well, so a log that cannot be written is no loss.
    fn log_fatal(&self, error: &EngineError) {
        let config = &self.repo.config().log;
        let run = History::new(&self.repo).runs().last().copied().unwrap_or(0);
        let line = log_line(now(), run, &format!("FATAL: run_loop crashed: {error}"));
        let log = RotatingLog::open(&self.repo.log_path(), config.max_bytes, config.backup_count);
        if let Err(error) = log.and_then(|mut log| log.write_line(&line)) {
            tracing::error!(%error, "the log cannot be written");
        }
    }
}

/// What stands for the working tree and its commit.
async fn tree_of(repo: &Repo) -> Result<(String, String), GitError> {
    if repo.config().git.checkpoints {
        // What the last checkpoint took in need not be read again.
        let tree = checkpoints::open(repo).await?.tree().await?;
        return Ok((tree, car_git::head_id(repo.root()).await.unwrap_or_default()));
    }
    Ok((car_git::fingerprint(repo.root()).await?.to_string(), String::new()))
}

/// Whether the end of a loop needs somebody's attention.
fn is_fault(report: &LoopReport) -> bool {
    match report.end {
        LoopEnd::RunEnded(_) | LoopEnd::NoProgress => true,
        LoopEnd::Stopped => matches!(report.stopped_by, StopSource::Kill | StopSource::Signal(_)),
        LoopEnd::AllDone | LoopEnd::NoTasks | LoopEnd::WallClock | LoopEnd::LimitReached => false,
    }
}

/// What `state.json` says about an end whose reason is not the last run's own.
fn spoken_end(end: LoopEnd) -> Option<String> {
    let text = match end {
        LoopEnd::NoTasks => "TODO has no checkbox; add lines like `- [ ] task`.",
        LoopEnd::WallClock => "The time for the whole loop was over.",
        LoopEnd::NoProgress => "Several runs in a row changed nothing.",
        LoopEnd::AllDone | LoopEnd::Stopped | LoopEnd::LimitReached | LoopEnd::RunEnded(_) => {
            return None;
        }
    };
    Some(text.to_owned())
}

fn remove_stop_file(repo: &Repo) -> Result<(), EngineError> {
    let path = repo.stop_path();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EngineError::file("remove", &path, error))
        }
        _ => Ok(()),
    }
}

/// Waits until somebody creates `stop`, whoever it is. Where directories cannot be watched it waits for ever; the pause
/// then runs its full length.
async fn stop_file_appears(repo: &Repo) {
    let (sender, mut receiver) = mpsc::channel(1); // One pending look is enough.
    let watcher = notify::recommended_watcher(move |_| {
        let _ = sender.try_send(());
    });
    let Ok(mut watcher) = watcher else { return std::future::pending().await };
    if watcher.watch(&repo.car_dir(), RecursiveMode::NonRecursive).is_err() {
        return std::future::pending().await;
    }
    while !repo.stop_path().exists() {
        if receiver.recv().await.is_none() {
            tokio::time::sleep(Duration::MAX).await;
        }
    }
}
