//! The pages of a repository: what it does now, what is left to do, what was done.

mod actions;
mod changes;
mod frame;
mod header;
mod log;
mod now;
mod rail;
mod run;
mod runs;
mod store;
mod terminal;
mod todo;

use leptos::prelude::*;

use crate::api::{RepoView, Site};
use crate::base::at;
use crate::components::{RunsTable, Section};
pub(crate) use changes::ChangesPage;
use frame::{LiveRepo, RepoContext, RepoFrame, use_repo_id};
pub(crate) use frame::{Tab, bottom_links};
pub(crate) use header::Tabs;
use now::Now;
use rail::Rail;
pub(crate) use run::RunPage;
pub(crate) use runs::RunsPage;
pub(crate) use terminal::TerminalPage;
use todo::Todo;

/// `/repos/:id`.
#[component]
pub(crate) fn RepoPage() -> impl IntoView {
    let id = use_repo_id();
    // A keyed list of one: another repository gets a page of its own, and the old one is gone with all its effects. A page
    // that only reloads its data would keep them, reading signals that are disposed of while the data is on its way.
    view! {
        <For each=move || [id.get()] key=String::clone let:id>
            <RepoFrame
                id
                tab=Tab::Overview
                more=|| async { Ok(()) }
                show=|context: &RepoContext, ()| overview(context)
            />
        </For>
    }
}

/// The dashboard of a repository that was read already.
#[component]
pub(super) fn RepoBoard(
    /// What is served.
    site: Site,
    /// What the page starts from.
    view: RepoView,
) -> impl IntoView {
    view! { <LiveRepo site view tab=Tab::Overview content=overview/> }
}

fn overview(context: &RepoContext) -> AnyView {
    let all_runs = at(&context.path(Tab::Runs));
    let RepoContext { store, actions, .. } = *context;
    let runs = store.runs;
    let link = Signal::derive(move || all_runs.clone());
    let aside = view! { <a class="small" href=link.get_untracked()>"All runs"</a> }.into_any();
    view! {
        <main class="page cols" id="main" tabindex="-1">
            <div class="cols__main">
                <Now store actions/>
                <Todo store/>
                <Section id="runs" title="Runs" aside>
                    {move || if runs.with(Vec::is_empty) {
                        view! { <p class="muted">"Every run is listed here with its outcome, time and tokens."</p> }.into_any()
                    } else {
                        view! { <RunsTable runs base=link/> }.into_any()
                    }}
                </Section>
            </div>
            <Rail store/>
        </main>
    }
    .into_any()
}
