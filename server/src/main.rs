//! `car`, also installed as `codex-autorunner`: one binary for the command line, the runner, the agent's guard and the web
//! server.

mod cli;
mod web;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
