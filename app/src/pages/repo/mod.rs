//! The dashboard of a repository: what it does now, what is left to do, what was done.

mod actions;
mod header;
mod now;
mod rail;
mod store;
mod todo;

use std::future::IntoFuture;

use car_domain::live::LiveEvent;
use car_domain::view::Activity;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::api::{self, RepoView, Site};
use crate::components::{BottomBar, BottomLink, Glyph, Region, RunsTable, Section};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_live};
use crate::routes::SiteResource;
use actions::{KillDialog, RunActions};
use header::Header;
use now::Now;
use rail::Rail;
use store::RepoStore;
use todo::Todo;

/// `/repos/:id`.
#[component]
pub(crate) fn RepoPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    // A keyed list of one: another repository gets a page of its own, and the old one is gone with all its effects. A page
    // that only reloads its data would keep them, reading signals that are disposed of while the data is on its way.
    view! {
        <For each=move || [id.get()] key=String::clone let:id>
            <RepoRegion id/>
        </For>
    }
}

#[component]
fn RepoRegion(
    /// Id of the repository.
    id: String,
) -> impl IntoView {
    let site = SiteResource::get();
    let repo = Resource::new(move || id.clone(), api::read_dashboard);
    let load = move || {
        let (site, repo) = (site.read(), repo.into_future());
        async move { Ok((site.await?, repo.await?)) }
    };
    let show = |(site, view): (Site, RepoView)| {
        view! { <RepoBoard is_hub=site.is_hub() view/> }.into_any()
    };
    view! { <Region load show/> }
}

/// The dashboard with its data, kept up to date by the event stream.
#[component]
pub(super) fn RepoBoard(
    /// Whether there are other repositories.
    is_hub: bool,
    /// What the page starts from.
    view: RepoView,
) -> impl IntoView {
    let id = view.dashboard.repo.id.clone();
    let store = RepoStore::new(view);
    let actions = RunActions::new(store);
    let fleet = Fleet::get();
    let watched = id.clone();
    use_live(Some(id), move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Dashboard { dashboard, .. }) => {
            fleet.apply(&dashboard.repo);
            if dashboard.repo.id == watched {
                store.set_dashboard(*dashboard);
            }
        }
        LiveMessage::Event(LiveEvent::Journal { repo, run, entries }) => {
            if repo == watched {
                store.append(run, &entries);
            }
        }
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => {
            store.refetch();
            fleet.refetch();
        }
    });
    let runs = store.runs;
    let links = [
        is_hub.then_some(BottomLink { href: "/", glyph: Glyph::Hub, word: "Hub" }),
        Some(BottomLink { href: "#now", glyph: Glyph::Overview, word: "Now" }),
        Some(BottomLink { href: "#todo", glyph: Glyph::Todo, word: "TODO" }),
        Some(BottomLink { href: "#runs", glyph: Glyph::Runs, word: "Runs" }),
    ];
    let label = format!("Parts of {}", store.name.get_untracked());
    view! {
        <Title text=move || title(store.activity.get(), &store.name.get())/>
        <Header store actions is_hub/>
        <main class="page cols" id="main" tabindex="-1">
            <div class="cols__main">
                <Now store actions/>
                <Todo store/>
                <Section id="runs" title="Runs">
                    {move || if runs.with(Vec::is_empty) {
                        view! { <p class="muted">"Every run is listed here with its outcome, time and tokens."</p> }.into_any()
                    } else {
                        view! { <RunsTable runs/> }.into_any()
                    }}
                </Section>
            </div>
            <Rail store/>
        </main>
        <BottomBar label links=links.into_iter().flatten().collect()/>
        <KillDialog store actions/>
    }
}

fn title(activity: Activity, name: &str) -> String {
    format!("{} · {name} · CAR", activity.word())
}
