//! `car ingest-spec`

use std::path::PathBuf;
use std::process::ExitCode;

use car_engine::ingest::{IngestRequest, propose, write};
use clap::Args;

use super::job::{JobView, cancel_on_interrupt, guard};
use super::{CommandResult, RepoArg, block_on, logging, ui};

/// Let the agent write TODO, PROGRESS and OPINIONS from SPEC
#[derive(Args)]
#[command(after_help = "Example: car ingest-spec --spec docs/plan.md --force")]
pub(crate) struct IngestSpecArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Another file than SPEC, inside the repository
    #[arg(long, value_name = "PATH")]
    spec: Option<PathBuf>,
    /// Replace documents that hold something; the old ones stay in the history
    #[arg(long)]
    force: bool,
    /// Keep the items of TODO that are done
    #[arg(long)]
    keep_done: bool,
}

pub(super) fn run(args: &IngestSpecArgs) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    let request = IngestRequest {
        // As typed, it is relative to where one is.
        spec: args.spec.as_ref().map(|path| std::path::absolute(path).unwrap_or(path.clone())),
        force: args.force,
        keep_done: args.keep_done,
    };
    let mut view = JobView::new();
    let proposal = block_on(async {
        let cancel = cancel_on_interrupt();
        let mut events = |event| view.show(&event);
        Ok(propose(&repo, &guard(), &request, &cancel, &mut events).await?)
    })?;
    view.end();
    let documents = write(&repo, &proposal)?;
    ui::out("Ingested SPEC into TODO/PROGRESS/OPINIONS.");
    for document in documents {
        ui::out(&format!("- {}: {} lines", document.kind.title(), document.text.lines().count()));
    }
    Ok(ExitCode::SUCCESS)
}
