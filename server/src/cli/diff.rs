//! `car diff`

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use car_domain::run::{ChangeCount, FileDiff};
use car_engine::checkpoints::{Changes, PatchForm};
use clap::Args;
use serde_json::json;

use super::{CommandResult, RepoArg, block_on, ui};

/// Columns of `--stat` where there is no terminal.
const WIDTH: u16 = 80;

/// Show what a run changed
#[derive(Args)]
#[command(after_help = "Examples:\n  car diff 12\n  car diff 12 --stat\n  \
                        car diff 12 src/ | git apply --reverse")]
pub(crate) struct DiffArgs {
    /// Number of the run, as in `car runs`
    run: u64,
    /// Only these files, or what is below these directories
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    repo: RepoArg,
    /// Only how many lines of which files
    #[arg(long, conflicts_with = "json")]
    stat: bool,
    /// Print the list of files as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DiffArgs) -> CommandResult {
    let repo = args.repo.open()?;
    block_on(async {
        let changes = Changes::of_run(&repo, args.run).await?;
        if changes.is_up_to_now {
            ui::say(&format!(
                "Run {} has no checkpoint after it; this is what differs between its start and now.",
                args.run
            ));
        }
        if args.json {
            let files = changes.files(args.repo.path(), &args.paths).await?;
            ui::out(&format!("{:#}", as_json(args.run, &changes, &files)));
            return Ok(());
        }
        let is_terminal = std::io::stdout().is_terminal();
        let form = match (args.stat, is_terminal) {
            (true, _) => PatchForm::Stat { width: WIDTH },
            (false, true) => PatchForm::Unified,
            (false, false) => PatchForm::Applicable,
        };
        let mut screen = Screen::default();
        let mut show = |piece: &[u8]| match is_terminal {
            true => screen.show(piece),
            false => ui::raw_bytes(piece),
        };
        changes.write(form, args.repo.path(), &args.paths, &mut show).await?;
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(run: u64, changes: &Changes, files: &[FileDiff]) -> serde_json::Value {
    json!({
        "run": run,
        "before": changes.before,
        "after": changes.after,
        "changes": ChangeCount::of(files),
        "files": files,
    })
}

/// A diff on a terminal: coloured, line by line, and nothing in a file can steer the terminal.
#[derive(Default)]
struct Screen {
    /// The beginning of a line whose end is still to come.
    rest: Vec<u8>,
}

impl Screen {
    fn show(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let lines: Vec<u8> = self.rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&lines);
        let tame: String = text
            .chars()
            .map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c })
            .collect();
        ui::raw_out(&ui::coloured_diff(&tame));
    }
}
