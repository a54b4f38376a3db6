//! `car hub create`, `clone`, `scan`, `init`

use std::path::PathBuf;
use std::process::ExitCode;

use car_engine::hub::{CloneRequest, CreateRequest};
use clap::{ArgAction, Args};
use serde_json::json;

use super::progress::with_progress;
use super::{CommandResult, HubArg, python, ui};

/// Make a repository in the hub
#[derive(Args)]
#[command(after_help = "Example: car hub create shop --path ~/projects")]
pub(super) struct CreateArgs {
    /// Id of the repository, and its directory unless --repo-path names one
    #[arg(value_name = "REPO_ID")]
    id: String,
    /// Directory, absolute or below the hub's repositories
    #[arg(long, value_name = "PATH")]
    repo_path: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArg,
    /// Take a directory that is there already; documents it replaces are copied aside
    #[arg(long)]
    force: bool,
    /// Make it a git repository when it is none (the default)
    #[arg(long, action = ArgAction::SetTrue, overrides_with = "no_git_init")]
    git_init: bool,
    /// Leave it as it is
    #[arg(long)]
    no_git_init: bool,
}

/// Clone a repository into the hub
#[derive(Args)]
#[command(after_help = "Example: car hub clone git@github.com:me/shop.git --id shop")]
pub(super) struct CloneArgs {
    /// Address or path of the repository
    url: String,
    /// Id; made from the address otherwise
    #[arg(long, value_name = "REPO_ID")]
    id: Option<String>,
    /// Directory, absolute or below the hub's repositories
    #[arg(long, value_name = "PATH")]
    repo_path: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Search the hub for repositories and prepare new ones
#[derive(Args)]
pub(super) struct ScanArgs {
    #[command(flatten)]
    hub: HubArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prepare a repository of the hub for CAR
#[derive(Args)]
pub(super) struct InitArgs {
    /// Id of the repository
    #[arg(value_name = "REPO_ID")]
    id: String,
    #[command(flatten)]
    hub: HubArg,
}

pub(super) fn create(args: &CreateArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let request = CreateRequest {
        id: args.id.clone(),
        path: args.repo_path.clone(),
        git_init: !args.no_git_init,
        force: args.force,
    };
    let made = with_progress(|_| async { hub.create(&request).await })?;
    ui::out(&format!("Created repo {} at {}", made.id, hub.root().join(&made.path).display()));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn clone(args: &CloneArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let request =
        CloneRequest { url: args.url.clone(), id: args.id.clone(), path: args.repo_path.clone() };
    let made = with_progress(|reporter| {
        let (hub, request) = (&hub, &request);
        async move { hub.clone_repo(request, &reporter).await }
    })?;
    if args.json {
        ui::out(&format!("{:#}", json!(made)));
    } else {
        ui::out(&format!("Cloned repo {} to {}", made.id, hub.root().join(&made.path).display()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn scan(args: &ScanArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let found = with_progress(|reporter| {
        let hub = &hub;
        async move { hub.scan(&reporter).await }
    })?;
    super::show::tell_problems(&hub)?;
    if args.json {
        ui::out(&format!("{:#}", json!(found)));
        return Ok(ExitCode::SUCCESS);
    }
    let (root, repos) = (hub.root().display(), hub.repos_root());
    ui::out(&format!("Scanned hub at {root} (repos_root={})", repos.display()));
    for repo in &found.repos {
        ui::out(&format!(
            "- {}: {}, initialized={}, exists={}",
            repo.id,
            repo.status.name(),
            python(repo.initialized),
            python(repo.exists_on_disk)
        ));
        if let Some(error) = &repo.init_error {
            ui::say(&format!("  {error}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn init(args: &InitArgs) -> CommandResult {
    let hub = args.hub.open()?;
    let shown = with_progress(|_| async { hub.init_repo(&args.id).await })?;
    ui::out(&format!("Initialized repo {}", shown.id));
    Ok(ExitCode::SUCCESS)
}
