//! All runs of a repository, newest first, a page at a time.

use std::future::IntoFuture;

use car_domain::format;
use car_domain::run::RunSummary;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::frame::{RepoContext, RepoFrame, Tab, use_repo_id};
use crate::api::{self, RUNS_PER_PAGE};
use crate::base::at;
use crate::components::RunsTable;

/// `/repos/:id/runs`.
#[component]
pub(crate) fn RunsPage() -> impl IntoView {
    let (id, query) = (use_repo_id(), use_query_map());
    let before = Memo::new(move |_| query.read().get("before").and_then(|text| text.parse().ok()));
    view! {
        <For each=move || [(id.get(), before.get())] key=Clone::clone let:page>
            <RunsRegion id=page.0 before=page.1/>
        </For>
    }
}

#[component]
fn RunsRegion(
    /// Id of the repository.
    id: String,
    /// Only runs with smaller numbers.
    before: Option<u64>,
) -> impl IntoView {
    let of = id.clone();
    let runs = Resource::new(move || of.clone(), move |id| api::read_runs(id, before));
    let more = move || runs.into_future();
    let show = move |context: &RepoContext, runs| list(context, runs, before);
    view! { <RepoFrame id tab=Tab::Runs more show/> }
}

fn list(context: &RepoContext, read: Vec<RunSummary>, before: Option<u64>) -> AnyView {
    let base = at(&context.path(Tab::Runs));
    let live = context.store.runs;
    let last = read.last().map(|run| run.run);
    let older = last.filter(|last| *last > 1 && read.len() >= RUNS_PER_PAGE as usize);
    let total = read.iter().map(|run| run.usage.total()).sum::<u64>();
    let n_failed =
        read.iter().filter(|run| run.end.as_ref().is_some_and(|end| !end.is_success())).count();
    let note = format!(
        "{}, {} tokens{}",
        format::count(read.len() as u64, "run", "runs"),
        format::tokens(total),
        if n_failed == 0 { String::new() } else { format!(", {n_failed} not successful") },
    );
    let is_empty = read.is_empty();
    // The newest page follows the loop; older ones do not change.
    let runs = Signal::derive(move || match before {
        Some(_) => read.clone(),
        None => merged(&live.get(), &read),
    });
    let (older_link, newest_link) = (base.clone(), base.clone());
    let table = Signal::derive(move || base.clone());
    view! {
        <main class="page" id="main" tabindex="-1">
            <div class="sec">
                <div class="sec__head">
                    <h2>"Runs"</h2>
                    <span class="sec__note num push" hidden=is_empty>{note}</span>
                </div>
                {move || if runs.with(Vec::is_empty) {
                    view! {
                        <p class="soft measure">
                            "No runs yet. Start the loop: every run is listed here with its outcome, time and tokens."
                        </p>
                    }.into_any()
                } else {
                    view! { <RunsTable runs base=table/> }.into_any()
                }}
                <nav class="row" aria-label="More runs">
                    {before.is_some().then(|| view! { <a class="btn" href=newest_link>"Newest runs"</a> })}
                    {older.map(|last| view! {
                        <a class="btn push" href=format!("{older_link}?before={last}")>"Older runs"</a>
                    })}
                </nav>
            </div>
        </main>
    }
    .into_any()
}

/// What the event stream says of the newest runs, before those that came with the page.
fn merged(live: &[RunSummary], read: &[RunSummary]) -> Vec<RunSummary> {
    let oldest_live = live.last().map_or(u64::MAX, |run| run.run);
    live.iter().chain(read.iter().filter(|run| run.run < oldest_live)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_runs_come_before_the_others_and_none_comes_twice() {
        let runs =
            |numbers: &[u64]| numbers.iter().map(|n| RunSummary::new(*n)).collect::<Vec<_>>();
        let numbers = |live: &[u64], read: &[u64]| {
            merged(&runs(live), &runs(read)).iter().map(|run| run.run).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&[5, 4], &[4, 3, 2]), [5, 4, 3, 2]);
        assert_eq!(numbers(&[], &[4, 3]), [4, 3]);
    }
}
