//! `car github spec`

use std::collections::BTreeMap;
use std::process::ExitCode;

use car_domain::docs::DocKind;
use car_domain::text::headline;
use car_engine::Repo;
use car_engine::ask::JobEvent;
use car_engine::chat::{Applied, ChatAnswer, DocChat};
use car_engine::github::{issue_for_spec, spec_from_issue};
use clap::Args;
use serde_json::json;

use super::super::error::CliError;
use super::super::{CommandResult, RepoArg, block_on, logging, ui};
use super::sync::{cancelled_by_signal, guard};

/// Link an issue and have the agent propose a SPEC made of it
#[derive(Args)]
#[command(after_help = "Example: car github spec 12 --apply")]
pub(crate) struct SpecArgs {
    /// Number of the issue, or the address of its page
    issue: String,
    #[command(flatten)]
    repo: RepoArg,
    /// Write what the agent proposes; else it stays a proposal of the chat about SPEC
    #[arg(long)]
    apply: bool,
    /// Only print the message that asks for it, without the agent
    #[arg(long, conflicts_with = "apply")]
    print: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "print")]
    json: bool,
}

pub(super) fn run(args: &SpecArgs) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    if args.print {
        let (message, _) = block_on(async { Ok(issue_for_spec(&repo, &args.issue).await?) })?;
        ui::raw_out(&message);
        return Ok(ExitCode::SUCCESS);
    }
    let (answer, issue) = block_on(async {
        let cancel = cancelled_by_signal()?;
        let mut show = |event: JobEvent| {
            if let JobEvent::Step(step) = event
                && !args.json
            {
                let line = headline(&step.text(), 120);
                ui::say(&format!("  {}{}{}", ui::style::DIM, plain(&line), ui::style::RESET));
            }
        };
        Ok(spec_from_issue(&repo, &args.issue, &guard(), &cancel, &mut show).await?)
    })?;
    let patch = patch(&answer);
    if args.json {
        let message = &answer.message;
        ui::out(&format!(
            "{:#}",
            json!({
                "status": "ok", "kind": "spec", "patch": patch, "agent_message": message,
                "applied": args.apply && answer.proposal.is_some(), "github": {"issue": issue.view()},
            })
        ));
    } else {
        ui::raw_out(&ui::coloured_diff(&patch));
        ui::say(&plain(&answer.message));
    }
    decide(args, &repo, &answer)
}

fn decide(args: &SpecArgs, repo: &Repo, answer: &ChatAnswer) -> CommandResult {
    if answer.proposal.is_none() {
        ui::say("The agent proposes no change.");
        return Ok(ExitCode::SUCCESS);
    }
    if !args.apply {
        ui::say("Nothing is written yet: this is a proposal of the chat about SPEC.");
        return Ok(ExitCode::SUCCESS);
    }
    match DocChat::new(repo, &[DocKind::Spec])?.apply(&BTreeMap::new())? {
        Applied::Written(_) => {
            ui::say("SPEC is written.");
            Ok(ExitCode::SUCCESS)
        }
        Applied::Conflicts(_) => Err(CliError::other(
            "SPEC was changed meanwhile in the same places; nothing is written",
        )
        .with_hint("the proposal stays in the chat about SPEC")),
    }
}

fn patch(answer: &ChatAnswer) -> String {
    let documents = answer.proposal.iter().flat_map(|proposal| &proposal.documents);
    documents
        .map(|document| {
            let name = format!("{}.md", document.kind.title());
            car_engine::unified_diff(&document.base, &document.proposed, &name)
        })
        .collect()
}

/// Without what would steer the terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}
