//! `car steer`

use std::process::ExitCode;

use car_engine::conversation::{CodexSetup, Conversations};
use car_engine::runner::standing;
use clap::Args;

use super::error::CliError;
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
    let standing = standing(&repo)?;
    let turn = standing.state.turn.filter(|_| standing.view.runner_pid.is_some());
    let turn = turn.ok_or_else(|| {
        CliError::other("no run is at work that can be steered")
            .with_hint("a loop can be steered while it runs with `runner.driver: app_server`")
    })?;
    let codex = Conversations::new(CodexSetup::of(&repo));
    block_on(async { Ok(codex.steer(&turn.thread_id, &turn.turn_id, &args.text).await?) })?;
    ui::say("The agent was told.");
    Ok(ExitCode::SUCCESS)
}
