//! `car chat`

use std::collections::BTreeMap;
use std::process::ExitCode;

use car_domain::chat::{Chat, ChatOutcome};
use car_domain::docs::DocKind;
use car_domain::proposal::{DocConflict, MergePiece, Proposal};
use car_engine::Repo;
use car_engine::chat::{Applied, Choice, DocChat};
use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::job::{JobView, cancel_on_interrupt, guard};
use super::{CommandResult, RepoArg, block_on, docs, logging, ui};

/// Talk about a document; the agent's changes are a proposal until you apply them
#[derive(Args)]
#[command(
    after_help = "Examples:\n  car chat todo \"Split the second item\"\n  car chat todo --show\n  \
                        car chat todo --apply --hunk 1 --hunk 3\n  \
                        car chat spec,todo \"Add an export to CSV\""
)]
pub(crate) struct ChatArgs {
    /// todo, progress, opinions, spec or summary; several with commas between
    #[arg(value_name = "DOCUMENT", value_parser = parse_kinds)]
    kinds: Kinds,
    /// What to ask for
    message: Option<String>,
    #[command(flatten)]
    repo: RepoArg,
    #[command(flatten)]
    what: Decision,
    /// With --apply, only these hunks, by number; for a chat about one document
    #[arg(long = "hunk", value_name = "N", requires = "apply")]
    hunks: Vec<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The documents of a chat.
#[derive(Clone)]
struct Kinds(Vec<DocKind>);

fn parse_kinds(names: &str) -> Result<Kinds, String> {
    names.split(',').map(docs::parse_kind).collect::<Result<_, _>>().map(Kinds)
}

#[derive(Args)]
#[group(multiple = false, conflicts_with = "message")]
struct Decision {
    /// Show what was said and what is proposed
    #[arg(long)]
    show: bool,
    /// Write the proposal into the document
    #[arg(long)]
    apply: bool,
    /// Drop the proposal
    #[arg(long)]
    discard: bool,
    /// End the turn that is at work
    #[arg(long)]
    cancel: bool,
    /// Forget what was said and proposed
    #[arg(long)]
    reset: bool,
}

pub(super) fn run(args: &ChatArgs) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    let chat = DocChat::new(&repo, &args.kinds.0)?;
    let what = &args.what;
    if what.apply {
        return apply(args, &chat);
    }
    if what.discard {
        chat.discard()?;
        ui::out(&format!("Discarded the proposal for {}", chat.name()));
    } else if what.cancel {
        let told =
            if chat.cancel()? { "The agent was asked to end." } else { "Nothing is at work." };
        ui::out(told);
    } else if what.reset {
        chat.reset()?;
        ui::out(&format!("Forgot the chat about {}", chat.name()));
    } else if let Some(message) = &args.message {
        say(args, &repo, &chat, message)?;
    } else {
        show(args, &repo, &chat.load()?);
    }
    Ok(ExitCode::SUCCESS)
}

fn say(args: &ChatArgs, repo: &Repo, chat: &DocChat<'_>, message: &str) -> Result<(), CliError> {
    let mut view = JobView::new();
    let answer = block_on(async {
        let cancel = cancel_on_interrupt();
        let mut events = |event| view.show(&event);
        Ok(chat.say(message, &guard(), &cancel, &mut events).await?)
    })?;
    view.end();
    if args.json {
        let proposal = answer.proposal.as_ref().map(|proposal| proposal_json(repo, proposal));
        let value = json!({
            "status": "ok",
            "kind": chat.name(),
            "agent_message": answer.message,
            "has_changes": answer.has_changes,
            "proposal": proposal,
        });
        ui::out(&format!("{value:#}"));
        return Ok(());
    }
    ui::out(&answer.message);
    match &answer.proposal {
        Some(proposal) => {
            ui::out("");
            print_proposal(repo, proposal);
            let name = chat.name().replace('+', ",");
            ui::say(&format!("`car chat {name} --apply` writes it, `--discard` drops it."));
        }
        None => ui::say("Nothing is proposed."),
    }
    Ok(())
}

