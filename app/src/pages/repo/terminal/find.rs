//! Searching in what a terminal shows and has shown.

use leptos::prelude::*;

use crate::components::{Glyph, Icon};
use crate::terminal::{Found, TerminalHandle};

/// Id of the field.
pub(super) const FIELD: &str = "terminal-find";

/// A field, and the ways to the next and the last place.
#[component]
pub(super) fn Find(
    /// The terminal.
    handle: TerminalHandle,
    /// Whether it is shown.
    finds: RwSignal<bool>,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let go = move |backwards: bool| text.with_untracked(|text| handle.find(text, backwards));
    let close = move || {
        text.set(String::new());
        handle.find("", false);
        finds.set(false);
        handle.focus();
    };
    let said = move || {
        let Found { marked, n } = handle.found.get();
        match (text.with(String::is_empty), n, marked) {
            (true, _, _) => String::new(),
            (_, 0, _) => "Nothing found".to_owned(),
            (_, n, Some(marked)) => format!("{} of {n}", marked + 1),
            (_, n, None) => format!("{n} places"),
        }
    };
    view! {
        <form
            class="termpage__find"
            role="search"
            class:termpage__find--open=move || finds.get()
            on:submit=move |event| {
                event.prevent_default();
                go(true);
            }
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.prevent_default();
                    close();
                }
            }
            on:focusin=move |_| finds.set(true)
        >
            <label class="vh" for=FIELD>"Find in this terminal"</label>
            <input
                class="input"
                id=FIELD
                type="search"
                placeholder="Find"
                autocomplete="off"
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    go(true);
                }
            />
            <span class="muted small" role="status">{said}</span>
            <button class="btn btn--icon" type="submit" aria-label="Place before">
                <Icon glyph=Glyph::Up/>
            </button>
            <button class="btn btn--icon" type="button" aria-label="Next place" on:click=move |_| go(false)>
                <Icon glyph=Glyph::Down/>
            </button>
            <button class="btn btn--icon" type="button" aria-label="End the search" on:click=move |_| close()>
                <Icon glyph=Glyph::Close/>
            </button>
        </form>
    }
}
