//! `car man`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};

use super::error::CliError;
use super::{Cli, CommandResult, ui};

/// Print the manual page, or write one for every command into a directory
#[derive(Args)]
#[command(after_help = "Example: car man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Where to write the pages
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> CommandResult {
    let command = Cli::command();
    let failed = |error| CliError::other(format!("cannot write the manual: {error}"));
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(failed)?;
            clap_mangen::generate_to(command, dir).map_err(failed)?;
            ui::say(&format!("The manual pages are in {}", dir.display()));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(failed)?;
            ui::raw_out(&String::from_utf8_lossy(&page));
        }
    }
    Ok(ExitCode::SUCCESS)
}
