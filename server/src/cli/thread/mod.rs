//! `car thread`

mod list;
mod send;

use std::process::ExitCode;

use car_engine::conversation::{CodexSetup, Conversations, ReviewTarget};
use car_engine::{Repo, find_root_config};
use clap::{Args, Subcommand};

use super::error::CliError;
use super::{CommandResult, RepoArg, block_on, logging, ui};

/// Talk with Codex: the conversations of every door, also those of its own screens
///
/// Codex runs as a server of its own. Turns go on and questions stay open when this program ends.
#[derive(Args)]
#[command(after_help = "Examples:\n  car thread new \"What does this project do?\"\n  \
                        car thread send 01a20ed5-… \"And its tests?\"\n  \
                        codex --remote unix://$(car thread server --socket) resume 01a20ed5-…")]
pub(crate) struct ThreadArgs {
    #[command(subcommand)]
    command: ThreadCommand,
}

#[derive(Subcommand)]
enum ThreadCommand {
    List(list::ListArgs),
    Show(list::ShowArgs),
    New(send::NewArgs),
    Send(send::SendArgs),
    Follow(send::FollowArgs),
    /// End the turn that runs in a conversation
    Interrupt {
        #[command(flatten)]
        thread: ThreadArg,
    },
    /// Replace a conversation's history by a summary
    Compact {
        #[command(flatten)]
        thread: ThreadArg,
    },
    Review(ReviewArgs),
    Server(ServerArgs),
}

/// A conversation
#[derive(Args)]
struct ThreadArg {
    /// Id of the conversation
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    repo: RepoArg,
}

/// Have changes reviewed in a conversation
#[derive(Args)]
struct ReviewArgs {
    #[command(flatten)]
    thread: ThreadArg,
    /// What this branch adds to BRANCH, instead of everything that is not committed
    #[arg(long, value_name = "BRANCH", conflicts_with = "commit")]
    base: Option<String>,
    /// One commit
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Show or end the server Codex runs as
#[derive(Args)]
struct ServerArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// End it with everything it runs
    #[arg(long, conflicts_with_all = ["socket", "json"])]
    stop: bool,
    /// Print only where it listens, starting it if need be
    #[arg(long)]
    socket: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ThreadArgs) -> CommandResult {
    logging::start();
    match &args.command {
        ThreadCommand::List(args) => list::list(args),
        ThreadCommand::Show(args) => list::show(args),
        ThreadCommand::New(args) => send::new(args),
        ThreadCommand::Send(args) => send::send(args),
        ThreadCommand::Follow(args) => send::follow(args),
        ThreadCommand::Interrupt { thread } => interrupt(thread),
        ThreadCommand::Compact { thread } => {
            let codex = codex_of(&thread.repo)?;
            block_on(async {
                let turn = codex.compact(&thread.id).await?;
                send::show(turn, false).await
            })
        }
        ThreadCommand::Review(args) => review(args),
        ThreadCommand::Server(args) => server(args),
    }
}

/// The Codex of a repository, or the usual one outside of any.
pub(super) fn codex_of(repo: &RepoArg) -> Result<Conversations, CliError> {
    let setup = match find_root_config(repo.path()) {
        Ok(_) => CodexSetup::of(&Repo::find(repo.path())?),
        Err(_) => CodexSetup::new("codex"),
    };
    Ok(Conversations::new(setup))
}

fn interrupt(thread: &ThreadArg) -> CommandResult {
    let codex = codex_of(&thread.repo)?;
    let was_running = block_on(async { Ok(codex.interrupt_running(&thread.id).await?) })?;
    ui::say(if was_running { "The turn is ended." } else { "No turn is running." });
    Ok(ExitCode::SUCCESS)
}

fn review(args: &ReviewArgs) -> CommandResult {
    let codex = codex_of(&args.thread.repo)?;
    let target = match (&args.base, &args.commit) {
        (Some(branch), _) => ReviewTarget::Branch(branch.clone()),
        (None, Some(commit)) => ReviewTarget::Commit(commit.clone()),
        (None, None) => ReviewTarget::Uncommitted,
    };
    block_on(async {
        let turn = codex.review(&args.thread.id, target).await?;
        send::show(turn, args.json).await
    })
}

fn server(args: &ServerArgs) -> CommandResult {
    let codex = codex_of(&args.repo)?;
    block_on(async {
        if args.stop {
            let ended = codex.end_server().await?;
            ui::say(if ended { "The Codex server is ended." } else { "No Codex server runs." });
            return Ok(ExitCode::SUCCESS);
        }
        if args.socket {
            codex.threads(None, 1).await?;
        }
        let server = codex.running_server().await?;
        match (server, args) {
            (Some(server), ServerArgs { socket: true, .. }) => {
                ui::out(&server.socket.display().to_string());
            }
            (None, ServerArgs { socket: true, .. }) => {
                return Err(CliError::other("this version of Codex cannot serve several programs"));
            }
            (server, ServerArgs { json: true, .. }) => {
                ui::out(&format!("{:#}", serde_json::json!(server)));
            }
            (Some(server), _) => ui::out(&format!(
                "pid {}, {}\nhome {}\nsocket {}\nmemory limit: {}",
                server.process.pid,
                server.binary.display(),
                server.codex_home.display(),
                server.socket.display(),
                serde_json::json!(server.memory).as_str().unwrap_or_default(),
            )),
            (None, _) => ui::say("No Codex server runs; the first conversation starts one."),
        }
        Ok(ExitCode::SUCCESS)
    })
}
