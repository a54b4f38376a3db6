//! Searching everything: what runs said and did, and the documents. What is asked is in the address, by a form that needs no
//! code in the browser.

mod hits;

use std::future::IntoFuture;

use car_domain::live::LiveEvent;
use car_domain::search::SearchHit;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::api::{self, SearchAsk, Site};
use crate::base::at;
use crate::components::{ConnectionBanner, Glyph, Icon, MainBar, MainPage, Region, ThemeToggle};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_live};
use crate::routes::SiteResource;
use hits::Hits;

/// What can be searched alone: its name in the address, and its words.
const KINDS: [(&str, &str); 8] = [
    ("", "Everything"),
    ("document", "Documents"),
    ("message", "Messages"),
    ("reasoning", "Reasoning"),
    ("command.finished", "Commands"),
    ("files.changed", "Changed files"),
    ("notice", "Notices"),
    ("run.finished", "Ends of runs"),
];

/// How far back: days, and the words.
const SPANS: [(u32, &str); 4] =
    [(0, "All times"), (1, "Last 24 hours"), (7, "Last 7 days"), (30, "Last 30 days")];

/// `/search`.
#[component]
pub(crate) fn SearchPage() -> impl IntoView {
    let site = SiteResource::get();
    let map = use_query_map();
    let ask = Memo::new(move |_| {
        let map = map.read();
        let text = |name: &str| map.get(name).unwrap_or_default();
        read(&text("q"), text("repo"), &text("type"), &text("days"))
    });
    let found = Resource::new(move || ask.get(), api::search);
    let load = move || {
        let (site, found, ask) = (site.read(), found.into_future(), ask.get());
        async move { Ok((site.await?, found.await?, ask)) }
    };
    let show = move |(site, found, ask): (Site, Vec<SearchHit>, SearchAsk)| {
        view! { <Search site found ask/> }.into_any()
    };
    view! { <Region load show/> }
}

/// What an address asks; what makes no sense asks for everything.
fn read(text: &str, repo: String, kind: &str, days: &str) -> SearchAsk {
    let kind = KINDS.iter().map(|(name, _)| *name).find(|name| *name == kind);
    let days = days.parse().ok().filter(|days| SPANS.iter().any(|(span, _)| span == days));
    SearchAsk {
        text: text.trim().to_owned(),
        repo,
        kind: kind.unwrap_or_default().to_owned(),
        days: days.unwrap_or_default(),
    }
}

#[component]
fn Search(
    /// What is served.
    site: Site,
    /// What was found.
    found: Vec<SearchHit>,
    /// What was asked.
    ask: SearchAsk,
) -> impl IntoView {
    let fleet = Fleet::get();
    use_live(None, move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => fleet.refetch(),
    });
    let is_hub = site.is_hub();
    let title = match ask.text.is_empty() {
        true => format!("Search · {} · CAR", site.name),
        false => format!("{} · Search · {} · CAR", ask.text, site.name),
    };
    view! {
        <Title text=title/>
        <header class="top top--plain">
            <div class="top__row">
                <a class="btn btn--icon top__back narrow" href=at("/") aria-label="Back to the start">
                    <Icon glyph=Glyph::Back/>
                </a>
                <h1>"Search"</h1>
                <span class="muted small clip desk">{site.name.clone()}</span>
                <span class="row push narrow"><ThemeToggle/></span>
            </div>
            <ConnectionBanner/>
        </header>
        <main class="page search" id="main" tabindex="-1">
            <Asking site=site.clone() ask=ask.clone()/>
            <Hits found ask only_repo=site.only_repo is_hub/>
        </main>
        <MainBar is_hub page=MainPage::Search/>
    }
}

/// What is asked, to be changed.
#[component]
fn Asking(
    /// What is served.
    site: Site,
    /// What was asked.
    ask: SearchAsk,
) -> impl IntoView {
    // With something found, a keyboard on the screen would only hide it.
    let is_new = ask.text.is_empty();
    let kind = ask.kind.clone();
    let kinds = KINDS
        .map(|(name, words)| view! { <option value=name selected=name == kind>{words}</option> });
    let spans = SPANS.map(|(days, words)| {
        view! { <option value=days.to_string() selected=days == ask.days>{words}</option> }
    });
    let repos = site.is_hub().then(|| {
        let rows = site.rows.iter().map(|row| {
            let is_it = row.id == ask.repo;
            view! { <option value=row.id.clone() selected=is_it>{row.name.clone()}</option> }
        });
        view! {
            <select class="input" name="repo" aria-label="Where">
                <option value="">"All repositories"</option>
                {rows.collect_view()}
            </select>
        }
    });
    view! {
        <form method="get" action=at("/search") class="search__ask" role="search">
            <input
                class="input search__words"
                type="search"
                name="q"
                value=ask.text
                autofocus=is_new
                required
                maxlength="400"
                placeholder="Words, \"a phrase\", begin*"
                aria-label="Search runs and documents"
            />
            <button class="btn btn--primary" type="submit"><Icon glyph=Glyph::Search/>"Search"</button>
            <div class="search__filters">
                {repos}
                <select class="input" name="type" aria-label="What">{kinds.into_iter().collect_view()}</select>
                <select class="input" name="days" aria-label="When">{spans.into_iter().collect_view()}</select>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_makes_no_sense_searches_everything() {
        let ask = read(" tide ", String::new(), "nonsense", "5");
        assert_eq!(ask, SearchAsk { text: "tide".to_owned(), ..SearchAsk::default() });
        let ask = read("tide", "a".to_owned(), "message", "7");
        assert_eq!((ask.repo.as_str(), ask.kind.as_str(), ask.days), ("a", "message", 7));
    }
}
