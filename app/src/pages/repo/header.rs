//! The head of a dashboard: name, state, branch and what can be done.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::actions::{ActionButtons, RunActions};
use super::frame::Tab;
use super::store::RepoStore;
use crate::api::RunActionRequest;
use crate::base::at;
use crate::components::{ConnectionBanner, FailedPost, Glyph, Icon, StateBadge, ThemeToggle};

/// The head of the page.
#[component]
pub(super) fn Header(
    /// The dashboard.
    store: RepoStore,
    /// Its actions.
    actions: RunActions,
    /// Whether there is a hub to go back to.
    is_hub: bool,
    /// The pages of the repository with their addresses.
    tabs: Vec<(Tab, String)>,
    /// Which of them this is.
    tab: Tab,
) -> impl IntoView {
    view! {
        <header class="top">
            <div class="top__row">
                {is_hub.then(|| view! {
                    <a class="btn btn--icon top__back narrow" href=at("/") aria-label="Back to hub">
                        <Icon glyph=Glyph::Back/>
                    </a>
                })}
                <div class="top__id">
                    <h1>{store.name}</h1>
                    <StateBadge state=store.state/>
                    {move || store.branch.get().map(|branch| view! {
                        <span class="tag desk"><Icon glyph=Glyph::Branch/>{branch}</span>
                    })}
                </div>
                <div class="row push">
                    <div class="desk" id="actions" tabindex="-1">
                        <ActionButtons store actions/>
                    </div>
                    <span class="narrow row">
                        {(!is_hub).then(|| view! {
                            <a class="btn btn--icon" href=at("/settings") aria-label="Settings"><Icon glyph=Glyph::Settings/></a>
                        })}
                        <ThemeToggle/>
                    </span>
                </div>
            </div>
            <Tabs name=store.name tabs tab/>
            <ConnectionBanner/>
            <FailedPost of=&[RunActionRequest::PATH]/>
            // What the badge shows, without the seconds: spoken when it changes.
            <p class="vh" role="status">{move || store.activity.get().word()}</p>
        </header>
    }
}

/// The pages of a repository, where there is room. On phones the bottom bar has them.
#[component]
pub(crate) fn Tabs(
    /// Name of the repository.
    #[prop(into)]
    name: Signal<String>,
    /// The pages with their addresses.
    tabs: Vec<(Tab, String)>,
    /// Which of them this is.
    tab: Tab,
) -> impl IntoView {
    let link = |(one, path): (Tab, String)| {
        view! {
            <a class="tabs__tab" href=at(&path) aria-current=(one == tab).then_some("page")>
                {one.word()}
            </a>
        }
    };
    view! {
        <nav class="tabs desk" aria-label=move || format!("Pages of {}", name.get())>
            {tabs.into_iter().map(link).collect_view()}
        </nav>
    }
}
