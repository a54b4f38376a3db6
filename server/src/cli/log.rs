//! `car log`

use std::process::ExitCode;

use car_engine::{History, LogView, follow};
use clap::Args;

use super::{CommandResult, RepoArg, block_on, ui};

/// Show the log of a run
#[derive(Args)]
pub(crate) struct LogArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// The run; without it the last one
    #[arg(long, value_name = "N")]
    run: Option<u64>,
    /// The last lines of the log all runs share
    #[arg(long, value_name = "LINES", conflicts_with = "run")]
    tail: Option<usize>,
    /// Go on with what is added, until interrupted
    #[arg(long, short)]
    follow: bool,
}

pub(super) fn run(args: &LogArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let history = History::new(&repo);
    let log_path = repo.log_path();
    if let Some(lines) = args.tail {
        ui::raw_out(&history.log_tail(lines)?);
        return follow_if(args.follow, log_path);
    }
    let Some(run) = args.run.or_else(|| history.runs().last().copied()) else {
        if !log_path.exists() {
            return Err(super::CliError::other("Log file not found; run init"));
        }
        ui::out("No runs recorded yet");
        return follow_if(args.follow, log_path);
    };
    match history.run_log(run) {
        LogView::Text(text) => ui::raw_out(&text),
        LogView::Nothing(why) if args.run.is_some() => {
            return Err(super::CliError::other(why));
        }
        LogView::Nothing(_) => ui::out("No run block found (log may have rotated)"),
    }
    let path = if args.run.is_some() { repo.run_log_path(run) } else { log_path };
    follow_if(args.follow, path)
}

fn follow_if(wanted: bool, path: std::path::PathBuf) -> CommandResult {
    if wanted {
        block_on(async { Ok(follow(&path, &mut ui::raw_out).await?) })?;
    }
    Ok(ExitCode::SUCCESS)
}
