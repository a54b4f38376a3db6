//! Putting right what a runner that died left open. Only ever done by the holder of the lock.

use std::time::Duration;

use car_agent::{kill_now, wait_until_gone};
use car_domain::run::{Outcome, RunEnd, RunEvent, RunSummary};
use car_domain::state::{RunnerState, RunnerStatus};

use super::RunnerLock;
use super::converse::end_left_turn;
use super::journal::RunJournal;
use super::state_file::{change_state, read_state};
use crate::history::History;
use crate::notifications::{self, Notice};
use crate::{EngineError, Repo, now};

/// How long a dead runner's agent may take to end; its guard notices at once and gives it the grace period.
const AGENT_PATIENCE: Duration = Duration::from_secs(20);

/// Ends a run that is still open although its runner is gone, and returns the state as it is now.
pub(super) async fn settle(repo: &Repo, _lock: &RunnerLock) -> Result<RunnerState, EngineError> {
    let state = match read_state(repo)? {
        Some(state) => state,
        None => change_state(repo, |state| *state = state_from_files(repo))?,
    };
    if state.status != RunnerStatus::Running {
        // A full disk may have kept the end of the last run out of its journal. Nothing else depends on it.
        if let Err(error) = close_run(repo, &state, told_end(&state)) {
            tracing::warn!(%error, "the journal of the last run stays open");
        }
        if state.runner_pid.is_some() {
            tell_owed(repo, &state, None);
        }
        return Ok(state);
    }
    if let Some(agent) = state.agent
        && !wait_until_gone(agent, AGENT_PATIENCE).await
    {
        kill_now(agent);
    }
    if let Some(turn) = &state.turn {
        end_left_turn(repo, turn).await;
    }
    if state.paused_until.is_some() {
        tell_owed(repo, &state, None);
        return change_state(repo, |state| {
            state.status = RunnerStatus::Idle;
            clear_runner(state);
        });
    }
    let end = close_run(repo, &state, interrupted(&state))?;
    tell_owed(repo, &state, Some(&end));
    change_state(repo, |state| {
        state.status = if end.is_success() { RunnerStatus::Idle } else { RunnerStatus::Error };
        state.last_exit_code = Some(end.legacy_exit_code());
        state.last_run_finished_at.get_or_insert_with(|| now().whole_seconds());
        state.last_outcome = Some(end.outcome);
        state.last_signal = end.signal;
        state.last_reason.clone_from(&end.reason);
        clear_runner(state);
    })
}

/// Notifies of the end of a loop whose runner died before it could. `end` is that of a run that was open by the state. A
/// notice that was written already is not written again.
fn tell_owed(repo: &Repo, state: &RunnerState, end: Option<&RunEnd>) {
    let Some(run) = state.last_run_id else { return };
    let told = told_end(state);
    let notice = match end {
        Some(end) if end.outcome == Outcome::Interrupted => Notice::interrupted(repo, run, true),
        Some(end) if !end.is_success() => Notice::run_ended(repo, run, end),
        None if state.status == RunnerStatus::Error => Notice::run_ended(repo, run, &told),
        Some(_) | None => Notice::interrupted(repo, run, false),
    };
    notifications::announce_or_warn(repo, &notice);
}

/// The end of an open run, as everybody tells it.
pub(super) fn interrupted(state: &RunnerState) -> RunEnd {
    let who = state.runner_pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let run = state.last_run_id.map(|run| format!(" in run {run}")).unwrap_or_default();
    let reason = format!("The runner{who} was gone{run} before the agent ended.");
    RunEnd { outcome: Outcome::Interrupted, exit_code: None, signal: None, reason: Some(reason) }
}

/// The end of the last run as the state tells it.
fn told_end(state: &RunnerState) -> RunEnd {
    match state.last_outcome {
        Some(outcome) => RunEnd {
            outcome,
            exit_code: None,
            signal: state.last_signal,
            reason: state.last_reason.clone(),
        },
        None => interrupted(state),
    }
}

/// Writes `told` into the journal of the last run when that has no end, and returns the end it has.
fn close_run(repo: &Repo, state: &RunnerState, told: RunEnd) -> Result<RunEnd, EngineError> {
    let Some(summary) = state.last_run_id.and_then(|run| History::new(repo).summary(run)) else {
        return Ok(told);
    };
    let RunSummary { run, last_seq, started_at, last_at, end, .. } = summary;
    if let Some(end) = end {
        return Ok(end); // It died between the journal's last entry and the state.
    }
    // Until the last sign of life: the time since then may be days in which nobody worked.
    let duration =
        started_at.zip(last_at).map_or(Duration::ZERO, |(start, last)| last.since(start));
    let mut journal = RunJournal::reopen(repo, run, last_seq)?;
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    journal.append(now(), RunEvent::RunFinished { end: told.clone(), duration_ms })?;
    journal.close(told.legacy_exit_code())?;
    Ok(told)
}

/// Nobody runs any more.
pub(super) fn clear_runner(state: &mut RunnerState) {
    state.runner_pid = None;
    state.runner_start_ticks = None;
    state.agent = None;
    state.turn = None;
    state.paused_until = None;
}

/// The state as far as the journals tell it, in place of a damaged one.
fn state_from_files(repo: &Repo) -> RunnerState {
    let history = History::new(repo);
    let last_run_id = history.runs().last().copied();
    let is_open = last_run_id
        .and_then(|run| history.summary(run))
        .is_some_and(|summary| summary.end.is_none());
    let status = if is_open { RunnerStatus::Running } else { RunnerStatus::Idle };
    RunnerState { last_run_id, status, ..RunnerState::default() }
}
