//! `car kill`

use std::process::ExitCode;

use car_engine::runner::{self, KillReport};
use clap::Args;

use super::{CommandResult, RepoArg, block_on, ui};

/// End the loop and its agent now; the run counts as failed
#[derive(Args)]
pub(crate) struct KillArgs {
    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn run(args: &KillArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let report = block_on(async { Ok(runner::kill(&repo).await?) })?;
    ui::out(&match report {
        KillReport::Killed(pid) => format!("Sent SIGTERM to pid {pid}"),
        KillReport::NotRunning => {
            "No active autorunner process found; cleared stale lock if any.".to_owned()
        }
    });
    Ok(ExitCode::SUCCESS)
}
