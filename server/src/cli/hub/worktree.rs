//! `car hub worktree add|remove|list`

use std::process::ExitCode;

use car_engine::hub::{Kind, RemoveRequest, WorktreeRequest};
use clap::{Args, Subcommand};
use serde_json::json;

use super::super::block_on;
use super::progress::with_progress;
use super::{CliError, CommandResult, HubArg, remove, ui};

/// Worktrees: several branches of a repository at the same time
#[derive(Args)]
pub(super) struct WorktreeArgs {
    #[command(subcommand)]
    command: WorktreeCommand,
}

#[derive(Subcommand)]
enum WorktreeCommand {
    Add(AddArgs),
    Remove(RemoveArgs),
    List(ListArgs),
}

/// Make a worktree on a branch, which is made when it is not there
#[derive(Args)]
#[command(
    after_help = "Example: car hub worktree add shop feat/basket\n\n`worktrees.copy` and `worktrees.setup` of the repository say what it gets."
)]
struct AddArgs {
    /// Id of the repository
    #[arg(value_name = "REPO_ID")]
    base: String,
    /// The branch
    branch: String,
    #[command(flatten)]
    hub: HubArg,
    /// Leave the setup command out
    #[arg(long)]
    no_setup: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Remove a worktree: end its loop, move its directory to the hub's trash
#[derive(Args)]
struct RemoveArgs {
    /// Id of the worktree
    #[arg(value_name = "REPO_ID")]
    id: String,
    #[command(flatten)]
    hub: HubArg,
    /// Delete its branch
    #[arg(long)]
    delete_branch: bool,
    /// Delete its branch on the remote
    #[arg(long)]
    delete_remote: bool,
    /// Although there are changes or commits that are nowhere else; asks nothing
    #[arg(long)]
    force: bool,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the worktrees of the hub
#[derive(Args)]
struct ListArgs {
    /// Only those of this repository
    #[arg(value_name = "REPO_ID")]
    base: Option<String>,
    #[command(flatten)]
    hub: HubArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &WorktreeArgs) -> CommandResult {
    match &args.command {
        WorktreeCommand::Add(args) => add(args),
        WorktreeCommand::Remove(args) => take_away(args),
        WorktreeCommand::List(args) => list(args),
    }
}

fn add(args: &AddArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let request = WorktreeRequest {
        base: args.base.clone(),
        branch: args.branch.clone(),
        setup: !args.no_setup,
    };
    let made = with_progress(|reporter| {
        let (hub, request) = (&hub, &request);
        async move { hub.add_worktree(request, &reporter).await }
    })?;
    if args.json {
        ui::out(&format!("{:#}", json!(made)));
    } else {
        let path = hub.root().join(&made.repo.path);
        ui::out(&format!("Created worktree {} at {}", made.repo.id, path.display()));
    }
    if !made.copied.is_empty() {
        ui::say(&format!("Copied {}", made.copied.join(", ")));
    }
    for problem in &made.problems {
        ui::say(&format!("{problem}; the worktree stays"));
    }
    let is_whole = made.problems.is_empty();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn take_away(args: &RemoveArgs) -> CommandResult {
    let hub = args.hub.open()?;
    if hub.registry()?.get(&args.id)?.entry.kind != Kind::Worktree {
        return Err(CliError::other(format!("Worktree repo not found: {}", args.id))
            .with_hint("it is a repository of its own: `car hub remove` removes it"));
    }
    let request = RemoveRequest {
        force: args.force,
        delete_branch: args.delete_branch,
        delete_remote: args.delete_remote,
        ..RemoveRequest::default()
    };
    remove::remove_asking(&hub, &args.id, request, args.yes || args.force, args.json)
}

fn list(args: &ListArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let mut repos = block_on(async { Ok(hub.list().await?) })?.repos;
    repos.retain(|repo| {
        let is_of = |base: &String| repo.worktree_of.as_ref() == Some(base);
        repo.kind == Kind::Worktree && args.base.as_ref().is_none_or(is_of)
    });
    if args.json {
        ui::out(&format!("{:#}", json!(repos)));
    } else if repos.is_empty() {
        ui::say("No worktrees. `car hub worktree add` makes one.");
    }
    for repo in repos.iter().filter(|_| !args.json) {
        let branch = repo.branch.as_deref().unwrap_or("-");
        ui::out(&format!("{}  {}  {branch}  {}", repo.id, repo.status.name(), repo.path));
    }
    Ok(ExitCode::SUCCESS)
}
