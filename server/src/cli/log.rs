//! `car log`

use std::path::Path;
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
        let (text, end) = history.log_tail(lines)?;
        ui::raw_out(&text);
        return follow_if(args.follow, &log_path, end);
    }
    let Some(run) = args.run.or_else(|| history.runs().last().copied()) else {
        if !log_path.exists() {
            return Err(super::CliError::other("Log file not found; run init"));
        }
        ui::out("No runs recorded yet");
        return follow_if(args.follow, &log_path, 0);
    };
    // Taken before the run's own log is read: a line written in between is shown twice rather than not at all.
    let mut end = std::fs::metadata(&log_path).map_or(0, |log| log.len());
    match history.run_log(run) {
        LogView::Text(text) => {
            ui::raw_out(&text);
            if args.run.is_some() {
                end = text.len() as u64;
            }
        }
        LogView::Nothing(why) if args.run.is_some() => {
            return Err(super::CliError::other(why));
        }
        LogView::Nothing(_) => ui::out("No run block found (log may have rotated)"),
    }
    let path = if args.run.is_some() { repo.run_log_path(run) } else { log_path };
    follow_if(args.follow, &path, end)
}

/// Goes on behind what was shown.
fn follow_if(wanted: bool, path: &Path, from: u64) -> CommandResult {
    if wanted {
        block_on(async { Ok(follow(path, from, &mut ui::raw_out).await?) })?;
    }
    Ok(ExitCode::SUCCESS)
}
