//! `car runs`

use std::process::ExitCode;
use std::time::Duration;

use car_domain::format::{tokens, took};
use car_domain::run::{JournalEntry, Outcome, RunSummary};
use car_domain::text::headline;
use car_engine::runner::standing;
use car_engine::{History, Repo, RunIndex};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{CommandResult, RepoArg, block_on, ui};

/// List the runs of the repository, or show one
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  car runs --limit 5\n  car runs show 12\n  \
                        car runs show 12 --type command.finished --json")]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
    #[command(flatten)]
    repo: RepoArg,
    /// At most this many, newest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum RunsCommand {
    /// Show one run and what happened in it
    Show(ShowArgs),
}

#[derive(Args)]
struct ShowArgs {
    /// Number of the run
    #[arg(value_name = "N")]
    run: u64,
    #[command(flatten)]
    repo: RepoArg,
    /// Only events of this type, such as message or command.finished
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// At most this many events, the last ones
    #[arg(long, default_value_t = 200, value_name = "N")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &RunsArgs) -> CommandResult {
    if let Some(RunsCommand::Show(args)) = &args.command {
        return show(args);
    }
    let repo = args.repo.open()?;
    let runs = block_on(async {
        let index = RunIndex::new(repo.root());
        let runs = index.newest(&super::index::repo_id(&repo), &repo, args.limit).await?;
        index.close().await;
        Ok(runs)
    })?;
    let open = OpenRuns::of(&repo)?;
    if args.json {
        let list: Vec<Value> = runs.iter().map(|run| as_json(run, &open)).collect();
        ui::out(&format!("{:#}", Value::from(list)));
    } else if runs.is_empty() {
        ui::say("No runs recorded yet. `car run` starts the loop.");
    } else {
        ui::out(&table(&runs, &open));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let history = History::new(&repo);
    let summary = history.summary(args.run).ok_or_else(|| {
        let error = super::CliError::other(format!("There is no run {}.", args.run));
        error.with_hint("`car runs` lists them")
    })?;
    let is_wanted =
        |entry: &JournalEntry| args.kind.as_deref().is_none_or(|kind| entry.event.name() == kind);
    let entries = history.tail_where(args.run, args.limit, is_wanted);
    let open = OpenRuns::of(&repo)?;
    if args.json {
        let mut value = as_json(&summary, &open);
        value["events"] = json!(entries);
        ui::out(&format!("{value:#}"));
        return Ok(ExitCode::SUCCESS);
    }
    ui::out(&table(std::slice::from_ref(&summary), &open));
    if let Some(reason) = summary.end.as_ref().and_then(|end| end.reason.as_ref()) {
        ui::out(reason);
    }
    ui::out("");
    for entry in &entries {
        let mut text = entry.event.text();
        text.retain(|c| !c.is_control() || c == '\n');
        let at = entry.at.whole_seconds();
        let text = headline(&text, 120);
        let line = format!("{:>5}  {at}  {:<17} {text}", entry.seq, entry.event.name());
        ui::out(line.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// What runs without an end are. The last one is at work, or ended as the state tells where its journal could not (a full
/// disk); all others were left behind by a runner that died.
struct OpenRuns {
    last: Option<(u64, &'static str)>,
}

impl OpenRuns {
    fn of(repo: &Repo) -> Result<Self, super::CliError> {
        let standing = standing(repo)?;
        let word = match standing.state.last_outcome {
            _ if standing.view.activity.is_active() => "running",
            Some(outcome) => outcome.name(),
            None => Outcome::Interrupted.name(),
        };
        Ok(Self { last: standing.state.last_run_id.map(|run| (run, word)) })
    }

    fn outcome(&self, run: &RunSummary) -> &'static str {
        match (&run.end, self.last) {
            (Some(end), _) => end.outcome.name(),
            (None, Some((last, word))) if last == run.run => word,
            (None, _) => Outcome::Interrupted.name(),
        }
    }
}

fn as_json(run: &RunSummary, open: &OpenRuns) -> Value {
    let end = run.end.as_ref();
    json!({
        "run": run.run,
        "kind": run.kind,
        "outcome": open.outcome(run),
        "exit_code": end.and_then(|end| end.exit_code),
        "signal": end.and_then(|end| end.signal),
        "reason": end.and_then(|end| end.reason.as_ref()),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_ms": run.duration_ms,
        "usage": {
            "input_tokens": run.usage.input_tokens,
            "cached_input_tokens": run.usage.cached_input_tokens,
            "output_tokens": run.usage.output_tokens,
            "reasoning_output_tokens": run.usage.reasoning_output_tokens,
            "total_tokens": run.usage.total(),
        },
        "agent": run.agent,
        "item": run.item,
        "headline": run.headline,
        "thread_id": run.thread_id,
        "commands": run.n_commands,
        "edits": run.n_edits,
        "changes": run.changes,
        "commit": run.commit,
        "checkpoints": {"before": run.checkpoint_before, "after": run.checkpoint_after},
    })
}

fn table(runs: &[RunSummary], open: &OpenRuns) -> String {
    let mut lines = vec![format!(
        "{:>5}  {:<11}  {:>4}  {:>11}  {:>6}  {:<16}  {}",
        "RUN", "OUTCOME", "EXIT", "TIME", "TOKENS", "CHANGED", "WHAT"
    )];
    for run in runs {
        let exit = run.end.as_ref().map(|end| match (end.exit_code, end.signal) {
            (Some(code), _) => code.to_string(),
            (None, Some(signal)) => format!("sig{signal}"),
            (None, None) => String::new(),
        });
        let what = run.headline.as_deref().or(run.item.as_deref()).unwrap_or_default();
        lines.push(format!(
            "{:>5}  {:<11}  {:>4}  {:>11}  {:>6}  {:<16}  {}",
            run.run,
            open.outcome(run),
            exit.unwrap_or_default(),
            run.duration_ms.map(|ms| took(Duration::from_millis(ms))).unwrap_or_default(),
            tokens(run.usage.total()),
            changed(run),
            headline(what, 60),
        ));
    }
    lines.join("\n")
}

/// Files and lines that differ between the run's two checkpoints.
fn changed(run: &RunSummary) -> String {
    match run.changes {
        Some(changes) if changes.files == 0 => "nothing".to_owned(),
        Some(changes) => changes.to_string(),
        None => String::new(),
    }
}
