//! `car hub run`, `resume`, `stop`, `kill`

use std::process::ExitCode;

use car_engine::EngineError;
use car_engine::hub::{Bulk, Hub, RunKind};
use car_engine::runner::{KillReport, StopReport};
use clap::Args;

use super::super::block_on;
use super::{CommandResult, HubArg, ui};

/// Which repositories a command is about
#[derive(Args)]
struct Which {
    /// Id of the repository
    #[arg(value_name = "REPO_ID", required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All repositories that are prepared for CAR
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    hub: HubArg,
}

/// Start the loop of a repository in the background
#[derive(Args)]
#[command(after_help = "Example: car hub run shop --once")]
pub(super) struct RunArgs {
    #[command(flatten)]
    which: Which,
    /// Run the agent once
    #[arg(long)]
    once: bool,
}

/// Go on with the loop of a repository in the background
#[derive(Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    which: Which,
    /// Run the agent once
    #[arg(long)]
    once: bool,
}

/// Stop the loop of a repository after its current run
#[derive(Args)]
pub(super) struct StopArgs {
    #[command(flatten)]
    which: Which,
    /// End the agent now instead of waiting for it
    #[arg(long)]
    now: bool,
}

/// End the loop of a repository and its agent now; the run counts as failed
#[derive(Args)]
pub(super) struct KillArgs {
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &RunArgs) -> CommandResult {
    start(&args.which, args.once)
}

pub(super) fn resume(args: &ResumeArgs) -> CommandResult {
    start(&args.which, args.once)
}

fn start(which: &Which, once: bool) -> CommandResult {
    let kind = if once { RunKind::Once } else { RunKind::Loop };
    each(which, async |hub, id| {
        let shown = hub.run(id, kind).await?;
        let pid = shown.runner_pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        Ok(format!("{id}: the loop is at work{pid}."))
    })
}

pub(super) fn stop(args: &StopArgs) -> CommandResult {
    each(&args.which, async |hub, id| {
        Ok(match hub.stop(id, args.now).await? {
            StopReport::NotRunning => format!("{id}: nothing is running."),
            StopReport::Runner(pid) if args.now => format!("{id}: stopped the loop (pid {pid})."),
            StopReport::Runner(pid) => {
                format!("{id}: the loop (pid {pid}) stops after its current run.")
            }
        })
    })
}

pub(super) fn kill(args: &KillArgs) -> CommandResult {
    each(&args.which, async |hub, id| {
        Ok(match hub.kill(id).await? {
            KillReport::Killed(pid) => format!("{id}: sent SIGTERM to pid {pid}"),
            KillReport::NotRunning => format!("{id}: nothing is running."),
        })
    })
}

/// Does it to one repository, or to all; of all, each failure is told and makes the command fail at the end.
fn each(
    which: &Which,
    act: impl AsyncFn(&Hub, &str) -> Result<String, EngineError>,
) -> CommandResult {
    let hub = which.hub.open()?;
    let Some(id) = &which.id else {
        let results: Bulk<String> = block_on(async { Ok(hub.each(act).await?) })?;
        let mut failed = false;
        for (id, result) in results {
            match result {
                Ok(line) => ui::out(&line),
                Err(error) => {
                    failed = true;
                    ui::say(&format!("{id}: {error}"));
                }
            }
        }
        return Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    };
    ui::out(&block_on(async { Ok(act(&hub, id).await?) })?);
    Ok(ExitCode::SUCCESS)
}
