//! What surrounds every page: the side list on wide screens, the bottom bar on phones.

use car_domain::view::RepoRow;
use leptos::prelude::*;

use super::{ConnectionIndicator, Glyph, Icon, StateShape, ThemeToggle};
use crate::api::Site;
use crate::base::{at, use_path};
use crate::fleet::{Fleet, needs_attention};
use crate::routes::{SiteResource, repo_path};

/// Brand, repositories with their states, connection and theme.
#[component]
pub(crate) fn Side() -> impl IntoView {
    let site = SiteResource::get();
    view! {
        <nav class="side" aria-label="Main">
            <Suspense>
                {move || {
                    let site = site.read();
                    Suspend::new(async move { site.await.ok().map(|site| view! { <SideList site/> }) })
                }}
            </Suspense>
            <SettingsLink/>
            <div class="side__foot">
                <ConnectionIndicator/>
                <ThemeToggle/>
            </div>
        </nav>
    }
}

/// What the side list shows once the server has said what it serves.
#[component]
pub(crate) fn SideList(
    /// What the server serves.
    site: Site,
) -> impl IntoView {
    let rows = Fleet::get().rows();
    let only_repo = StoredValue::new(site.only_repo.clone());
    let is_hub = site.is_hub();
    let row = move |id: &str| rows.with(|rows| rows.iter().find(|row| row.id == id).cloned());
    view! {
        <a class="side__brand" href=at("/")>
            <Brand/>
            "CAR"
            <span class="side__site clip">{site.name}</span>
        </a>
        {is_hub.then(|| view! { <HubLink rows/> })}
        <div class="side__group">
            <h2 class="side__title" id="side-repos">"Repositories"</h2>
            <ul aria-labelledby="side-repos">
                <For
                    each=move || rows.get()
                    key=|row| row.id.clone()
                    children=move |first| {
                        let id = first.id.clone();
                        let row = Memo::new(move |_| row(&id).unwrap_or_else(|| first.clone()));
                        view! { <SideRow row only_repo/> }
                    }
                />
            </ul>
        </div>
    }
}

/// The mark of CAR: a turn that comes back to its beginning.
#[component]
fn Brand() -> impl IntoView {
    view! {
        <svg class="brand" viewBox="0 0 20 20" width="20" height="20" fill="none" aria-hidden="true">
            <path d="M16.2 12.2A6.6 6.6 0 1 1 16 7.4"></path>
            <path d="m16.4 3.6.1 4-4-.1"></path>
            <circle cx="10" cy="10" r="1.6"></circle>
        </svg>
    }
}

#[component]
fn SettingsLink() -> impl IntoView {
    let path = use_path();
    view! {
        <div class="side__group">
            <a
                class="side__item"
                href=at("/settings")
                aria-current=move || path.with(|path| path == "/settings").then_some("page")
            >
                <Icon glyph=Glyph::Settings/>
                "Settings"
            </a>
        </div>
    }
}

#[component]
fn HubLink(
    /// All repositories.
    rows: Memo<Vec<RepoRow>>,
) -> impl IntoView {
    let n_attention = Memo::new(move |_| {
        rows.with(|rows| rows.iter().filter(|row| needs_attention(row.state.activity)).count())
    });
    let path = use_path();
    view! {
        <div class="side__group">
            <a
                class="side__item"
                href=at("/")
                aria-current=move || path.with(|path| path == "/").then_some("page")
            >
                <Icon glyph=Glyph::Hub/>
                "Hub"
                <span class="count count--needs push" hidden=move || n_attention.get() == 0>
                    {n_attention}
                    <span class="vh">" need you"</span>
                </span>
            </a>
        </div>
    }
}

#[component]
fn SideRow(
    /// The repository.
    row: Memo<RepoRow>,
    /// Id of the only repository, when there is no hub.
    only_repo: StoredValue<Option<String>>,
) -> impl IntoView {
    let activity = Memo::new(move |_| row.with(|row| row.state.activity));
    let path = use_path();
    let page = Memo::new(move |_| {
        row.with(|row| only_repo.with_value(|only| repo_path(&row.id, only.as_deref())))
    });
    view! {
        <li>
            <a
                class="side__item"
                href=move || at(&page.get())
                aria-current=move || current(&path.get(), &page.get())
            >
                <StateShape activity/>
                <span class="clip">{move || row.with(|row| row.name.clone())}</span>
            </a>
        </li>
    }
}

/// How the entry of the repository at `page` is marked on the page at `path`: as that page, or as where one is.
fn current(path: &str, page: &str) -> Option<&'static str> {
    let below = path.strip_prefix(page.trim_end_matches('/'));
    match below {
        Some("" | "/") => Some("page"),
        Some(rest) if rest.starts_with('/') && rest != "/settings" => Some("true"),
        _ => None,
    }
}

/// One entry of the bottom bar.
#[derive(Clone, Debug)]
pub(crate) struct BottomLink {
    /// Where it leads, without base path.
    pub href: String,
    /// Its icon.
    pub glyph: Glyph,
    /// Its word.
    pub word: &'static str,
    /// Whether it is the page one is on.
    pub is_current: bool,
}

/// Navigation in reach of a thumb, on phones.
#[component]
pub(crate) fn BottomBar(
    /// What it is for.
    label: String,
    /// The entries.
    links: Vec<BottomLink>,
) -> impl IntoView {
    let link = |link: BottomLink| {
        view! {
            <a class="bottombar__item" href=at(&link.href) aria-current=link.is_current.then_some("page")>
                <Icon glyph=link.glyph/>
                {link.word}
            </a>
        }
    };
    view! {
        <nav class="bottombar bottombar--repo" aria-label=label>
            {links.into_iter().map(link).collect_view()}
        </nav>
    }
}

#[cfg(test)]
mod tests {
    use super::current;

    #[test]
    fn a_repository_is_marked_on_all_of_its_pages() {
        assert_eq!(current("/repos/a", "/repos/a"), Some("page"));
        assert_eq!(current("/repos/a/runs/3", "/repos/a"), Some("true"));
        assert_eq!(current("/repos/ab", "/repos/a"), None);
        assert_eq!(current("/", "/"), Some("page"));
        assert_eq!(current("/runs", "/"), Some("true"));
        assert_eq!(current("/settings", "/"), None);
    }
}
