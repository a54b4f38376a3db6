//! `car requests`, `car answer`: what agents ask, and what people decide.

use std::process::ExitCode;

use car_domain::conversation::{AgentRequest, Decision, RequestSubject};
use car_engine::conversation::Reply;
use clap::Args;
use serde_json::json;

use super::thread::codex_of;
use super::ui::style::{BOLD, DIM, RESET};
use super::{CommandResult, RepoArg, block_on, logging, ui};

/// Show what agents ask and wait for
#[derive(Args)]
pub(crate) struct RequestsArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Decide about what an agent asks
#[derive(Args)]
#[command(after_help = "Examples:\n  car answer 3f2a91c0 accept\n  \
                        car answer 3f2a91c0 decline --note \"not on a Friday\"\n  \
                        car answer 77b01d22 \"Yes\"")]
pub(crate) struct AnswerArgs {
    /// Id of the request, or its first characters
    id: String,
    /// accept, session, always, network, decline or cancel, as far as it is offered; for questions the answers in their
    /// order
    #[arg(required = true, value_name = "DECISION")]
    words: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    repo: RepoArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn requests(args: &RequestsArgs) -> CommandResult {
    logging::start();
    let codex = codex_of(&args.repo)?;
    let requests = block_on(async { Ok(codex.open_requests().await?) })?;
    if args.json {
        ui::out(&format!("{:#}", json!(requests)));
    } else if requests.is_empty() {
        ui::say("Nothing waits for an answer.");
    } else {
        requests.iter().for_each(|request| ui::out(&told(request)));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn answer(args: &AnswerArgs) -> CommandResult {
    logging::start();
    let codex = codex_of(&args.repo)?;
    let by = match std::env::var("USER") {
        Ok(user) if !user.is_empty() => format!("cli:{user}"),
        _ => "cli".to_owned(),
    };
    let reply = Reply::Words(args.words.clone());
    let answer =
        block_on(async { Ok(codex.reply(&args.id, &reply, &by, args.note.as_deref()).await?) })?;
    if args.json {
        ui::out(&format!("{:#}", json!(answer)));
    } else {
        ui::say(&format!("{}: {} by {}", answer.request_id, answer.decision.word(), answer.by));
    }
    Ok(ExitCode::SUCCESS)
}

fn told(request: &AgentRequest) -> String {
    let words: Vec<_> = request.offered.iter().map(Decision::word).collect();
    let mut lines = vec![format!("{BOLD}{}{RESET}  {}", request.id, request.asked_at)];
    lines.push(format!("  {}", request.headline()));
    if let RequestSubject::Command { cwd: Some(cwd), .. } = &request.subject {
        lines.push(format!("  {DIM}in {cwd}{RESET}"));
    }
    if let RequestSubject::Files { changes } = &request.subject {
        let files = changes.iter().map(|change| format!("  {} {}", change.kind, change.path));
        lines.extend(files);
    }
    if let RequestSubject::Questions { questions } = &request.subject {
        for question in questions {
            let labels: Vec<_> =
                question.options.iter().map(|option| option.label.as_str()).collect();
            lines.push(format!("  {DIM}{}{RESET}", labels.join(" | ")));
        }
    }
    lines.extend(request.reason.iter().map(|reason| format!("  {DIM}{reason}{RESET}")));
    lines.push(format!("  {}", words.join(" | ")));
    lines.join("\n")
}
