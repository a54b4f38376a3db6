//! `car hub remove`, `car hub restore`

use std::process::ExitCode;

use car_engine::hub::{Hub, Removal, RemoveCheck, RemoveRequest};
use clap::Args;
use serde_json::json;

use super::super::block_on;
use super::progress::with_progress;
use super::{CliError, CommandResult, HubArg, ui};

/// Remove a repository or worktree: end its loop, move its directory to the hub's trash
#[derive(Args)]
#[command(
    after_help = "Examples:\n  car hub remove shop --check    only look what would be lost\n  car hub restore shop           put it back"
)]
pub(super) struct RemoveArgs {
    /// Id of the repository
    #[arg(value_name = "REPO_ID")]
    id: String,
    #[command(flatten)]
    hub: HubArg,
    /// Only look what would be lost
    #[arg(long)]
    check: bool,
    /// Although there are changes or commits that are nowhere else; asks nothing
    #[arg(long)]
    force: bool,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Leave the directory where it is, only take it off the list
    #[arg(long)]
    keep_dir: bool,
    /// Remove its worktrees as well
    #[arg(long)]
    worktrees: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Put back what was removed; without a name, list the trash
#[derive(Args)]
pub(super) struct RestoreArgs {
    /// Id of the repository, or its name in the trash
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    hub: HubArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn remove(args: &RemoveArgs) -> CommandResult {
    let hub = args.hub.open()?;
    if args.check {
        let check = block_on(async { Ok(hub.remove_check(&args.id).await?) })?;
        let text = if args.json { format!("{:#}", json!(check)) } else { describe(&check) };
        ui::out(&text);
        return Ok(ExitCode::SUCCESS);
    }
    let request = RemoveRequest {
        force: args.force,
        delete_dir: !args.keep_dir,
        delete_worktrees: args.worktrees,
        ..RemoveRequest::default()
    };
    remove_asking(&hub, &args.id, request, args.yes || args.force, args.json)
}

/// Removes after a question, unless that was answered already.
pub(super) fn remove_asking(
    hub: &Hub,
    id: &str,
    request: RemoveRequest,
    is_answered: bool,
    json: bool,
) -> CommandResult {
    if !is_answered {
        let check = block_on(async { Ok(hub.remove_check(id).await?) })?;
        ui::say(&describe(&check));
        let question =
            if request.delete_dir { "Move it to the trash?" } else { "Take it off the list?" };
        let answer = ui::ask(&format!("{question} [y/N]: "))?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Err(CliError::other("Aborted."));
        }
    }
    let done = with_progress(|reporter| async move { hub.remove(id, request, &reporter).await })?;
    if json {
        ui::out(&format!("{:#}", json!(done)));
    } else {
        tell(&done);
    }
    let is_whole = done.problems.is_empty();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(done: &Removal) {
    done.worktrees.iter().for_each(tell);
    match &done.trash {
        Some(name) => {
            ui::out(&format!("Removed {}; `car hub restore {name}` puts it back", done.id))
        }
        None => ui::out(&format!("Took {} off the list", done.id)),
    }
    for (what, deleted) in [("branch", done.branch_deleted), ("remote branch", done.remote_deleted)]
    {
        if deleted == Some(true) {
            ui::out(&format!("Deleted its {what}"));
        }
    }
    for problem in &done.problems {
        ui::say(&format!("{}: {problem}", done.id));
    }
}

fn describe(check: &RemoveCheck) -> String {
    let mut lines = vec![format!("{} ({}) at {}", check.id, check.kind.name(), check.path)];
    if !check.exists_on_disk {
        lines.push("  its directory is gone".to_owned());
    }
    if let Some(pid) = check.runner_pid {
        lines.push(format!("  a loop is at work (pid {pid}); it is ended first"));
    }
    match check.is_clean {
        Some(true) => lines.push("  no uncommitted changes".to_owned()),
        Some(false) => lines.push(format!("  uncommitted: {}", check.changed.join(", "))),
        None => {}
    }
    if check.unpushed > 0 {
        lines.push(format!("  {} commits are nowhere else", check.unpushed));
    }
    if check.stashes > 0 {
        lines.push(format!("  {} stashes", check.stashes));
    }
    for (what, list) in
        [("worktrees", &check.worktrees), ("worktrees elsewhere", &check.other_worktrees)]
    {
        if !list.is_empty() {
            lines.push(format!("  {what}: {}", list.join(", ")));
        }
    }
    lines.join("\n")
}

pub(super) fn restore(args: &RestoreArgs) -> CommandResult {
    let hub = args.hub.open()?;
    if let Some(name) = &args.name {
        let shown = block_on(async { Ok(hub.restore(name).await?) })?;
        let text = format!("Restored {} at {}", shown.id, hub.root().join(&shown.path).display());
        ui::out(&if args.json { format!("{:#}", json!(shown)) } else { text });
        return Ok(ExitCode::SUCCESS);
    }
    let trash = hub.trash()?;
    if args.json {
        ui::out(&format!("{:#}", json!(trash)));
    } else if trash.is_empty() {
        ui::say("The trash is empty.");
    }
    for thing in trash.iter().filter(|_| !args.json) {
        ui::out(&format!("{}  {}", thing.name, thing.path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
