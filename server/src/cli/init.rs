//! `car init`

use std::path::PathBuf;
use std::process::ExitCode;

use car_engine::config::Mode;
use car_engine::{InitMode, init};
use clap::{Args, ValueEnum};

use super::{CommandResult, block_on, ui};

/// Prepare a git repository, or a directory of repositories, for CAR
#[derive(Args)]
pub(crate) struct InitArgs {
    /// Directory to initialise; in a repository its root is used
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The same, as an option
    #[arg(long = "path", value_name = "PATH", conflicts_with = "path")]
    path_option: Option<PathBuf>,
    /// Make the directory a git repository when it is none
    #[arg(long)]
    git_init: bool,
    /// A repository, a hub of repositories, or what fits
    #[arg(long, value_enum, default_value_t, ignore_case = true)]
    mode: ModeArg,
    /// Replace files that are there; each is copied aside first
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum ModeArg {
    #[default]
    Auto,
    Repo,
    Hub,
}

pub(super) fn run(args: &InitArgs) -> CommandResult {
    let path = args.path.as_ref().or(args.path_option.as_ref());
    let path = path.cloned().unwrap_or_else(|| PathBuf::from("."));
    let mode = match args.mode {
        ModeArg::Auto => InitMode::Auto,
        ModeArg::Repo => InitMode::Repo,
        ModeArg::Hub => InitMode::Hub,
    };
    let report = block_on(async { Ok(init(&path, mode, args.git_init, args.force).await?) })?;
    for (path, backup) in &report.backups {
        ui::say(&format!("{} was replaced; the old one is {}", path.display(), backup.display()));
    }
    let what = match report.mode {
        Mode::Repo => "repo",
        Mode::Hub => "hub",
    };
    ui::out(&format!("Initialized {what} at {}", report.car_dir.display()));
    ui::out("Init complete");
    Ok(ExitCode::SUCCESS)
}
