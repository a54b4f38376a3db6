//! `car runs`

use std::process::ExitCode;
use std::time::Duration;

use car_domain::format::{tokens, took};
use car_domain::run::{Outcome, RunSummary};
use car_engine::runner::standing;
use car_engine::{Repo, RunIndex};
use clap::Args;
use serde_json::{Value, json};

use super::{CommandResult, RepoArg, block_on, ui};

/// List the runs of the repository
#[derive(Args)]
pub(crate) struct RunsArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// At most this many, newest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &RunsArgs) -> CommandResult {
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
            car_domain::text::headline(what, 60),
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
