//! The list of repositories: as many rows as the reader sees, and room for the others.
//!
//! The server writes one page of rows and links to the next. The browser side leaves those links out; it keeps the rows around
//! what is on the screen, so that a thousand repositories cost no more than sixty.

use leptos::prelude::*;

use super::arrange::Line;
use super::query::HubQuery;
use super::row::{FleetRow, Standing};
use super::store::HubStore;
use crate::base::at;
use crate::components::{Glyph, Icon};
use crate::platform;

/// Rows the server writes.
pub(super) const PAGE: usize = 60;
/// Rows kept above and below what is on the screen.
const AROUND: usize = 15;
/// The window moves in steps of so many rows, not with every pixel.
const STEP: usize = 5;
/// Id of the list.
const LIST: &str = "fleet-list";

/// The repositories of the view.
#[component]
pub(super) fn FleetList(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let from = hub.query.with_untracked(|query| query.from);
    let window = RwSignal::new((from, from + PAGE));
    platform::on_scroll(move || {
        let n_lines = hub.lines.try_with_untracked(Vec::len).unwrap_or(0);
        if let Some(seen) = platform::rows_on_screen(LIST, n_lines) {
            let next = around(seen, n_lines);
            if window.try_get_untracked().is_some_and(|known| known != next) {
                window.try_set(next);
            }
        }
    });
    let n_lines = Memo::new(move |_| hub.lines.with(Vec::len));
    let start = Memo::new(move |_| window.get().0.min(n_lines.get()));
    let end = Memo::new(move |_| window.get().1.min(n_lines.get()));
    let visible = Memo::new(move |_| {
        let (start, end) = (start.get(), end.get());
        hub.lines.with(|lines| {
            let lines = lines.iter().skip(start).take(end.saturating_sub(start));
            lines.cloned().collect::<Vec<_>>()
        })
    });
    view! {
        <div
            class="fleet"
            class:fleet--compact=move || hub.query.with(|query| query.is_compact)
            class:fleet--selects=move || hub.query.with(|query| query.selects)
        >
            <div class="fleet__head" aria-hidden="true">
                {move || hub.query.with(|query| query.selects).then(|| view! { <span></span> })}
                <span>"Name and item"</span>
                <span>"State"</span>
                <span>"TODO"</span>
                <span class="fleet__spent">"Tokens and output"</span>
                <span class="fleet__git">"Branch and pull request"</span>
                <span class="fleet__acts"></span>
            </div>
            <div class="fleet__gap" aria-hidden="true" style=("--n", move || start.get().to_string())></div>
            <ul class="fleet__rows" id=LIST style=("--n", move || n_lines.get().to_string())>
                <ForEnumerate
                    each=move || visible.get()
                    key=Line::clone
                    children=move |index, line| {
                        let place = Signal::derive(move || start.get() + index.get() + 1);
                        view! { <LineView hub line place of=n_lines/> }
                    }
                />
            </ul>
            <div
                class="fleet__gap"
                aria-hidden="true"
                style=("--n", move || (n_lines.get() - end.get()).to_string())
            ></div>
        </div>
        <Pages hub/>
    }
}

/// The rows to keep around those on the screen.
fn around((first, last): (usize, usize), n_lines: usize) -> (usize, usize) {
    let start = first.saturating_sub(AROUND) / STEP * STEP;
    let end = (last + AROUND).div_ceil(STEP) * STEP;
    // A list as long as one page is shown whole: it never changes while somebody scrolls.
    if n_lines <= PAGE { (0, PAGE) } else { (start, end.max(start + PAGE)) }
}

#[component]
fn LineView(
    /// The hub.
    hub: HubStore,
    /// What it is.
    line: Line,
    /// Its place, from 1.
    place: Signal<usize>,
    /// How many lines there are.
    of: Memo<usize>,
) -> impl IntoView {
    match line {
        Line::Head(word, n) => view! {
            <li class="fleet__group"><h3>{word}</h3> <span class="num">{n}</span></li>
        }
        .into_any(),
        Line::Repo { id, is_under } => {
            let found =
                hub.rows.with_untracked(|rows| rows.iter().find(|row| row.id == id).cloned());
            let standing = Standing { is_under, place, of };
            found
                .map(|first| {
                    let row = hub.row(first);
                    view! { <FleetRow hub row standing/> }
                })
                .into_any()
        }
    }
}

/// Links to the other rows, until the browser side is there.
#[component]
fn Pages(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let link =
        move |from: usize| at(&hub.query.with(|query| HubQuery { from, ..query.alone() }).path());
    let from = Memo::new(move |_| hub.query.with(|query| query.from));
    let n_lines = Memo::new(move |_| hub.lines.with(Vec::len));
    let has_next = move || from.get() + PAGE < n_lines.get();
    view! {
        <nav
            class="btns before-browser"
            aria-label="More repositories"
            hidden=move || from.get() == 0 && !has_next()
        >
            <a class="btn" href=move || link(from.get().saturating_sub(PAGE)) hidden=move || from.get() == 0>
                <Icon glyph=Glyph::Back/>
                "Earlier rows"
            </a>
            <a class="btn" href=move || link(from.get() + PAGE) hidden=move || !has_next()>
                "More rows"
                <Icon glyph=Glyph::Forward/>
            </a>
        </nav>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_moves_in_steps() {
        assert_eq!(around((0, 14), 1000), (0, 60));
        assert_eq!(around((101, 115), 1000), (85, 145));
        assert_eq!(around((101, 115), 1000), around((102, 115), 1000));
        let (start, end) = around((985, 1000), 1000);
        assert!(start <= 985 && end >= 1000 && end - start <= 80);
        assert_eq!(around((3, 20), 60), (0, 60), "a short list never changes");
    }
}
