//! `car hub`: a directory of repositories.

mod control;
mod remove;
mod repos;
mod show;
mod worktree;

use std::path::PathBuf;

use car_engine::hub::Hub;
use clap::{Args, Subcommand};

use super::{CliError, CommandResult, own_program, progress, serve, ui};

/// Work with a hub, a directory of repositories
#[derive(Args)]
pub(crate) struct HubArgs {
    #[command(subcommand)]
    command: HubCommand,
}

#[derive(Subcommand)]
enum HubCommand {
    Create(repos::CreateArgs),
    Clone(repos::CloneArgs),
    Scan(repos::ScanArgs),
    Init(repos::InitArgs),
    List(show::ListArgs),
    Run(control::RunArgs),
    Resume(control::ResumeArgs),
    Stop(control::StopArgs),
    Kill(control::KillArgs),
    Remove(remove::RemoveArgs),
    Restore(remove::RestoreArgs),
    Worktree(worktree::WorktreeArgs),
    Jobs(show::JobsArgs),
    Serve(ServeArgs),
}

/// Serve the hub to browsers
#[derive(Args)]
struct ServeArgs {
    #[command(flatten)]
    hub: HubArg,
    #[command(flatten)]
    listen: serve::ListenArgs,
}

/// Which hub a command is about
#[derive(Args)]
struct HubArg {
    /// The hub, or a directory in it
    #[arg(long, value_name = "HUB", default_value = ".")]
    path: PathBuf,
}

impl HubArg {
    fn open(&self) -> Result<Hub, CliError> {
        let root = car_engine::find_root_config(&self.path)?;
        Ok(Hub::open(&root, own_program())?)
    }
}

pub(super) fn run(args: &HubArgs) -> CommandResult {
    match &args.command {
        HubCommand::Create(args) => repos::create(args),
        HubCommand::Clone(args) => repos::clone(args),
        HubCommand::Scan(args) => repos::scan(args),
        HubCommand::Init(args) => repos::init(args),
        HubCommand::List(args) => show::list(args),
        HubCommand::Run(args) => control::run(args),
        HubCommand::Resume(args) => control::resume(args),
        HubCommand::Stop(args) => control::stop(args),
        HubCommand::Kill(args) => control::kill(args),
        HubCommand::Remove(args) => remove::remove(args),
        HubCommand::Restore(args) => remove::restore(args),
        HubCommand::Worktree(args) => worktree::run(args),
        HubCommand::Jobs(args) => show::jobs(args),
        HubCommand::Serve(args) => {
            let hub = args.hub.open()?;
            serve::serve(hub.root(), &args.listen)
        }
    }
}

/// `True` and `False`, as the original prints them.
const fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
