//! `car undo`, `car redo`

use std::process::ExitCode;

use car_domain::format::count;
use car_engine::checkpoints::{self, Later, UndoReport};
use clap::Args;

use super::{CommandResult, RepoArg, block_on, ui};

/// Give the files a run changed their state before it
///
/// Only these files are touched; the index and the commits stay as they are. `car redo` takes it back.
#[derive(Args)]
#[command(after_help = "Examples:\n  car undo 12 --dry-run\n  car undo 12\n  car redo 12")]
pub(crate) struct UndoArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Take the undoing back, as `car redo` does
    #[arg(long)]
    revert: bool,
}

/// Take the undoing of a run back
#[derive(Args)]
pub(crate) struct RedoArgs {
    #[command(flatten)]
    which: WhichArgs,
}

#[derive(Args)]
struct WhichArgs {
    /// Number of the run, as in `car runs`
    run: u64,
    #[command(flatten)]
    repo: RepoArg,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Also overwrite what was changed since; a checkpoint keeps it
    #[arg(long)]
    force_later: bool,
}

/// Back, or forth again.
#[derive(Clone, Copy)]
enum Direction {
    Undo,
    Redo,
}

pub(super) fn undo(args: &UndoArgs) -> CommandResult {
    let direction = if args.revert { Direction::Redo } else { Direction::Undo };
    run(&args.which, direction)
}

pub(super) fn redo(args: &RedoArgs) -> CommandResult {
    run(&args.which, Direction::Redo)
}

fn run(args: &WhichArgs, direction: Direction) -> CommandResult {
    let repo = args.repo.open()?;
    let later = if args.force_later { Later::Overwrite } else { Later::Refuse };
    let report = block_on(async {
        Ok(match (direction, args.dry_run) {
            (Direction::Undo, true) => checkpoints::undo_preview(&repo, args.run).await?,
            (Direction::Undo, false) => checkpoints::undo(&repo, args.run, later).await?,
            (Direction::Redo, true) => checkpoints::redo_preview(&repo, args.run).await?,
            (Direction::Redo, false) => checkpoints::redo(&repo, args.run, later).await?,
        })
    })?;
    for (word, files) in [("restore", &report.written), ("delete", &report.deleted)] {
        for file in files {
            let since = if report.changed_since.contains(file) { " (changed since)" } else { "" };
            ui::out(&format!("{word} {}{since}", file.display()));
        }
    }
    ui::say(&sentence(args, direction, &report));
    Ok(ExitCode::SUCCESS)
}

fn sentence(args: &WhichArgs, direction: Direction, report: &UndoReport) -> String {
    let run = args.run;
    let n_files = report.written.len() + report.deleted.len();
    if n_files == 0 {
        return format!("Nothing to do: the files of run {run} are like that already.");
    }
    let files = count(n_files as u64, "file", "files");
    match (direction, args.dry_run) {
        (_, true) if !report.changed_since.is_empty() && !args.force_later => format!(
            "{files} would be put back, but {} changed since; it would be refused without `--force-later`.",
            count(report.changed_since.len() as u64, "was", "were")
        ),
        (_, true) => format!("{files} would be put back. Nothing was touched."),
        (Direction::Undo, false) => {
            format!("Run {run} is undone: {files} as before it. `car redo {run}` takes it back.")
        }
        (Direction::Redo, false) => format!("Run {run} is back: {files}."),
    }
}
