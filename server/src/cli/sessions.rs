//! `car sessions`, `car stop-session`

use std::process::ExitCode;

use car_engine::sessions::{Sessions, Stopped, TerminalSession, sessions, stop_session};
use clap::Args;
use serde_json::json;

use super::{CommandResult, RepoArg, block_on, ui};

/// List the terminals
#[derive(Args)]
pub(crate) struct SessionsArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// End a terminal
#[derive(Args)]
pub(crate) struct StopSessionArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// The terminal; without it that of the repository
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

pub(super) fn list(args: &SessionsArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let found = block_on(async { Ok(sessions(&repo).await?) })?;
    if args.json {
        ui::out(&format!("{:#}", as_json(&found)));
        return Ok(ExitCode::SUCCESS);
    }
    let source = if found.from_server { "server" } else { "state" };
    ui::out(&format!("Sessions ({source}): {}", found.sessions.len()));
    for session in &found.sessions {
        ui::out(&line(session));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(found: &Sessions) -> serde_json::Value {
    let mut value = json!({ "sessions": found.sessions, "repo_to_session": found.repo_to_session });
    if !found.from_server {
        value["source"] = "state".into();
    }
    value
}

fn line(session: &TerminalSession) -> String {
    let or_unknown = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    let absolute = session.other.get("abs_repo_path").and_then(|path| path.as_str());
    let alive = match session.alive {
        Some(true) => "True",
        Some(false) => "False",
        None => "unknown",
    };
    format!(
        "- {}: repo={} status={} last_seen={} alive={alive}",
        session.session_id,
        or_unknown(absolute.or(session.repo_path.as_deref())),
        or_unknown(session.status.as_deref()),
        or_unknown(session.last_seen_at.as_deref()),
    )
}

pub(super) fn stop(args: &StopSessionArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let stopped = block_on(async { Ok(stop_session(&repo, args.session.as_deref()).await?) })?;
    ui::out(&match stopped {
        Stopped::ByServer(id) => format!("Stopped session {id}"),
        Stopped::StateOnly(id) => format!("Stopped session {id} (state only)"),
    });
    Ok(ExitCode::SUCCESS)
}
