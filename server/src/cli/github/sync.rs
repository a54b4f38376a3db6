//! `car github sync`

use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use car_domain::github::{SyncPreview, SyncProgress};
use car_engine::Repo;
use car_engine::github::{SyncContext, SyncRequest, confirmed_preview, sync, sync_preview};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::super::error::CliError;
use super::super::{CommandResult, RepoArg, block_on, logging, own_program, ui};

/// Commit, push, and open or update the pull request of the branch
///
/// Shows what will happen and asks before it does anything.
#[derive(Args)]
#[command(
    after_help = "With --json a line is printed for each step, and the result as the last one.\n\n\
                        Example: car github sync --title \"Fix the crash\" --body-file notes.md --ready"
)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Title of a new pull request
    #[arg(long, allow_hyphen_values = true)]
    title: Option<String>,
    /// Text of a new pull request
    #[arg(long, allow_hyphen_values = true)]
    body: Option<String>,
    /// File with the text of a new pull request; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    body_file: Option<String>,
    /// Message of the commit
    #[arg(long, allow_hyphen_values = true)]
    message: Option<String>,
    /// Open a new pull request as ready for review
    #[arg(long, conflicts_with = "draft")]
    ready: bool,
    /// Open a new pull request as a draft
    #[arg(long)]
    draft: bool,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Only show what would happen
    #[arg(long)]
    dry_run: bool,
    /// Refuse when the preview has another version by now
    #[arg(long, value_name = "VERSION")]
    if_version: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Do what a job was confirmed to do, without a terminal, and say on standard output when it has begun
    #[arg(long, hide = true)]
    detached: bool,
    /// Of the original's interface; every value is refused
    #[arg(long, hide = true)]
    mode: Option<String>,
}

pub(super) fn run(args: &SyncArgs) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    if args.detached {
        return detached(&repo);
    }
    let request = request(args)?;
    block_on(async {
        let preview = sync_preview(&repo, &request).await?;
        if args.json && args.dry_run {
            ui::out(&format!("{:#}", json!(preview)));
        } else if !args.json {
            show(&preview);
        }
        if let Some(version) = &args.if_version
            && *version != preview.version
        {
            return Err(CliError::other("The repository has changed since the preview")
                .with_hint("look at a new preview, then sync"));
        }
        if args.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(block) = preview.blocks.first() {
            return Err(CliError::other(block.clone()));
        }
        confirm(args)?;
        perform(&repo, &preview, args.json).await
    })
}

/// The process of a job. How it goes is written down by the engine.
fn detached(repo: &Repo) -> CommandResult {
    // Out of the caller's session, so that neither its terminal nor its end reaches the sync. Fails only for a process that
    // leads a group already, which is out of reach as well.
    let _ = nix::unistd::setsid();
    let confirmed = confirmed_preview(repo)?;
    let mut is_ready = false;
    let mut progress = |_: SyncProgress| {
        if !std::mem::replace(&mut is_ready, true) {
            ui::out(car_agent::READY);
        }
    };
    block_on(async {
        let cancel = cancelled_by_signal()?;
        let guard = guard();
        let context = SyncContext { guard: &guard, cancel: &cancel, progress: &mut progress };
        sync(repo, &confirmed, context).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Command line of the agent's guard.
pub(super) fn guard() -> Vec<OsString> {
    let mut guard = own_program();
    guard.push("agent-guard".into());
    guard
}

fn request(args: &SyncArgs) -> Result<SyncRequest, CliError> {
    let body = match args.body_file.as_deref() {
        None => args.body.clone(),
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|error| CliError::other(format!("cannot read standard input: {error}")))?;
            Some(text)
        }
        Some(path) => {
            let text = std::fs::read_to_string(path);
            Some(text.map_err(|error| CliError::other(format!("cannot read {path}: {error}")))?)
        }
    };
    let draft = match (args.ready, args.draft) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    };
    let SyncArgs { title, message, mode, .. } = args;
    Ok(SyncRequest {
        title: title.clone(),
        body,
        message: message.clone(),
        draft,
        mode: mode.clone(),
    })
}

/// Asks on a terminal. Without one nobody can answer.
fn confirm(args: &SyncArgs) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::other("Nobody is here to confirm this")
            .with_hint("`--yes` does it without asking, `--dry-run` only shows it"));
    }
    let answer = ui::ask("Do this? [y/N] ")?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CliError::other("Aborted.")),
    }
}

async fn perform(repo: &Repo, preview: &SyncPreview, json: bool) -> CommandResult {
    let cancel = cancelled_by_signal()?;
    let guard = guard();
    let mut progress = |news: SyncProgress| {
        if json {
            ui::out(&json!(news).to_string());
        } else {
            ui::say(&match news.detail {
                None => format!("{}{}{} …", ui::style::BOLD, news.step.words(), ui::style::RESET),
                Some(detail) => format!("  {}{detail}{}", ui::style::DIM, ui::style::RESET),
            });
        }
    };
    let context = SyncContext { guard: &guard, cancel: &cancel, progress: &mut progress };
    let result = match sync(repo, preview, context).await {
        Err(error) if cancel.is_cancelled() => {
            ui::error(&error.into());
            return Ok(ExitCode::from(130));
        }
        result => result?,
    };
    if json {
        ui::out(&json!(result).to_string());
    } else {
        let what = if result.created { "Opened" } else { "Updated" };
        ui::out(&format!("{what} {}", result.pr.url));
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancelled by the first signal that asks for the end, also by `car kill`.
pub(super) fn cancelled_by_signal() -> Result<CancellationToken, CliError> {
    let failed = |error| CliError::other(format!("cannot listen to signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    // Lives as long as the process, which ends with the sync.
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        asked.cancel();
    });
    Ok(cancel)
}

fn show(preview: &SyncPreview) {
    ui::out(&text(preview));
}

fn text(preview: &SyncPreview) -> String {
    let SyncPreview { repo, branch, base, .. } = preview;
    let remote = preview.remote.as_deref().unwrap_or("no remote");
    let mut lines = vec![
        format!("Repository: {repo}"),
        format!(
            "Branch: {branch} → {base} ({} ahead, {} behind), pushed to {remote}",
            preview.ahead, preview.behind
        ),
    ];
    if preview.runs_agent {
        let model = preview.agent_model.as_deref().unwrap_or("its own model");
        lines.push(format!("Agent: formats and checks first ({model})"));
    }
    if !preview.files.is_empty() {
        lines.push("Uncommitted files:".to_owned());
        lines.extend(
            preview.files.iter().map(|file| format!("  {} {}", file.state, plain(&file.path))),
        );
        if preview.more_files > 0 {
            lines.push(format!("  … and {} more", preview.more_files));
        }
    }
    if preview.will_commit {
        lines.push("They are committed, with what the agent changes, as:".to_owned());
        lines.extend(preview.commit_message.lines().map(|line| format!("  {line}")));
    }
    match &preview.pr {
        Some(pr) => lines.push(format!("Pull request: kept up to date, {}", pr.url)),
        None => {
            let draft = if preview.draft { "a new draft" } else { "a new one" };
            lines.push(format!("Pull request: {draft}, {}", preview.title));
            lines.extend(
                preview.body.lines().map(|line| format!("  {}", plain(line)).trim_end().to_owned()),
            );
        }
    }
    lines.extend(preview.notes.iter().map(|note| format!("Note: {note}")));
    lines.extend(preview.blocks.iter().map(|block| format!("Not possible: {block}")));
    lines.join("\n")
}

/// Without what would steer the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
