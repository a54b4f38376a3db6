//! `car hub list`, `car hub jobs`

use std::process::ExitCode;

use car_engine::hub::{Hub, JobRunner, RepoSnapshot};
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::block_on;
use super::{CliError, CommandResult, HubArg, ui};

/// List the repositories of the hub and what they are doing
#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    hub: HubArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the work the hub's server did in the background during the last hour
#[derive(Args)]
pub(super) struct JobsArgs {
    #[command(flatten)]
    hub: HubArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn list(args: &ListArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let state = block_on(async { Ok(hub.list().await?) })?;
    tell_problems(&hub)?;
    if args.json {
        ui::out(&format!("{:#}", json!(state)));
        return Ok(ExitCode::SUCCESS);
    }
    let new = hub.registry()?.repos.iter().filter(|repo| !repo.is_registered).count();
    if !state.repos.is_empty() {
        ui::out(&table(&state.repos));
    } else if new == 0 {
        ui::say("The hub is empty. `car hub create` and `car hub clone` fill it.");
    }
    if new > 0 {
        ui::say(&format!("{new} more found; `car hub scan` adds them."));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(repos: &[RepoSnapshot]) -> String {
    let width = repos.iter().map(|repo| repo.id.chars().count()).max().unwrap_or(0).max(2);
    let mut lines =
        vec![format!("{:width$}  {:<13}  {:>5}  {:>4}  PATH", "ID", "STATUS", "RUN", "EXIT")];
    for repo in repos {
        let run = repo.last_run_id.map(|run| run.to_string()).unwrap_or_default();
        let exit = repo.last_exit_code.map(|code| code.to_string()).unwrap_or_default();
        let status = repo.status.name();
        lines.push(format!("{:width$}  {status:<13}  {run:>5}  {exit:>4}  {}", repo.id, repo.path));
    }
    lines.join("\n")
}

/// Tells what in the manifest is not understood, and what has moved.
pub(super) fn tell_problems(hub: &Hub) -> Result<(), CliError> {
    let registry = hub.registry()?;
    for problem in &registry.problems {
        let which = match problem.entry {
            0 => "the manifest".to_owned(),
            n => format!("entry {n} of the manifest"),
        };
        ui::say(&format!("{which} {}; it stays in the file and is not used", problem.text));
    }
    for repo in &registry.repos {
        if let Some(new) = &repo.moved_to {
            let (old, new) = (repo.root.display(), new.display());
            ui::say(&format!(
                "{} is not at {old} but at {new}; `car hub scan` notes that",
                repo.id
            ));
        }
    }
    Ok(())
}

pub(super) fn jobs(args: &JobsArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let jobs = block_on(async {
        let jobs = JobRunner::new(hub, TaskTracker::new(), CancellationToken::new());
        Ok(jobs.list().await?)
    })?;
    if args.json {
        ui::out(&format!("{:#}", json!(jobs)));
    } else if jobs.is_empty() {
        ui::say("No jobs in the last hour.");
    }
    for job in jobs.iter().filter(|_| !args.json) {
        let what = job.error.as_deref().unwrap_or(&job.progress.text);
        let at = job.created_at.whole_seconds();
        let line =
            format!("{}  {at}  {:20}  {:9}  {what}", job.job_id, job.kind, job.status.name());
        ui::out(line.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}
