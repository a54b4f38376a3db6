//! `car demo`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use car_domain::todo::TodoStatus;
use car_engine::demo::{DemoAgent, create};
use car_engine::runner::{kill, standing, start_detached, wait_for_end};
use car_engine::{EngineError, Repo};
use clap::Args;

use super::serve::{ListenArgs, serve_until_signal};
use super::{CliError, CommandResult, block_on, own_program, ui};

/// Show CAR at work on three small repositories made for it
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Let the real Codex CLI work instead of the scripted agent
    #[arg(long)]
    codex: bool,
    /// Work to the end without a server; exit 0 only when every item is done
    #[arg(long)]
    once: bool,
    /// Port to listen on; 0 for any free one
    #[arg(long, default_value_t = 4173)]
    port: u16,
    /// Milliseconds each step of the scripted agent takes at least
    #[arg(long, default_value_t = 1200, value_name = "MILLISECONDS")]
    pace: u64,
}

pub(super) fn run(args: &DemoArgs) -> CommandResult {
    let dir = tempfile::Builder::new()
        .prefix("car-demo-")
        .tempdir()
        .map_err(|error| CliError::other(format!("cannot make a directory: {error}")))?;
    let repos = block_on(async { Ok(prepare(args, dir.path()).await?) })?;
    let result = if args.once { once(&repos) } else { serve(args, dir.path(), &repos) };
    block_on(async { Ok(end_all(&repos).await?) })?;
    result
}

async fn prepare(args: &DemoArgs, dir: &Path) -> Result<Vec<Repo>, EngineError> {
    let agent = if args.codex { DemoAgent::Codex } else { scripted(args) };
    let roots = create(dir, &agent).await?;
    roots.iter().map(|root: &PathBuf| Repo::open(root)).collect()
}

fn scripted(args: &DemoArgs) -> DemoAgent {
    let program = own_program().first().map(|path| path.to_string_lossy().into_owned());
    let pace = args.pace.to_string();
    DemoAgent::Scripted {
        program: program.unwrap_or_default(),
        args: ["scripted-agent", "--json", "--pace-ms", &pace].map(str::to_owned).to_vec(),
    }
}

fn once(repos: &[Repo]) -> CommandResult {
    block_on(async {
        start_all(repos).await?;
        for repo in repos {
            wait_for_end(repo).await?;
        }
        Ok(())
    })?;
    let mut all_done = true;
    for repo in repos {
        let standing = standing(repo)?;
        let todo = &standing.todo;
        let reason = standing.view.detail.unwrap_or_default();
        all_done &= todo.status() == TodoStatus::AllDone;
        ui::out(&format!(
            "{}: {} of {} items done in {} runs {reason}",
            repo.name(),
            todo.n_done(),
            todo.items.len(),
            standing.state.last_run_id.unwrap_or(0),
        ));
    }
    Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::from(4) })
}

fn serve(args: &DemoArgs, dir: &Path, repos: &[Repo]) -> CommandResult {
    block_on(async { Ok(start_all(repos).await?) })?;
    serve_until_signal(dir, &ListenArgs::on_port(args.port), |serving| {
        let who = if args.codex { "Codex" } else { "A scripted agent (no model, no cost)" };
        ui::say(&format!("{who} works on three small repositories in {}", dir.display()));
        ui::out(&format!("Open {}", serving.link()));
        ui::say("Ctrl-C ends the demonstration and removes the directory.");
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn start_all(repos: &[Repo]) -> Result<(), EngineError> {
    for repo in repos {
        start_detached(repo, &own_program(), false).await?;
    }
    Ok(())
}

/// Nothing may still work in the directory when it is removed.
async fn end_all(repos: &[Repo]) -> Result<(), EngineError> {
    for repo in repos {
        kill(repo).await?;
    }
    Ok(())
}
