//! `car checkpoints`

use std::path::PathBuf;
use std::process::ExitCode;

use car_domain::format::count;
use car_domain::run::CheckpointStage;
use car_engine::checkpoints::{self, KEPT_RUNS, StoredCheckpoint};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{CommandResult, RepoArg, block_on, ui};

/// List the working trees kept of runs, give old ones up, bring one back
#[derive(Args)]
#[command(after_help = "Examples:\n  car checkpoints list\n  \
                        car checkpoints restore 12 --before --to /tmp/before-12\n  \
                        car checkpoints prune --keep 10")]
pub(crate) struct CheckpointsArgs {
    #[command(subcommand)]
    command: CheckpointsCommand,
}

#[derive(Subcommand)]
enum CheckpointsCommand {
    /// List them, oldest run first
    List {
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give up those of all runs but the newest
    Prune {
        #[command(flatten)]
        repo: RepoArg,
        /// Runs that keep theirs
        #[arg(long, value_name = "N", default_value_t = KEPT_RUNS)]
        keep: usize,
    },
    /// Write all files as they were before or after a run into a new directory
    Restore(RestoreArgs),
}

#[derive(Args)]
struct RestoreArgs {
    /// Number of the run, as in `car runs`
    run: u64,
    #[command(flatten)]
    repo: RepoArg,
    /// As they were before it
    #[arg(long, required_unless_present = "after", conflicts_with = "after")]
    before: bool,
    /// As they were after it
    #[arg(long)]
    after: bool,
    /// The directory, which must be empty or not there
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

pub(super) fn run(args: &CheckpointsArgs) -> CommandResult {
    match &args.command {
        CheckpointsCommand::List { repo, json } => {
            let repo = repo.open()?;
            let list = block_on(async { Ok(checkpoints::checkpoints(&repo).await?) })?;
            if *json {
                let list: Vec<Value> = list.iter().map(as_json).collect();
                ui::out(&format!("{:#}", Value::from(list)));
            } else if list.is_empty() {
                ui::say("No checkpoints yet. Each run takes two.");
            }
            for one in list.iter().filter(|_| !json) {
                ui::out(&format!("{:20}  {}  {:.10}", one.name.to_string(), one.at, one.commit));
            }
        }
        CheckpointsCommand::Prune { repo, keep } => {
            let repo = repo.open()?;
            let n_runs = block_on(async { Ok(checkpoints::prune(&repo, *keep).await?) })?;
            let runs = count(n_runs as u64, "run", "runs");
            ui::out(&format!("Gave up the checkpoints of {runs}."));
        }
        CheckpointsCommand::Restore(args) => restore(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn restore(args: &RestoreArgs) -> Result<(), super::CliError> {
    let repo = args.repo.open()?;
    let stage = if args.after { CheckpointStage::After } else { CheckpointStage::Before };
    let restored = checkpoints::restore(&repo, args.run, stage, &args.to);
    let n_files = block_on(async { Ok(restored.await?) })?;
    ui::out(&format!(
        "Wrote {} as they were {} run {} to {}",
        count(n_files, "file", "files"),
        stage.name(),
        args.run,
        args.to.display()
    ));
    Ok(())
}

fn as_json(one: &StoredCheckpoint) -> Value {
    json!({
        "name": one.name.to_string(),
        "run": one.name.run(),
        "commit": one.commit,
        "taken_at": one.at,
    })
}
