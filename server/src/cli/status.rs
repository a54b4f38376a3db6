//! `car status`: files only, no server, no database, no runtime.

use std::process::ExitCode;

use car_domain::state::RunnerStatus;
use car_domain::view::Activity;
use car_engine::Repo;
use car_engine::runner::{Standing, standing};
use car_engine::sessions::session_of;
use clap::Args;
use serde_json::json;

use super::{CommandResult, RepoArg, ui};

/// Show what the loop is doing
#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatusArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let standing = standing(&repo)?;
    if args.json {
        ui::out(&format!("{:#}", as_json(&repo, &standing)));
    } else {
        ui::out(&as_text(&repo, &standing));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_text(repo: &Repo, standing: &Standing) -> String {
    use ui::or_none;
    let state = &standing.state;
    let mut lines = vec![
        format!("Repo: {}", repo.root().display()),
        format!("Status: {}", word(standing)),
        format!("Last run id: {}", or_none(state.last_run_id)),
        format!("Last exit code: {}", or_none(state.last_exit_code)),
        format!("Last start: {}", or_none(state.last_run_started_at)),
        format!("Last finish: {}", or_none(state.last_run_finished_at)),
        format!("Runner pid: {}", or_none(standing.view.runner_pid)),
        format!("Terminal session: {}", terminal(repo, standing)),
        format!("Outstanding TODO items: {}", standing.todo.n_open()),
    ];
    lines.extend(standing.view.detail.as_ref().map(|detail| format!("Reason: {detail}")));
    lines.join("\n")
}

fn terminal(repo: &Repo, standing: &Standing) -> String {
    let Some(session) = session_of(repo, &standing.state) else { return "none".to_owned() };
    let (status, seen) = (ui::or_none(session.status), ui::or_none(session.last_seen_at));
    format!("{} (status={status}, last_seen={seen})", session.session_id)
}

fn as_json(repo: &Repo, standing: &Standing) -> serde_json::Value {
    let (state, view) = (&standing.state, &standing.view);
    json!({
        "repo": repo.root(),
        "status": word(standing),
        "activity": view.activity,
        "since": view.since,
        "reason": view.detail,
        "next_run_at": view.until,
        "stop_requested": view.stop_requested,
        "last_run_id": state.last_run_id,
        "last_outcome": state.last_outcome,
        "last_exit_code": state.last_exit_code,
        "last_signal": state.last_signal,
        "last_run_started_at": state.last_run_started_at,
        "last_run_finished_at": state.last_run_finished_at,
        "runner_pid": view.runner_pid,
        "terminal_session": session_of(repo, &standing.state).map(|session| session.session_id),
        "todo": { "open": standing.todo.n_open(), "done": standing.todo.n_done() },
    })
}

/// The original's word, except that a runner that died is not called running.
fn word(standing: &Standing) -> &'static str {
    match standing.view.activity {
        Activity::Interrupted => "interrupted",
        activity if activity.is_active() => RunnerStatus::Running.name(),
        _ => standing.state.status.name(),
    }
}
