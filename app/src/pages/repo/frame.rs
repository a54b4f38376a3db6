//! The frame of every page about a repository: its head with the tabs, its bottom bar, and the event stream that keeps both true.

use std::future::{Future, IntoFuture};

use car_domain::live::LiveEvent;
use car_domain::view::Activity;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::actions::{KillDialog, RunActions};
use super::header::Header;
use super::store::RepoStore;
use crate::api::{self, AppError, RepoView, Site};
use crate::components::{BottomBar, BottomLink, Glyph, Region};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_live};
use crate::routes::{SiteResource, repo_path};

/// One of the pages of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// What it does now.
    Overview,
    /// Its runs.
    Runs,
    /// Its documents.
    Docs,
    /// What changed in its files.
    Changes,
    /// Its terminals.
    Terminal,
}

impl Tab {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 5] =
        [Self::Overview, Self::Runs, Self::Docs, Self::Changes, Self::Terminal];

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Runs => "Runs",
            Self::Docs => "Documents",
            Self::Changes => "Changes",
            Self::Terminal => "Terminal",
        }
    }

    /// Its icon in the bottom bar.
    fn glyph(self) -> Glyph {
        match self {
            Self::Overview => Glyph::Overview,
            Self::Runs => Glyph::Runs,
            Self::Docs => Glyph::Docs,
            Self::Changes => Glyph::Changes,
            Self::Terminal => Glyph::Terminal,
        }
    }

    /// Its address, without base path.
    pub(crate) fn path(self, id: &str, only_repo: Option<&str>) -> String {
        let repo = repo_path(id, only_repo);
        let repo = repo.trim_end_matches('/');
        match self {
            Self::Overview if repo.is_empty() => "/".to_owned(),
            Self::Overview => repo.to_owned(),
            Self::Runs => format!("{repo}/runs"),
            Self::Docs => format!("{repo}/docs"),
            Self::Changes => format!("{repo}/changes"),
            Self::Terminal => format!("{repo}/terminal"),
        }
    }
}

/// What a page about a repository starts from.
#[derive(Clone)]
pub(super) struct RepoContext {
    /// What is served.
    pub site: Site,
    /// The repository.
    pub store: RepoStore,
    /// What can be done with it.
    pub actions: RunActions,
    /// What the page's title begins with instead of the state of the repository.
    pub subject: RwSignal<Option<String>>,
}

impl RepoContext {
    /// The address of one of its pages, without base path.
    pub(super) fn path(&self, tab: Tab) -> String {
        tab.path(&self.store.id.get_value(), self.site.only_repo.as_deref())
    }
}

/// The id in the address; empty for the only repository.
pub(super) fn use_repo_id() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get("id").unwrap_or_default())
}

/// A page about the repository `id` that needs `more` besides its dashboard.
#[component]
pub(super) fn RepoFrame<T, Load, Loading, Shown>(
    /// Id of the repository; empty for the only one.
    id: String,
    /// Which of its pages this is.
    tab: Tab,
    /// Begins to read what else the page shows.
    more: Load,
    /// Shows it.
    show: Shown,
) -> impl IntoView
where
    T: Send + 'static,
    Load: Fn() -> Loading + Send + Sync + 'static,
    Loading: Future<Output = Result<T, AppError>> + Send + 'static,
    Shown: Fn(&RepoContext, T) -> AnyView + Clone + Send + Sync + 'static,
{
    let site = SiteResource::get();
    let repo = Resource::new(move || id.clone(), api::read_dashboard);
    let load = move || {
        let (site, repo, more) = (site.read(), repo.into_future(), more());
        async move { Ok((site.await?, repo.await?, more.await?)) }
    };
    let show = move |(site, view, more): (Site, RepoView, T)| {
        let show = show.clone();
        let content = move |context: &RepoContext| show(context, more);
        view! { <LiveRepo site view tab content/> }.into_any()
    };
    view! { <Region load show/> }
}

/// A repository with its data, kept up to date by the event stream.
#[component]
pub(super) fn LiveRepo<Content>(
    /// What is served.
    site: Site,
    /// What the page starts from.
    view: RepoView,
    /// Which of its pages this is.
    tab: Tab,
    /// What stands between head and bottom bar.
    content: Content,
) -> impl IntoView
where
    Content: FnOnce(&RepoContext) -> AnyView + 'static,
{
    let id = view.dashboard.repo.id.clone();
    let store = RepoStore::new(view);
    let actions = RunActions::new(store);
    listen(id.clone(), store);
    let only_repo = site.only_repo.clone();
    let bar = bottom_links(&id, only_repo.as_deref(), tab);
    let label = format!("Pages of {}", store.name.get_untracked());
    let tabs = Tab::ALL.map(|one| (one, one.path(&id, only_repo.as_deref())));
    let is_hub = site.is_hub();
    let subject = RwSignal::new(None);
    // First, for what it says may be in the title.
    let content = content(&RepoContext { site, store, actions, subject });
    // The title is asked for once more when the page has gone, with all that was in it.
    let title = move || {
        let (name, activity) = (store.name.try_get()?, store.activity.try_get()?);
        Some(match subject.try_get()? {
            Some(subject) => format!("{subject} · {name} · CAR"),
            None => title(activity, &name, tab),
        })
    };
    view! {
        <Title text=move || title().unwrap_or_default()/>
        <Header store actions is_hub tabs=tabs.to_vec() tab/>
        {content}
        <BottomBar label links=bar/>
        <KillDialog store actions/>
    }
}

fn listen(id: String, store: RepoStore) {
    let fleet = Fleet::get();
    use_live(Some(id.clone()), move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Dashboard { dashboard, .. }) => {
            fleet.apply(&dashboard.repo);
            if dashboard.repo.id == id {
                store.set_dashboard(*dashboard);
            }
        }
        LiveMessage::Event(LiveEvent::Journal { repo, run, entries }) => {
            if repo == id {
                store.append(run, &entries);
            }
        }
        LiveMessage::Event(LiveEvent::Gone { repo }) => {
            fleet.remove(&repo);
            if repo == id {
                store.clear_steps();
            }
        }
        LiveMessage::Event(LiveEvent::Terminal { repo, .. }) if repo == id => {
            store.terminals_changed.notify();
        }
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => {
            store.refetch();
            store.terminals_changed.notify();
            fleet.refetch();
        }
    });
}

/// What the bottom bar of a page about a repository leads to.
pub(crate) fn bottom_links(id: &str, only_repo: Option<&str>, tab: Tab) -> Vec<BottomLink> {
    let hub = only_repo.is_none().then(|| BottomLink {
        href: "/".to_owned(),
        glyph: Glyph::Hub,
        word: "Hub",
        is_current: false,
    });
    let of_tab = |one: Tab| BottomLink {
        href: one.path(id, only_repo),
        glyph: one.glyph(),
        word: one.word(),
        is_current: one == tab,
    };
    hub.into_iter().chain(Tab::ALL.map(of_tab)).collect()
}

fn title(activity: Activity, name: &str, tab: Tab) -> String {
    match tab {
        Tab::Overview => format!("{} · {name} · CAR", activity.word()),
        tab => format!("{} · {} · {name} · CAR", activity.word(), tab.word()),
    }
}
