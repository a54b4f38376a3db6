//! What a repository is doing, told from its files and from the system's word on who is alive. Writes nothing.

use std::fs;
use std::time::{Duration, SystemTime};

use car_agent::is_alive;
use car_domain::Timestamp;
use car_domain::run::is_usage_limit;
use car_domain::state::{RunnerState, RunnerStatus};
use car_domain::todo::{TodoList, TodoStatus};
use car_domain::view::{Activity, StateView};

use super::lock::living_owner;
use super::recovery::interrupted;
use super::state_file::read_state;
use crate::{EngineError, Repo};

/// Silence of a running agent after which it is shown as stalled.
pub(crate) const STALL_AFTER: Duration = Duration::from_secs(5 * 60);

/// State of a repository with what it was told from.
#[derive(Clone, Debug)]
pub struct Standing {
    /// For people.
    pub view: StateView,
    /// Content of `state.json`; the default when it is damaged.
    pub state: RunnerState,
    /// Boxes of TODO.
    pub todo: TodoList,
}

/// Looks at `repo`.
///
/// # Errors
/// When its files cannot be read.
pub fn standing(repo: &Repo) -> Result<Standing, EngineError> {
    let read = read_state(repo)?;
    let damaged = read.is_none();
    let state = read.unwrap_or_default();
    let todo = repo.docs().todo()?;
    let runner = state
        .runner()
        .filter(|runner| is_alive(*runner))
        .or_else(|| living_owner(repo).map(|owner| owner.process));
    let mut view = StateView {
        activity: Activity::Idle,
        since: state.last_run_finished_at,
        detail: state.last_reason.clone(),
        until: None,
        stop_requested: runner.is_some() && repo.stop_path().exists(),
        runner_pid: runner.map(|runner| runner.pid),
    };
    match (runner, state.status) {
        (Some(_), _) => alive(repo, &state, &mut view),
        (None, RunnerStatus::Running) => {
            view.activity = Activity::Interrupted;
            view.since = last_sign_of_life(repo, &state);
            view.detail = Some(died(&state));
        }
        (None, RunnerStatus::Error) => {
            let is_limited = view.detail.as_deref().is_some_and(is_usage_limit);
            view.activity = if is_limited { Activity::Limited } else { Activity::Failed };
        }
        (None, RunnerStatus::Idle) => {
            if todo.status() == TodoStatus::AllDone && repo.docs().report_written()? {
                view.activity = Activity::Finished;
            }
        }
    }
    if damaged {
        view.detail = Some("state.json is damaged; the next start puts it aside.".to_owned());
    }
    Ok(Standing { view, state, todo })
}

/// What a dead runner left undone.
fn died(state: &RunnerState) -> String {
    if state.paused_until.is_none() {
        return interrupted(state).reason.unwrap_or_default();
    }
    let who = state.runner_pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    format!("The runner{who} was gone in the pause between two runs.")
}

fn alive(repo: &Repo, state: &RunnerState, view: &mut StateView) {
    view.since = state.last_run_started_at;
    view.detail = None;
    if let Some(until) = state.paused_until {
        view.activity = Activity::Waiting;
        view.since = state.last_run_finished_at;
        view.until = Some(until);
        return;
    }
    view.activity = Activity::Running;
    if let Some((turn, asks)) =
        state.turn.as_ref().and_then(|turn| Some((turn, turn.asks.as_ref()?)))
    {
        view.activity = if turn.is_question { Activity::Question } else { Activity::Approval };
        view.detail = Some(format!("Waits for an answer: {asks}"));
        return;
    }
    let heard = last_sign_of_life(repo, state);
    let quiet = heard
        .map(|at| crate::now().since(at))
        .filter(|quiet| state.status == RunnerStatus::Running && *quiet >= STALL_AFTER);
    if let Some(quiet) = quiet {
        view.activity = Activity::Stalled;
        view.since = heard;
        view.detail = Some(format!("No output for {} min.", quiet.as_secs() / 60));
    }
}

/// When the last run's journal was written to.
fn last_sign_of_life(repo: &Repo, state: &RunnerState) -> Option<Timestamp> {
    let modified = fs::metadata(repo.journal_path(state.last_run_id?)).ok()?.modified().ok()?;
    let since_epoch = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_millis()).ok().map(Timestamp::from_millis)
}
