//! What surrounds a document: whose it is, the other documents, and the ways to look at it.

use car_domain::docs::DocKind;
use car_domain::live::LiveEvent;
use car_domain::view::RepoRow;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::base::at;
use crate::components::{
    BottomBar, ConnectionBanner, FailedPost, Glyph, Icon, StateBadge, ThemeToggle,
};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_live};
use crate::pages::{Tab, Tabs, bottom_links};
use crate::routes::{docs_path, repo_path};

/// Which document of which repository a page is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DocPlace {
    /// Id of the repository.
    pub repo: String,
    /// Whether there are others.
    pub is_hub: bool,
    /// Which document.
    pub kind: DocKind,
}

/// A way to look at a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As it reads.
    Rendered,
    /// Its source.
    Source,
    /// Its versions, or one of them.
    History,
    /// Two texts of it.
    Conflict,
}

impl DocPlace {
    pub(super) fn new(repo: String, is_hub: bool, kind: DocKind) -> Self {
        Self { repo, is_hub, kind }
    }

    fn only_repo(&self) -> Option<&str> {
        (!self.is_hub).then_some(self.repo.as_str())
    }

    /// The page of the document.
    pub(super) fn path(&self) -> String {
        docs_path(&self.repo, self.only_repo(), self.kind)
    }

    /// The link to the document, looked at in a way, e.g. `?view=history`.
    pub(super) fn link(&self, query: &str) -> String {
        at(&format!("{}{query}", self.path()))
    }
}

/// The page around `children`.
#[component]
pub(super) fn DocFrame(
    /// Which document.
    place: DocPlace,
    /// How it is looked at.
    look: Look,
    /// Addresses of the server functions that are posted to on the page.
    posts: &'static [&'static str],
    /// Whether there is something that is not saved.
    #[prop(optional, into)]
    is_dirty: Signal<bool>,
    /// Stands beside the ways to look at it.
    note: AnyView,
    /// The document.
    children: Children,
) -> impl IntoView {
    let DocPlace { repo, kind, .. } = place.clone();
    let rows = Fleet::get().rows();
    let id = repo.clone();
    let row = Memo::new(move |_| rows.with(|rows| rows.iter().find(|row| row.id == id).cloned()));
    let name = row.get_untracked().map_or_else(|| repo.clone(), |row| row.name);
    let title = format!("{} · {name} · CAR", kind.title());
    let title = move || if is_dirty.get() { format!("• {title}") } else { title.clone() };
    let home = repo_path(&repo, place.only_repo());
    let links = bottom_links(&repo, place.only_repo(), Tab::Docs);
    let tabs = Tab::ALL.map(|one| (one, one.path(&repo, place.only_repo())));
    view! {
        <Title text=title/>
        <header class="top">
            <div class="top__row">
                <a class="btn btn--icon top__back narrow" href=at(&home) aria-label=format!("Back to {name}")>
                    <Icon glyph=Glyph::Back/>
                </a>
                <div class="top__id">
                    <h1>{name.clone()}</h1>
                    {row.get_untracked().map(|first| view! { <Badge row first/> })}
                </div>
                <div class="row push"><span class="narrow"><ThemeToggle/></span></div>
            </div>
            <Tabs name=name.clone() tabs=tabs.to_vec() tab=Tab::Docs/>
            <ConnectionBanner/>
            <FailedPost of=posts/>
        </header>
        <main class="page docs" id="main" tabindex="-1">
            <Kinds place=place.clone()/>
            <div class="docs__note">
                <span class="docs__said">{note}</span>
                <Looks place look/>
            </div>
            {children()}
        </main>
        <BottomBar label=format!("Pages of {name}") links/>
    }
}

#[component]
fn Badge(
    /// The repository.
    row: Memo<Option<RepoRow>>,
    /// As it was first.
    first: RepoRow,
) -> impl IntoView {
    let state = Memo::new(move |_| row.get().map_or_else(|| first.state.clone(), |row| row.state));
    view! { <StateBadge state/> }
}

/// Links to all documents.
#[component]
fn Kinds(
    /// The present one.
    place: DocPlace,
) -> impl IntoView {
    let link = |kind: DocKind| {
        let href = at(&docs_path(&place.repo, place.only_repo(), kind));
        let current = (kind == place.kind).then_some("page");
        view! { <li><a class="chip" href=href aria-current=current>{kind.title()}</a></li> }
    };
    view! {
        <nav aria-label="Documents">
            <ul class="chips">{DocKind::ALL.into_iter().map(link).collect_view()}</ul>
        </nav>
    }
}

/// Links to the ways to look at a document.
#[component]
fn Looks(
    /// Which document.
    place: DocPlace,
    /// The present way.
    look: Look,
) -> impl IntoView {
    let can_edit = place.kind != DocKind::Snapshot;
    let link = |to: Look, query: &str, word: &'static str| {
        let current = (to == look).then_some("page");
        view! { <a class="seg__opt" href=place.link(query) aria-current=current>{word}</a> }
    };
    view! {
        <nav class="seg" aria-label="View">
            {link(Look::Rendered, "", "Rendered")}
            {can_edit.then(|| link(Look::Source, "?view=source", "Source"))}
            {link(Look::History, "?view=history", "History")}
        </nav>
    }
}

/// Calls `changed` whenever the document may be another one, and keeps the state of the repository up to date.
pub(super) fn follow(repo: String, changed: impl Fn() + 'static) {
    let fleet = Fleet::get();
    let watched = repo.clone();
    use_live(Some(repo), move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Dashboard { dashboard, .. }) => {
            fleet.apply(&dashboard.repo);
            if dashboard.repo.id == watched {
                changed();
            }
        }
        LiveMessage::Event(LiveEvent::Doc { repo, .. }) if repo == watched => changed(),
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => {
            fleet.refetch();
            changed();
        }
    });
}
