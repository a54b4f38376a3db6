//! The application: its addresses, and what all pages share.

use std::future::{Future, IntoFuture};
use std::time::Duration;

use car_domain::docs::DocKind;
use car_domain::view::Activity;
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::SsrMode;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

use crate::api::{self, AppError, Site};
use crate::base::{at, router_base, use_path};
use crate::build::{Outdated, OutdatedBanner};
use crate::clock::Clock;
use crate::components::{OpenBanner, Palette, PaletteState, Shortcuts, Side, ToastRegion, Toasts};
use crate::fleet::Fleet;
use crate::live::Connection;
use crate::pages::Tab;
use crate::pages::{
    ChangesPage, DocsPage, HomePage, NotFoundPage, RepoPage, RunPage, RunsPage, SearchPage,
    SettingsPage, TerminalPage, UsagePage,
};
use crate::platform;

/// The page of a repository. In repo mode the only one lives at the root.
pub(crate) fn repo_path(id: &str, only_repo: Option<&str>) -> String {
    if only_repo == Some(id) {
        "/".to_owned()
    } else {
        format!("/repos/{}", platform::encode_segment(id))
    }
}

/// The page of a document.
pub(crate) fn docs_path(id: &str, only_repo: Option<&str>, kind: DocKind) -> String {
    format!("{}/{kind}", Tab::Docs.path(id, only_repo))
}

/// The page of a terminal; `new` is where one is started.
pub(crate) fn terminal_path(id: &str, only_repo: Option<&str>, terminal: &str) -> String {
    let terminal = platform::encode_segment(terminal);
    format!("{}/{terminal}", Tab::Terminal.path(id, only_repo))
}

/// Where a text that could not be saved is decided about; `page` is that of its document.
pub(crate) fn conflict_path(page: &str, mine: &str, base: &str) -> String {
    let (mine, base) = (platform::encode_segment(mine), platform::encode_segment(base));
    format!("{page}?view=conflict&version={mine}&base={base}")
}

/// What the server serves, read once for all pages.
#[derive(Clone, Copy)]
pub(crate) struct SiteResource(Resource<Result<Site, AppError>>);

impl SiteResource {
    fn provide() {
        provide_context(Self(Resource::new(|| (), |()| api::read_site())));
    }

    /// The resource of this page.
    pub(crate) fn get() -> Self {
        use_context().unwrap_or_else(|| Self(Resource::new(|| (), |()| api::read_site())))
    }

    /// Begins to read it. The page's clock and its list of repositories start from what comes.
    pub(crate) fn read(self) -> impl Future<Output = Result<Site, AppError>> + Send + 'static {
        let (clock, fleet) = (Clock::get(), Fleet::get());
        let reading = self.0.into_future();
        async move {
            let site = reading.await?;
            clock.seed(site.now);
            fleet.seed(site.rows.clone());
            Ok(site)
        }
    }
}

/// The whole application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Outdated::provide();
    Clock::provide();
    Connection::provide();
    Fleet::provide();
    Toasts::provide();
    PaletteState::provide();
    SiteResource::provide();
    provide_context(HasMoved(StoredValue::new(false)));
    Effect::new(|_| platform::announce_ready());

    view! {
        <Title text="CAR"/>
        // The browser follows it by itself and moves the focus, which the router would not.
        <a class="skip" href="#main" rel="external">"Skip to content"</a>
        <OpenBanner/>
        <OutdatedBanner/>
        <Router base=router_base().unwrap_or_default()>
            <WatchMoves/>
            <ShowState/>
            <div class="frame">
                <Side/>
                <Routes fallback=NotFoundPage>
                    <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("/docs") view=DocsPage ssr=SsrMode::Async/>
                    <Route path=path!("/docs/:kind") view=DocsPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id") view=RepoPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/runs") view=RunsPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/runs/:run") view=RunPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/terminal") view=TerminalPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/terminal/:session") view=TerminalPage ssr=SsrMode::Async/>
                    <Route path=path!("/search") view=SearchPage ssr=SsrMode::Async/>
                    <Route path=path!("/usage") view=UsagePage ssr=SsrMode::Async/>
                    <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("/runs") view=RunsPage ssr=SsrMode::Async/>
                    <Route path=path!("/runs/:run") view=RunPage ssr=SsrMode::Async/>
                    <Route path=path!("/terminal") view=TerminalPage ssr=SsrMode::Async/>
                    <Route path=path!("/terminal/:session") view=TerminalPage ssr=SsrMode::Async/>
                    <Route path=path!("/changes") view=ChangesPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/changes") view=ChangesPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/docs") view=DocsPage ssr=SsrMode::Async/>
                    <Route path=path!("/repos/:id/docs/:kind") view=DocsPage ssr=SsrMode::Async/>
                </Routes>
            </div>
            <Palette/>
            <Shortcuts/>
        </Router>
        <ToastRegion/>
    }
}

/// Whether the reader has moved between pages, in the context of [`App`].
#[derive(Clone, Copy)]
struct HasMoved(StoredValue<bool>);

/// Brings the focus to a new page's content when what had it is gone. Call it when the content is there.
pub(crate) fn follow_focus() {
    if use_context::<HasMoved>().is_some_and(|moved| moved.0.get_value()) {
        platform::after(Duration::from_millis(50), || platform::focus_if_lost("main"));
    }
}

/// Shows in the icon of the page whether somebody is needed or something runs.
#[component]
fn ShowState() -> impl IntoView {
    let rows = Fleet::get().rows();
    let icon = Memo::new(move |_| {
        rows.with(|rows| {
            let has = |is: fn(Activity) -> bool| rows.iter().any(|row| is(row.state.activity));
            if has(Activity::needs_person) {
                "/favicon-needs.svg"
            } else if has(Activity::is_active) {
                "/favicon-running.svg"
            } else {
                "/favicon.svg"
            }
        })
    });
    Effect::new(move |_| platform::show_icon(&at(icon.get())));
    Fleet::get().keep_last_known();
}

/// Notes when the reader moves to another page.
#[component]
fn WatchMoves() -> impl IntoView {
    let path = use_path();
    let moved = use_context::<HasMoved>();
    let outdated = Outdated::get();
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if let Some(HasMoved(moved)) = moved.filter(|_| before.is_some_and(|before| before != now))
        {
            moved.set_value(true);
            // What is written from here on is meant for the program of another version.
            if outdated.is_so_untracked() {
                platform::reload();
            }
        }
        now
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_repository_is_at_the_root() {
        assert_eq!(repo_path("api", Some("api")), "/");
        assert_eq!(repo_path("api", None), "/repos/api");
        assert_eq!(repo_path("a/b", None), "/repos/a%2Fb");
    }

    #[test]
    fn each_terminal_has_an_address() {
        assert_eq!(terminal_path("api", Some("api"), "01-ab"), "/terminal/01-ab");
        assert_eq!(terminal_path("a b", None, "new"), "/repos/a%20b/terminal/new");
    }

    #[test]
    fn documents_lie_below_their_repository() {
        assert_eq!(docs_path("api", Some("api"), DocKind::Todo), "/docs/todo");
        assert_eq!(docs_path("a b", None, DocKind::Spec), "/repos/a%20b/docs/spec");
        let conflict = conflict_path("/docs/todo", "a1", "b&2");
        assert_eq!(conflict, "/docs/todo?view=conflict&version=a1&base=b%262");
    }
}
