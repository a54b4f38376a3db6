//! `car thread list`, `car thread show`

use std::process::ExitCode;

use car_domain::conversation::{ThreadActivity, ThreadInfo, TurnInfo, TurnStatus};
use car_domain::text::headline;
use clap::Args;
use serde_json::json;

use super::super::ui::style::{BOLD, DIM, RED, RESET};
use super::super::{CommandResult, RepoArg, block_on, ui};
use super::{ThreadArg, codex_of};

/// List conversations, the newest first
#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Those of all directories, not only of this repository
    #[arg(long)]
    all: bool,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show the last turns of a conversation
#[derive(Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    thread: ThreadArg,
    /// How many turns
    #[arg(long, value_name = "N", default_value_t = 10)]
    turns: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn list(args: &ListArgs) -> CommandResult {
    let codex = codex_of(&args.repo)?;
    let root = car_engine::find_root_config(args.repo.path()).ok();
    let here = match root {
        Some(root) => Some(root),
        None => std::fs::canonicalize(args.repo.path()).ok(),
    };
    let cwd = here.filter(|_| !args.all);
    let threads = block_on(async { Ok(codex.threads(cwd.as_deref(), args.limit).await?) })?;
    if args.json {
        ui::out(&format!("{:#}", json!(threads)));
    } else if threads.is_empty() {
        ui::say("No conversations here; `car thread new TEXT` starts one.");
    } else {
        threads.iter().for_each(|thread| ui::out(&row(thread)));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(args: &ShowArgs) -> CommandResult {
    let codex = codex_of(&args.thread.repo)?;
    let (thread, turns) = block_on(async { Ok(codex.thread(&args.thread.id, args.turns).await?) })?;
    if args.json {
        ui::out(&format!("{:#}", json!({"thread": thread, "turns": turns})));
        return Ok(ExitCode::SUCCESS);
    }
    ui::out(&row(&thread));
    turns.iter().for_each(|turn| ui::out(&told(turn)));
    Ok(ExitCode::SUCCESS)
}

fn row(thread: &ThreadInfo) -> String {
    let activity = match thread.activity {
        ThreadActivity::Idle => "idle",
        ThreadActivity::Running => "running",
        ThreadActivity::Waiting => "waiting",
    };
    format!("{}  {}  {activity:<7}  {}", thread.id, thread.updated_at, thread.title)
}

fn told(turn: &TurnInfo) -> String {
    let mut lines = vec![format!("\n{BOLD}> {}{RESET}", headline(&turn.prompt, 200))];
    lines.extend(turn.answer.clone());
    match turn.status {
        Some(TurnStatus::Completed) => {}
        Some(status) => {
            let why = turn.error.as_deref().unwrap_or_default();
            lines.push(format!("{RED}{}{RESET} {why}", status.word()));
        }
        None => lines.push(format!("{DIM}running{RESET}")),
    }
    lines.join("\n")
}
