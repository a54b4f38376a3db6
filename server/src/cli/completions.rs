//! `car completions`

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, CommandResult, ui};

/// Print completions for a shell
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "car", &mut script);
    ui::raw_out(&String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}
