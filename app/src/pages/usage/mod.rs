//! Tokens: what was used, by whom and when, and how much of the limits is left. Range and lines are in the address.

mod chart;
mod limits;
mod table;

use std::future::IntoFuture;

use car_domain::format;
use car_domain::live::LiveEvent;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::api::{self, Site, UsageLines, UsageSpan, UsageView};
use crate::base::at;
use crate::components::{
    ConnectionBanner, Glyph, Icon, MainBar, MainPage, Region, Section, ThemeToggle,
};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_live};
use crate::routes::SiteResource;
use chart::Chart;
use limits::Limits;
use table::ByRepo;

/// What the address says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct UsageQuery {
    span: UsageSpan,
    lines: UsageLines,
}

const SPANS: [(UsageSpan, &str, &str, &str); 5] = [
    (UsageSpan::Day, "day", "24 h", "24 hours"),
    (UsageSpan::Week, "week", "7 d", "7 days"),
    (UsageSpan::Month, "", "30 d", "30 days"),
    (UsageSpan::Quarter, "quarter", "90 d", "90 days"),
    (UsageSpan::Year, "year", "1 y", "a year"),
];

impl UsageQuery {
    fn read(range: Option<&str>, group: Option<&str>) -> Self {
        let named = SPANS.iter().find(|(_, name, ..)| Some(*name) == range);
        Self {
            span: named.map(|(span, ..)| *span).unwrap_or_default(),
            lines: if group == Some("total") { UsageLines::Total } else { UsageLines::Parts },
        }
    }

    fn path(self) -> String {
        let range =
            SPANS.iter().find(|(span, ..)| *span == self.span).map_or("", |(_, name, ..)| *name);
        let group = if self.lines == UsageLines::Total { "total" } else { "" };
        let pairs = [("range", range), ("group", group)].into_iter();
        let pairs = pairs.filter(|(_, value)| !value.is_empty());
        let query =
            pairs.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&");
        if query.is_empty() { "/usage".to_owned() } else { format!("/usage?{query}") }
    }
}

/// `/usage`.
#[component]
pub(crate) fn UsagePage() -> impl IntoView {
    let site = SiteResource::get();
    let map = use_query_map();
    let query = Memo::new(move |_| {
        let map = map.read();
        UsageQuery::read(map.get("range").as_deref(), map.get("group").as_deref())
    });
    let usage = Resource::new(
        move || {
            let query = query.get();
            (query.span, query.lines)
        },
        |(span, lines)| api::read_usage(span, lines),
    );
    let load = move || {
        let (site, usage, query) = (site.read(), usage.into_future(), query.get());
        async move { Ok((site.await?, usage.await?, query)) }
    };
    let show = move |(site, usage, query): (Site, UsageView, UsageQuery)| {
        view! { <Usage site usage query/> }.into_any()
    };
    view! { <Region load show/> }
}

#[component]
fn Usage(
    /// What is served.
    site: Site,
    /// What was used.
    usage: UsageView,
    /// What is shown of it.
    query: UsageQuery,
) -> impl IntoView {
    let fleet = Fleet::get();
    use_live(None, move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => fleet.refetch(),
    });
    let is_hub = site.is_hub();
    let words =
        SPANS.iter().find(|(span, ..)| *span == query.span).map_or("", |(.., words)| *words);
    let parts = usage.total.parts();
    let input = parts.uncached_input + parts.cached_input;
    let cached = format::percent(parts.cached_input, input);
    let is_empty = usage.total.total_tokens == 0;
    let limits = usage.limits.clone();
    view! {
        <Title text=format!("Usage · {} · CAR", site.name)/>
        <header class="top top--plain">
            <div class="top__row">
                <a class="btn btn--icon top__back narrow" href=at("/") aria-label="Back to the start">
                    <Icon glyph=Glyph::Back/>
                </a>
                <h1>"Usage"</h1>
                <span class="muted small clip desk">{site.name}</span>
                <span class="row push narrow"><ThemeToggle/></span>
            </div>
            <ConnectionBanner/>
        </header>
        <main class="page cols" id="main" tabindex="-1">
            <div class="cols__main">
                <section class="sec" aria-labelledby="trend">
                    <div class="sec__head">
                        <h2 id="trend">"Tokens over time"</h2>
                        <div class="btns push chart__choices"><Choices query is_hub/></div>
                    </div>
                    {(!usage.is_ready).then(|| view! {
                        <p class="banner banner--note" role="status">
                            "Session files are still being read; these are the numbers so far."
                        </p>
                    })}
                    <p class="soft">
                        <strong class="num">{format::tokens(usage.total.total_tokens)} " tokens"</strong>
                        " in " {words}
                        {(input > 0).then(|| format!(", {cached}% of the input from the cache"))}
                    </p>
                    {if is_empty {
                        view! { <NothingUsed/> }.into_any()
                    } else {
                        view! { <Chart series=usage.series.clone() has_rest=usage.has_rest/> }.into_any()
                    }}
                </section>
                {(!is_empty).then(|| view! {
                    <Section id="repos" title="By repository">
                        <ByRepo repos=usage.repos.clone() is_hub/>
                    </Section>
                })}
            </div>
            <div class="cols__rail">
                <Section id="limits" title="Usage limits"><Limits limits/></Section>
            </div>
        </main>
        <MainBar is_hub page=MainPage::Usage/>
    }
}

/// Range and lines, as links.
#[component]
fn Choices(
    /// What is shown.
    query: UsageQuery,
    /// Whether there are several repositories.
    is_hub: bool,
) -> impl IntoView {
    let span = move |(span, _, short, long): (UsageSpan, &str, &'static str, &'static str)| {
        let href = at(&UsageQuery { span, ..query }.path());
        view! {
            <a
                class="seg__opt" href=href data-noscroll="" aria-label=long
                aria-current=(span == query.span).then_some("true")
            >
                {short}
            </a>
        }
    };
    let parts = if is_hub { "By repository" } else { "By kind" };
    let lines = move |lines: UsageLines, words: &'static str| {
        let href = at(&UsageQuery { lines, ..query }.path());
        view! {
            <a class="seg__opt" href=href data-noscroll="" aria-current=(lines == query.lines).then_some("true")>
                {words}
            </a>
        }
    };
    view! {
        <div class="seg" role="group" aria-label="Range">{SPANS.map(span).into_iter().collect_view()}</div>
        <div class="seg" role="group" aria-label="Lines">
            {lines(UsageLines::Parts, parts)}
            {lines(UsageLines::Total, "Together")}
        </div>
    }
}

#[component]
fn NothingUsed() -> impl IntoView {
    view! {
        <div class="empty">
            <Icon glyph=Glyph::Usage/>
            <p class="empty__title">"No tokens in this time"</p>
            <p>"Numbers come from the session files Codex keeps; they appear with its first call of the model."</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_and_lines_have_an_address() {
        assert_eq!(UsageQuery::default().path(), "/usage");
        let query = UsageQuery::read(Some("year"), Some("total"));
        assert_eq!(query.path(), "/usage?range=year&group=total");
        assert_eq!(UsageQuery::read(Some("eternity"), None), UsageQuery::default());
    }
}