fn show(args: &ChatArgs, repo: &Repo, chat: &Chat) {
    if args.json {
        let proposal = chat.proposal.as_ref().map(|proposal| proposal_json(repo, proposal));
        let value = json!({
            "thread_id": chat.thread_id,
            "turns": chat.turns,
            "running": chat.running,
            "proposal": proposal,
        });
        ui::out(&format!("{value:#}"));
        return;
    }
    use ui::style::{BOLD, RED, RESET};
    for turn in &chat.turns {
        ui::out(&format!("{BOLD}> {}{RESET}", turn.message));
        match &turn.outcome {
            ChatOutcome::Answered(answer) => ui::out(&format!("{answer}\n")),
            ChatOutcome::Failed(why) => ui::out(&format!("{RED}failed:{RESET} {why}\n")),
        }
    }
    if let Some(running) = &chat.running {
        ui::out(&format!("{BOLD}> {}{RESET}\n(the agent is at work)", running.message));
    }
    match &chat.proposal {
        Some(proposal) => print_proposal(repo, proposal),
        None if chat.turns.is_empty() => ui::say("Nothing was said yet."),
        None => ui::say("Nothing is proposed."),
    }
}

fn proposal_json(repo: &Repo, proposal: &Proposal) -> serde_json::Value {
    let documents = proposal.documents.iter().map(|document| {
        let path = repo.docs().configured(document.kind);
        json!({
            "kind": document.kind,
            "base_version": document.base_version,
            "patch": car_engine::unified_diff(&document.base, &document.proposed, path),
            "hunks": car_engine::proposal::hunks(&document.base, &document.proposed),
            "content": document.proposed,
        })
    });
    json!({ "at": proposal.at, "message": proposal.message, "documents": documents.collect::<Vec<_>>() })
}

fn print_proposal(repo: &Repo, proposal: &Proposal) {
    for document in &proposal.documents {
        let path = repo.docs().configured(document.kind);
        let diff = car_engine::unified_diff(&document.base, &document.proposed, path);
        let mut n = 0;
        let numbered: String = diff
            .lines()
            .map(|line| {
                if !line.starts_with("@@") {
                    return format!("{line}\n");
                }
                n += 1;
                format!("{line}  (hunk {n})\n")
            })
            .collect();
        ui::raw_out(&ui::coloured_diff(&numbered));
    }
}

fn apply(args: &ChatArgs, chat: &DocChat<'_>) -> CommandResult {
    let mut choices = BTreeMap::new();
    if !args.hunks.is_empty() {
        let [kind] = chat.kinds() else {
            return Err(CliError::other("--hunk is for a chat about one document"));
        };
        choices.insert(*kind, Choice::Hunks(args.hunks.clone()));
    }
    match chat.apply(&choices)? {
        Applied::Written(documents) => {
            for document in &documents {
                ui::out(&format!("Wrote {}", document.path));
            }
            if documents.is_empty() {
                ui::out("Nothing was chosen; the proposal is dropped.");
            }
            Ok(ExitCode::SUCCESS)
        }
        Applied::Conflicts(conflicts) => {
            conflicts.iter().for_each(print_conflict);
            Err(CliError::other("these places were changed by somebody else as well; nothing was written")
                .with_hint("ask the chat again: it starts from the present text; or edit by hand and --discard"))
        }
    }
}

fn print_conflict(conflict: &DocConflict) {
    ui::out(&format!("{}:", conflict.kind.title()));
    for piece in &conflict.pieces {
        if let MergePiece::Conflict { live, proposed, .. } = piece {
            let text = |mark: &str, text: &str| {
                text.lines().map(|line| format!("{mark} {line}\n")).collect::<String>()
            };
            ui::raw_out(&format!("  in the document now\n{}", text("  |", live)));
            ui::raw_out(&format!("  proposed\n{}\n", text("  |", proposed)));
        }
    }
}
