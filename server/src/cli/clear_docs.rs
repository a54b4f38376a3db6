//! `car clear-docs`

use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::{CommandResult, RepoArg, ui};

/// Empty TODO, PROGRESS and OPINIONS; `car docs restore` brings them back
#[derive(Args)]
pub(crate) struct ClearDocsArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &ClearDocsArgs) -> CommandResult {
    let repo = args.repo.open()?;
    if !args.yes {
        let answer = ui::ask("Clear TODO/PROGRESS/OPINIONS? Type CLEAR to confirm: ")?;
        if !answer.trim().eq_ignore_ascii_case("clear") {
            return Err(CliError::other("Aborted."));
        }
    }
    repo.docs().clear()?;
    ui::out("Cleared TODO/PROGRESS/OPINIONS.");
    Ok(ExitCode::SUCCESS)
}
