//! Reads: runs and their journals.

use car_domain::run::RunSummary;
use car_domain::view::LiveTail;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Runs a page of the list shows.
pub(crate) const RUNS_PER_PAGE: u32 = 50;
/// Journal entries a page of a run shows. Each becomes one row at most, and a row takes about ten elements.
pub(crate) const ENTRIES_PER_PAGE: u64 = 250;

/// What a run's page starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunView {
    /// The run.
    pub run: RunSummary,
    /// Number of the newest run.
    pub newest: u64,
    /// A part of its journal.
    pub part: LiveTail,
    /// Where the next part begins; absent when this is the end.
    pub next: Option<u64>,
    /// The last message of the agent in this part.
    pub report: Option<String>,
    /// Address of its text log and the like, without base path.
    pub api: String,
}

/// Lists runs with numbers below `before`, newest first.
#[server(endpoint = "runs", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_runs(
    repo: String,
    before: Option<u64>,
) -> Result<Vec<RunSummary>, AppError> {
    let served = super::read::served();
    let id = super::read::meant(&served, repo)?;
    let failed = super::read::failed_read;
    let repo = served.repo(&id).await.map_err(failed)?;
    served.run_summaries(&id, &repo, before, RUNS_PER_PAGE).await.map_err(failed)
}

/// Reads a run with the part of its journal that begins at `from`, or with its end.
#[server(endpoint = "run", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_run(
    repo: String,
    run: u64,
    from: Option<u64>,
) -> Result<RunView, AppError> {
    let served = super::read::served();
    let id = super::read::meant(&served, repo)?;
    let failed = super::read::failed_read;
    let repo = served.repo(&id).await.map_err(failed)?;
    let newest = served.run_summaries(&id, &repo, None, 1).await.map_err(failed)?;
    let summary = served.run_summary(&id, &repo, run).await.map_err(failed)?;
    let last = (summary.last_seq + 1).saturating_sub(ENTRIES_PER_PAGE).max(1);
    let from = from.unwrap_or(last).max(1);
    let page = served.journal(&repo, run, from, ENTRIES_PER_PAGE).await.map_err(failed)?;
    let report = page.entries.iter().rev().find_map(|entry| match &entry.event {
        car_domain::run::RunEvent::Message { text } => Some(text.clone()),
        _ => None,
    });
    let prefix = if served.is_hub() {
        format!("/repos/{}", crate::platform::encode_segment(&id))
    } else {
        String::new()
    };
    Ok(RunView {
        newest: newest.first().map_or(run, |newest| newest.run),
        next: page.has_more.then_some(page.next),
        part: LiveTail { run: Some(run), entries: page.entries },
        report: report.filter(|_| !page.has_more),
        run: summary,
        api: format!("{prefix}/api/runs/{run}"),
    })
}
