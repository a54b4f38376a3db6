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
    /// Also those that have ended and are not removed yet
    #[arg(long)]
    all: bool,
}

/// End a terminal
#[derive(Args)]
pub(crate) struct StopSessionArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// The terminal; without it the one of the repository that was started last
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

pub(super) fn list(args: &SessionsArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let found = block_on(async { Ok(sessions(&repo, args.all).await?) })?;
    if args.json {
        ui::out(&format!("{:#}", as_json(&found)));
        return Ok(ExitCode::SUCCESS);
    }
    let source = source(&found);
    ui::out(&format!("Sessions ({source}): {}", found.sessions.len()));
    for session in &found.sessions {
        ui::out(&line(session));
    }
    Ok(ExitCode::SUCCESS)
}

/// Who told: a server, the hosts themselves, or the last word of a server.
fn source(found: &Sessions) -> &'static str {
    match found.sessions.iter().any(|session| session.other.contains_key("kind")) {
        _ if found.from_server => "server",
        true => "host",
        false => "state",
    }
}

fn as_json(found: &Sessions) -> serde_json::Value {
    let mut value = json!({ "sessions": found.sessions, "repo_to_session": found.repo_to_session });
    if !found.from_server {
        value["source"] = source(found).into();
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
    let said = |name: &str| session.other.get(name).and_then(|value| value.as_str());
    let kind = said("kind").map(|kind| format!(" kind={kind}")).unwrap_or_default();
    let title = said("title").map(|title| format!(" title={title:?}")).unwrap_or_default();
    format!(
        "- {}: repo={} status={} last_seen={} alive={alive}{kind}{title}",
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
        Stopped::ByHost(id) | Stopped::ByServer(id) => format!("Stopped session {id}"),
        Stopped::StateOnly(id) => format!("Stopped session {id} (state only)"),
    });
    Ok(ExitCode::SUCCESS)
}
