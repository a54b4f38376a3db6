//! `car runs`

use std::process::ExitCode;
use std::time::Duration;

use car_domain::format::{tokens, took};
use car_domain::run::{JournalEntry, RunSummary};
use car_domain::text::headline;
use car_engine::runs::OpenRuns;
use car_engine::{History, RunIndex};
use clap::{Args, Subcommand};
use serde_json::json;

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
        let list: Vec<_> = runs.iter().map(|run| open.record(run)).collect();
        ui::out(&format!("{:#}", json!(list)));
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
        let mut value = json!(open.record(&summary));
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
