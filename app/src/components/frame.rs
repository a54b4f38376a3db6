//! What surrounds every page: the side list on wide screens, the bottom bar on phones.

use car_domain::view::RepoRow;
use leptos::prelude::*;

use super::{ConnectionIndicator, Glyph, Icon, PaletteButton, StateShape, ThemeToggle};
use crate::api::Site;
use crate::base::{at, use_path};
use crate::fleet::Fleet;
use crate::routes::{SiteResource, repo_path};

/// Repositories the side list has; the hub has all of them.
const MAX_LISTED: usize = 40;

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
    let path = use_path();
    let listed = Memo::new(move |_| {
        let path = path.get();
        let is_here = |row: &RepoRow| {
            only_repo
                .with_value(|only| current(&path, &repo_path(&row.id, only.as_deref())).is_some())
        };
        rows.with(|rows| {
            let rows = rows.iter().enumerate();
            let kept = rows.filter(|(place, row)| *place < MAX_LISTED || is_here(row));
            kept.map(|(_, row)| row.clone()).collect::<Vec<_>>()
        })
    });
    let n_more = Memo::new(move |_| rows.with(Vec::len).saturating_sub(MAX_LISTED));
    let row = move |id: &str| rows.with(|rows| rows.iter().find(|row| row.id == id).cloned());
    view! {
        <a class="side__brand" href=at("/")>
            <Brand/>
            "CAR"
            <span class="side__site clip">{site.name}</span>
        </a>
        <PaletteButton class="side__find needs-browser">
            "Search or jump to"
            <kbd class="kbd">"Ctrl K"</kbd>
        </PaletteButton>
        <div class="side__group">
            {is_hub.then(|| view! { <HubLink rows/> })}
            <PageLink page="/search" glyph=Glyph::Search words="Search"/>
            <PageLink page="/usage" glyph=Glyph::Usage words="Usage"/>
            <PageLink page="/settings" glyph=Glyph::Settings words="Settings"/>
        </div>
        <div class="side__group">
            <h2 class="side__title" id="side-repos">"Repositories"</h2>
            <ul aria-labelledby="side-repos">
                <For
                    each=move || listed.get()
                    key=|row| row.id.clone()
                    children=move |first| {
                        let id = first.id.clone();
                        let row = Memo::new(move |_| row(&id).unwrap_or_else(|| first.clone()));
                        view! { <SideRow row only_repo/> }
                    }
                />
            </ul>
            <a class="side__item" href=at("/") hidden=move || n_more.get() == 0>
                {move || format!("{} more in the hub", n_more.get())}
            </a>
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
fn PageLink(
    /// Its address, without base path.
    page: &'static str,
    /// Its icon.
    glyph: Glyph,
    /// Its words.
    words: &'static str,
) -> impl IntoView {
    let path = use_path();
    view! {
        <a
            class="side__item"
            href=at(page)
            aria-current=move || path.with(|path| path == page).then_some("page")
        >
            <Icon glyph/>
            {words}
        </a>
    }
}

#[component]
fn HubLink(
    /// All repositories.
    rows: Memo<Vec<RepoRow>>,
) -> impl IntoView {
    let n_attention = Memo::new(move |_| {
        rows.with(|rows| rows.iter().filter(|row| row.state.activity.needs_person()).count())
    });
    let path = use_path();
    view! {
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
    /// Whether there are no tabs above, however wide the page is.
    #[prop(optional)]
    is_main: bool,
) -> impl IntoView {
    let rows = Fleet::get().rows();
    let n_needs = Memo::new(move |_| {
        rows.with(|rows| rows.iter().filter(|row| row.state.activity.needs_person()).count())
    });
    let link = |link: BottomLink| {
        let is_hub = link.glyph == Glyph::Hub;
        view! {
            <a class="bottombar__item" href=at(&link.href) aria-current=link.is_current.then_some("page")>
                <Icon glyph=link.glyph/>
                {link.word}
                {is_hub.then(|| view! {
                    <span class="count count--needs" hidden=move || n_needs.get() == 0>
                        {n_needs}
                        <span class="vh">" need you"</span>
                    </span>
                })}
            </a>
        }
    };
    view! {
        <nav class="bottombar" class:bottombar--repo=!is_main aria-label=label>
            {links.into_iter().map(link).collect_view()}
        </nav>
    }
}

/// One of the pages that belong to no repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MainPage {
    /// The hub, or the only repository.
    Home,
    /// Searching.
    Search,
    /// Tokens.
    Usage,
    /// Settings.
    Settings,
}

/// The bottom bar of pages that belong to no repository.
#[component]
pub(crate) fn MainBar(
    /// Whether there are several repositories.
    is_hub: bool,
    /// Which of them this is.
    page: MainPage,
) -> impl IntoView {
    let (word, glyph) = if is_hub { ("Hub", Glyph::Hub) } else { ("Overview", Glyph::Overview) };
    let link = |href: &str, glyph, word, of| BottomLink {
        href: href.to_owned(),
        glyph,
        word,
        is_current: page == of,
    };
    let links = vec![
        link("/", glyph, word, MainPage::Home),
        link("/search", Glyph::Search, "Search", MainPage::Search),
        link("/usage", Glyph::Usage, "Usage", MainPage::Usage),
        link("/settings", Glyph::Settings, "Settings", MainPage::Settings),
    ];
    view! { <BottomBar label="Main".to_owned() links is_main=true/> }
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
