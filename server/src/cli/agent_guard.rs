//! `car agent-guard`, hidden: the parent of an agent. See `car_agent::guard`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use car_agent::guard;
use clap::Args;

use super::{CommandResult, ui};

/// Run a program and end everything it started when this process's input closes
#[derive(Args)]
pub(crate) struct AgentGuardArgs {
    /// Milliseconds between asking to end and ending
    #[arg(long, default_value_t = 5000)]
    grace_ms: u64,
    /// Program and arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) fn run(args: &AgentGuardArgs) -> CommandResult {
    let Some((program, rest)) = args.command.split_first() else { return Ok(ExitCode::FAILURE) };
    match guard::run(program, rest, Duration::from_millis(args.grace_ms)) {
        Ok(exit) => guard::exit(exit),
        Err(error) => {
            ui::say(&format!("cannot start {}: {error}", program.to_string_lossy()));
            Ok(ExitCode::from(guard::NOT_STARTED))
        }
    }
}
