//! `car index`

use std::process::ExitCode;

use car_engine::{Repo, RunIndex, Served};
use clap::{Args, Subcommand};

use super::{CommandResult, RepoArg, block_on, ui};

/// Care for the index of the run history
#[derive(Args)]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Subcommand)]
enum IndexCommand {
    /// Make the index anew from the run journals
    Rebuild(RepoArg),
}

/// Key of a repository in its own index.
pub(super) fn repo_id(repo: &Repo) -> String {
    let served = Served::open(repo.root(), Vec::new()).ok();
    served.and_then(|served| served.only_repo()).unwrap_or_else(|| repo.name())
}

pub(super) fn run(args: &IndexArgs) -> CommandResult {
    let IndexCommand::Rebuild(repo) = &args.command;
    let root = car_engine::find_root_config(repo.path())?;
    let served = Served::open(&root, Vec::new())?;
    let mut repos = Vec::new();
    for (id, root) in served.roots() {
        match Repo::open(&root) {
            Ok(repo) => repos.push((id, repo)),
            Err(error) => ui::say(&format!("{id} is left out: {error}")),
        }
    }
    let (runs, events) = block_on(async {
        let index = RunIndex::new(&root);
        let counts = index.rebuild(&repos).await?;
        index.close().await;
        Ok(counts)
    })?;
    ui::out(&format!("Indexed {runs} runs with {events} events."));
    Ok(ExitCode::SUCCESS)
}
