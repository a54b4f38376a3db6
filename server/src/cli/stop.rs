//! `car stop`

use std::process::ExitCode;

use car_engine::runner::{self, StopReport};
use clap::Args;

use super::{CommandResult, RepoArg, block_on, ui};

/// Stop the loop after the current run
#[derive(Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// End the agent now instead of waiting for it
    #[arg(long)]
    now: bool,
}

pub(super) fn run(args: &StopArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let report = if args.now {
        block_on(async { Ok(runner::stop_now(&repo).await?) })?
    } else {
        runner::stop(&repo)?
    };
    ui::out(&match report {
        StopReport::NotRunning => "Nothing is running.".to_owned(),
        StopReport::Runner(pid) if args.now => format!("Stopped the loop (pid {pid})."),
        StopReport::Runner(pid) => format!("The loop (pid {pid}) stops after its current run."),
    });
    Ok(ExitCode::SUCCESS)
}
