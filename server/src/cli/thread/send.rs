//! `car thread new`, `car thread send`, `car thread follow`: a turn, and its answer as it comes.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use car_domain::conversation::{TurnOutcome, TurnStatus};
use car_domain::run::{JournalEntry, RunEvent};
use car_engine::conversation::{ApprovalPolicy, SandboxPolicy, Turn, TurnEvent, TurnRequest};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::error::CliError;
use super::super::live::LiveOutput;
use super::super::{CommandResult, RepoArg, block_on, ui};
use super::{ThreadArg, codex_of};

/// Start a conversation
#[derive(Args)]
pub(super) struct NewArgs {
    /// What to say; `-` for standard input
    text: String,
    #[command(flatten)]
    repo: RepoArg,
    #[command(flatten)]
    manner: MannerArgs,
}

/// Say something in a conversation
#[derive(Args)]
pub(super) struct SendArgs {
    #[command(flatten)]
    thread: ThreadArg,
    /// What to say; `-` for standard input
    text: String,
    #[command(flatten)]
    manner: MannerArgs,
}

/// Follow the turn that runs in a conversation
#[derive(Args)]
pub(super) struct FollowArgs {
    #[command(flatten)]
    thread: ThreadArg,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct MannerArgs {
    /// What the agent may reach
    #[arg(long, value_enum, default_value_t = Sandbox::ReadOnly)]
    sandbox: Sandbox,
    /// Let it ask before it leaves the sandbox; `car requests` shows what it asks
    #[arg(long)]
    ask: bool,
    /// Let it plan and ask questions of its own
    #[arg(long)]
    plan: bool,
    /// Model
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Reasoning effort
    #[arg(long, value_name = "EFFORT")]
    effort: Option<String>,
    /// Give up when nothing is heard for so many seconds; 0 for never
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    stall: u64,
    /// Do not wait for the answer
    #[arg(long)]
    no_wait: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What the agent may reach
#[derive(Clone, Copy, ValueEnum)]
enum Sandbox {
    /// Read everything, change nothing
    ReadOnly,
    /// Change files below the directory
    WorkspaceWrite,
    /// Everything you may do
    FullAccess,
}

pub(super) fn new(args: &NewArgs) -> CommandResult {
    let codex = codex_of(&args.repo)?;
    let cwd = directory(&args.repo)?;
    let request = request(cwd, &args.text, &args.manner)?;
    block_on(async { shown(codex.turn(request).await?, &args.manner).await })
}

pub(super) fn send(args: &SendArgs) -> CommandResult {
    let codex = codex_of(&args.thread.repo)?;
    let cwd = directory(&args.thread.repo)?;
    let thread_id = Some(args.thread.id.clone());
    let request = TurnRequest { thread_id, ..request(cwd, &args.text, &args.manner)? };
    block_on(async { shown(codex.turn(request).await?, &args.manner).await })
}

pub(super) fn follow(args: &FollowArgs) -> CommandResult {
    let codex = codex_of(&args.thread.repo)?;
    block_on(async {
        let turn = codex.follow(&args.thread.id).await?;
        let turn =
            turn.ok_or_else(|| CliError::other("no turn is running in this conversation"))?;
        show(turn, args.json).await
    })
}

fn directory(repo: &RepoArg) -> Result<PathBuf, CliError> {
    if let Ok(root) = car_engine::find_root_config(repo.path()) {
        return Ok(root);
    }
    std::fs::canonicalize(repo.path())
        .map_err(|error| CliError::other(format!("cannot use {}: {error}", repo.path().display())))
}

fn request(cwd: PathBuf, text: &str, manner: &MannerArgs) -> Result<TurnRequest, CliError> {
    let mut prompt = text.to_owned();
    if text == "-" {
        prompt.clear();
        std::io::stdin()
            .read_to_string(&mut prompt)
            .map_err(|error| CliError::other(format!("cannot read standard input: {error}")))?;
    }
    Ok(TurnRequest {
        sandbox: match manner.sandbox {
            Sandbox::ReadOnly => SandboxPolicy::ReadOnly,
            Sandbox::WorkspaceWrite => {
                SandboxPolicy::WorkspaceWrite { writable_roots: Vec::new(), network: false }
            }
            Sandbox::FullAccess => SandboxPolicy::FullAccess,
        },
        approvals: if manner.ask { ApprovalPolicy::OnRequest } else { ApprovalPolicy::Never },
        model: manner.model.clone(),
        effort: manner.effort.clone(),
        may_ask_questions: manner.plan,
        stall_after: (manner.stall > 0).then(|| Duration::from_secs(manner.stall)),
        ..TurnRequest::new(cwd, prompt)
    })
}

async fn shown(turn: Turn, manner: &MannerArgs) -> CommandResult {
    if manner.no_wait {
        let ids = json!({"thread_id": turn.thread_id(), "turn_id": turn.turn_id()});
        ui::out(&if manner.json { ids.to_string() } else { turn.thread_id().to_owned() });
        return Ok(ExitCode::SUCCESS);
    }
    show(turn, manner.json).await
}

/// Shows a turn to its end: the agent's words as data, everything else as talk. Ctrl-C ends the turn.
pub(super) async fn show(mut turn: Turn, json: bool) -> CommandResult {
    let mut output = Output { json, ..Output::default() };
    let mut was_interrupted = false;
    loop {
        let event = tokio::select! {
            event = turn.next() => event,
            _ = tokio::signal::ctrl_c(), if !was_interrupted => {
                was_interrupted = true;
                turn.interrupt().await?;
                continue;
            }
        };
        match event {
            Some(TurnEvent::Finished(outcome)) => {
                output.finish(&turn, &outcome);
                return Ok(exit_code(&outcome, was_interrupted));
            }
            Some(event) => output.show(&event),
            None => return Err(CliError::other("the turn ended without a word")),
        }
    }
}

fn exit_code(outcome: &TurnOutcome, was_interrupted: bool) -> ExitCode {
    match outcome.status {
        TurnStatus::Completed => ExitCode::SUCCESS,
        TurnStatus::Interrupted if was_interrupted => ExitCode::from(130),
        TurnStatus::Interrupted | TurnStatus::Failed => ExitCode::from(4),
    }
}

#[derive(Default)]
struct Output {
    json: bool,
    /// Whether a message is being written out piece by piece.
    streams: bool,
    talk: LiveOutput,
}

impl Output {
    fn show(&mut self, event: &TurnEvent) {
        match event {
            TurnEvent::MessageDelta { text, .. } if !self.json => {
                self.streams = true;
                ui::raw_out(text);
            }
            TurnEvent::Step(RunEvent::Message { text }) => {
                let was_written = std::mem::take(&mut self.streams);
                if !self.json {
                    ui::out(if was_written { "" } else { text });
                }
            }
            TurnEvent::Stalled(limit) => {
                ui::say(&format!("Nothing was heard for {} s.", limit.as_secs()));
            }
            event => self.step(event),
        }
    }

    /// Everything but the answer is talk, and only for people.
    fn step(&mut self, event: &TurnEvent) {
        let is_question = matches!(event, TurnEvent::Requested(_) | TurnEvent::Resolved { .. });
        if !is_question && !std::io::stderr().is_terminal() {
            return;
        }
        if let Some(event) = event.step() {
            self.talk.entry(&JournalEntry { seq: 0, at: car_engine::now(), event });
        }
    }

    fn finish(&mut self, turn: &Turn, outcome: &TurnOutcome) {
        if self.json {
            let mut told = json!(outcome);
            told["thread_id"] = turn.thread_id().into();
            told["turn_id"] = turn.turn_id().into();
            ui::out(&format!("{told:#}"));
            return;
        }
        if std::mem::take(&mut self.streams) {
            ui::out("");
        }
        if outcome.status != TurnStatus::Completed {
            let why = outcome.error.as_deref().unwrap_or_default();
            ui::say(&format!("{}. {why}", outcome.status.word()));
        }
        ui::say(&format!("Conversation {}", turn.thread_id()));
    }
}
