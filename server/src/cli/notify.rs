//! `car notify`

use std::process::ExitCode;
use std::time::Duration;

use car_engine::Repo;
use car_engine::notifications::{self, Delivery, Event, Receipt, Status, TestResult};
use clap::{Args, Subcommand};
use serde_json::json;

use super::error::CliError;
use super::{CommandResult, RepoArg, block_on, ui};

/// How long a command waits for services that do not answer or ask for patience.
const PATIENCE: Duration = Duration::from_secs(10);

/// Send messages to Discord and Telegram, and see what became of them
#[derive(Args)]
#[command(after_help = "Example: car notify test --event run_error")]
pub(crate) struct NotifyArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Subcommand)]
enum NotifyCommand {
    /// Send a message to every receiver that is set up and say what became of it
    Test {
        #[command(flatten)]
        repo: RepoArg,
        /// The event it speaks of
        #[arg(long, value_name = "EVENT", default_value = "run_finished", value_parser = event)]
        event: Event,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List messages that wait and receipts of those that do not, newest last
    List {
        #[command(flatten)]
        repo: RepoArg,
        /// At most this many receipts
        #[arg(long, default_value_t = 20, value_name = "N")]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send what waits now
    Send {
        #[command(flatten)]
        repo: RepoArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn event(name: &str) -> Result<Event, String> {
    Event::from_name(name).ok_or_else(|| {
        let names = Event::ALL.map(Event::name).join(", ");
        format!("there is no such event; there are {names}")
    })
}

pub(super) fn run(args: &NotifyArgs) -> CommandResult {
    match &args.command {
        NotifyCommand::Test { repo, event, json } => test(&repo.open()?, *event, *json),
        NotifyCommand::List { repo, limit, json } => list(&repo.open()?, *limit, *json),
        NotifyCommand::Send { repo, json } => send(&repo.open()?, *json),
    }
}

fn test(repo: &Repo, event: Event, as_json: bool) -> CommandResult {
    let results = block_on(async { Ok(notifications::test(repo, event, PATIENCE).await?) })?;
    let is_fine = results.iter().all(|result| result.status == Status::Delivered.name());
    let line = |TestResult { channel, status, detail }: &TestResult| {
        let why = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        format!("{channel}: {status}{why}")
    };
    let lines: Vec<String> = results.iter().map(line).collect();
    if as_json {
        ui::out(&format!("{:#}", json!({ "event": event.name(), "results": results })));
    } else {
        ui::out(&lines.join("\n"));
    }
    if is_fine {
        return Ok(ExitCode::SUCCESS);
    }
    Err(CliError::other("not every receiver got the message").with_hint(
        "check the token, the chat and the address; `car notify send` tries again what is pending",
    ))
}

fn list(repo: &Repo, limit: usize, as_json: bool) -> CommandResult {
    let overview = notifications::overview(repo)?;
    let skipped = overview.receipts.len().saturating_sub(limit);
    let receipts = &overview.receipts[skipped..];
    if as_json {
        let channels: Vec<&str> = overview.channels.iter().map(|channel| channel.name()).collect();
        let all =
            json!({ "channels": channels, "pending": overview.pending, "receipts": receipts });
        ui::out(&format!("{all:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    if receipts.is_empty() && overview.pending.is_empty() {
        ui::say("No notifications yet. `car notify test` sends one.");
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines: Vec<String> = receipts.iter().map(receipt_line).collect();
    lines.extend(overview.pending.iter().map(|message| {
        let why = message.last_error.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let (at, channel) = (message.created_at.whole_seconds(), message.channel.name());
        format!("{at}  {channel:<8}  {:<9}  {}{why}", "pending", message.text)
    }));
    ui::out(&lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn receipt_line(receipt: &Receipt) -> String {
    let why = receipt.detail.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let (at, channel) = (receipt.at.whole_seconds(), receipt.channel.name());
    format!("{at}  {channel:<8}  {:<9}  {}{why}", receipt.status.name(), receipt.text)
}

fn send(repo: &Repo, as_json: bool) -> CommandResult {
    let delivery = deliver(repo)?;
    let Delivery { delivered, given_up, pending, is_busy, .. } = delivery;
    if as_json {
        let all = json!({
            "delivered": delivered, "given_up": given_up, "pending": pending, "busy": is_busy,
        });
        ui::out(&format!("{all:#}"));
    } else if is_busy {
        ui::out("Another process is sending.");
    } else {
        ui::out(&format!("Delivered {delivered}, given up {given_up}, pending {pending}."));
    }
    Ok(ExitCode::SUCCESS)
}

fn deliver(repo: &Repo) -> Result<Delivery, CliError> {
    block_on(async { Ok(notifications::deliver_all(repo.root(), PATIENCE).await?) })
}
