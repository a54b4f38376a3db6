//! `car snapshot`

use std::process::ExitCode;

use car_domain::docs::DocKind;
use car_engine::snapshot::{Snapshot, make, read};
use clap::Args;

use super::job::{JobView, cancel_on_interrupt, guard};
use super::{CommandResult, RepoArg, block_on, logging, ui};

/// Describe the repository for another chat
#[derive(Args)]
#[command(after_help = "Example: car snapshot && car docs show snapshot | pbcopy")]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Write it anew instead of bringing it up to date
    #[arg(long, conflicts_with = "status")]
    from_scratch: bool,
    /// Only say whether there is one and whether it is out of date
    #[arg(long)]
    status: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &SnapshotArgs) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    if args.status {
        let snapshot = block_on(async { Ok(read(&repo).await?) })?;
        ui::out(&if args.json {
            format!("{:#}", serde_json::json!(snapshot))
        } else {
            word(&snapshot)
        });
        return Ok(ExitCode::SUCCESS);
    }
    let mut view = JobView::new();
    let snapshot = block_on(async {
        let cancel = cancel_on_interrupt();
        let mut events = |event| view.show(&event);
        Ok(make(&repo, &guard(), args.from_scratch, &cancel, &mut events).await?)
    })?;
    view.end();
    if args.json {
        ui::out(&format!("{:#}", serde_json::json!(snapshot)));
    } else {
        let path = repo.docs().configured(DocKind::Snapshot);
        ui::out(&format!("Snapshot written to {path}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn word(snapshot: &Snapshot) -> String {
    let made = snapshot.state.generated_at.as_deref().unwrap_or("an unknown time");
    match (&snapshot.stale, snapshot.exists) {
        (_, false) => "There is no snapshot; `car snapshot` makes one.".to_owned(),
        (None, true) => format!("Up to date, made at {made}."),
        (Some(why), true) => format!("Out of date ({why}), made at {made}."),
    }
}
