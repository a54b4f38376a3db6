//! `car host`, hidden: the process of one terminal. See `car_host::host`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::CliError;
use super::{CommandResult, logging, ui};

/// Own one terminal until its program ends
#[derive(Args)]
pub(crate) struct HostArgs {
    /// The session's directory, with its `session.json`
    dir: PathBuf,
}

pub(super) fn run(args: &HostArgs) -> CommandResult {
    logging::start();
    car_host::host::run(&args.dir, || ui::out(car_agent::READY))
        .map_err(|error| CliError::other(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
