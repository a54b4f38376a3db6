//! `car steer`

use std::process::ExitCode;

use car_engine::runner::steer;
use clap::Args;

use super::{CommandResult, RepoArg, block_on, logging, ui};

/// Say something to the agent while its run goes on
///
/// Needs `runner.driver: app_server`.
#[derive(Args)]
#[command(after_help = "Example:\n  car steer \"Leave the old API in place\"")]
pub(crate) struct SteerArgs {
    /// What to say
    text: String,
    #[command(flatten)]
    repo: RepoArg,
}

pub(super) fn run(args: &SteerArgs) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    block_on(async { Ok(steer(&repo, &args.text).await?) })?;
    ui::say("The agent was told.");
    Ok(ExitCode::SUCCESS)
}
