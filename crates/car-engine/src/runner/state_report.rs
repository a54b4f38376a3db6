//! What the HTTP API says a repository is doing: the original's fields, derived by [`standing`] like every screen.

use car_domain::Timestamp;
use car_domain::run::Outcome;
use car_domain::state::RunnerStatus;
use car_domain::view::Activity;
use serde::Serialize;
use utoipa::ToSchema;

use super::standing;
use crate::{EngineError, Repo};

/// A repository's state. The first eleven fields are the original's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StateReport {
    /// Number of the last run; null before the first.
    pub last_run_id: Option<u64>,
    /// `running` while a loop is at work or pauses, `error` when its last run did not end well, else `idle`.
    pub status: RunnerStatus,
    /// Exit code of the last run.
    pub last_exit_code: Option<i32>,
    /// Start of the last run.
    pub last_run_started_at: Option<Timestamp>,
    /// End of the last run.
    pub last_run_finished_at: Option<Timestamp>,
    /// Open TODO items.
    pub outstanding_count: usize,
    /// Ticked TODO items.
    pub done_count: usize,
    /// Whether a runner is alive.
    pub running: bool,
    /// Its process.
    pub runner_pid: Option<i32>,
    /// Idle time after which a terminal is ended; null for never.
    pub terminal_idle_timeout_seconds: Option<u64>,
    /// The configured model, else the one in the agent's arguments, else `auto`.
    pub codex_model: String,
    /// The word every screen shows: `idle`, `waiting`, `running`, `stalled`, `approval`, `question`, `failed`,
    /// `limited`, `interrupted` or `finished`.
    pub activity: Activity,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why, as a sentence; null when the word says it all.
    pub detail: Option<String>,
    /// When the next run starts, in the pause between two runs.
    pub next_run_at: Option<Timestamp>,
    /// Whether a stop after the current run was asked for.
    pub stop_requested: bool,
    /// How the last run ended.
    pub last_outcome: Option<Outcome>,
}

/// Looks at `repo`.
///
/// # Errors
/// When its files cannot be read.
pub fn state_report(repo: &Repo) -> Result<StateReport, EngineError> {
    let standing = standing(repo)?;
    let (state, view, config) = (standing.state, standing.view, repo.config());
    let status = match view.activity {
        activity if activity.is_active() => RunnerStatus::Running,
        // Its run has no end yet, and will not have a good one.
        Activity::Interrupted => RunnerStatus::Error,
        _ => state.status,
    };
    let model = config.codex.model.clone().or_else(|| model_argument(&config.codex.args));
    Ok(StateReport {
        last_run_id: state.last_run_id,
        status,
        last_exit_code: state.last_exit_code,
        last_run_started_at: state.last_run_started_at,
        last_run_finished_at: state.last_run_finished_at,
        outstanding_count: standing.todo.n_open(),
        done_count: standing.todo.n_done(),
        running: view.activity.is_active(),
        runner_pid: view.runner_pid,
        terminal_idle_timeout_seconds: config.terminal.idle_timeout_seconds.filter(|s| *s > 0),
        codex_model: model.unwrap_or_else(|| "auto".to_owned()),
        activity: view.activity,
        since: view.since,
        detail: view.detail,
        next_run_at: view.until,
        stop_requested: view.stop_requested,
        last_outcome: state.last_outcome,
    })
}

/// The value of `--model` or `-m`.
fn model_argument(args: &[String]) -> Option<String> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(model) = arg.strip_prefix("--model=") {
            return Some(model.to_owned()).filter(|model| !model.is_empty());
        }
        if arg == "--model" || arg == "-m" {
            return args.next().cloned();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_among_the_arguments() {
        let found =
            |args: &str| model_argument(&args.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(found("exec --model big -x").as_deref(), Some("big"));
        assert_eq!(found("exec --model=big").as_deref(), Some("big"));
        assert_eq!(found("-m big").as_deref(), Some("big"));
        assert_eq!(found("exec --model"), None);
        assert_eq!(found("exec --yolo"), None);
    }
}
