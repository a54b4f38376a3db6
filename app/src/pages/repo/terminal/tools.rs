//! What can be done with a terminal besides typing.

use leptos::prelude::*;

use super::composer;
use super::end::EndButton;
use super::find;
use super::list::Terminals;
use crate::components::{Glyph, Icon};
use crate::platform;
use crate::terminal::TerminalHandle;
use crate::terminal::client::Phase;

/// Id of the menu.
const MENU: &str = "terminal-menu";

/// Buttons for what is done often, and a menu for the rest.
#[component]
pub(super) fn Tools(
    /// All terminals.
    terminals: Terminals,
    /// This one.
    handle: TerminalHandle,
    /// Whether its text is shown instead of its screen.
    reads: RwSignal<bool>,
    /// Whether the search is shown.
    finds: RwSignal<bool>,
    /// Whether the field to write in is shown.
    writes: RwSignal<bool>,
) -> impl IntoView {
    let id = handle.id.get_value();
    let recording = terminals.api(&format!("/api/terminal/sessions/{id}/recording"));
    let is_alive =
        Memo::new(move |_| handle.status.with(|status| !matches!(status.phase, Phase::Ended(_))));
    view! {
        <div class="termpage__tools needs-browser">
            <button
                class="btn btn--icon btn--ghost"
                type="button"
                aria-label="Find"
                title="Find (Ctrl Shift F)"
                on:click=move |_| {
                    finds.set(true);
                    platform::after(std::time::Duration::ZERO, || platform::focus(find::FIELD));
                }
            >
                <Icon glyph=Glyph::Search/>
            </button>
            <button
                class="btn btn--icon btn--ghost desk"
                type="button"
                aria-label="Write in a field"
                title="Write in a field"
                aria-pressed=move || writes.get().to_string()
                on:click=move |_| {
                    writes.update(|writes| *writes = !*writes);
                    if writes.get_untracked() {
                        platform::after(std::time::Duration::ZERO, || platform::focus(composer::FIELD));
                    } else {
                        handle.focus();
                    }
                }
            >
                <Icon glyph=Glyph::Edit/>
            </button>
            <button
                class="btn btn--icon btn--ghost"
                type="button"
                aria-label="Read as text"
                title="Read as text"
                aria-pressed=move || reads.get().to_string()
                on:click=move |_| reads.update(|reads| *reads = !*reads)
            >
                <Icon glyph=Glyph::Docs/>
            </button>
            <button
                class="btn btn--icon btn--ghost"
                type="button"
                aria-label="More"
                title="More"
                popovertarget=MENU
            >
                <Icon glyph=Glyph::More/>
            </button>
            <div class="menu" id=MENU popover="auto">
                <div class="menu__row" role="group" aria-label="Size of letters">
                    <span>"Letters"</span>
                    <button class="btn" type="button" aria-label="Smaller letters" on:click=move |_| handle.zoom(-1)>"A−"</button>
                    <button class="btn" type="button" aria-label="Larger letters" on:click=move |_| handle.zoom(1)>"A+"</button>
                </div>
                <button
                    class="menu__item"
                    type="button"
                    aria-pressed=move || handle.speaks.get().to_string()
                    on:click=move |_| handle.set_speaks(!handle.speaks.get_untracked())
                >
                    <Icon glyph=Glyph::Message/>
                    {move || if handle.speaks.get() {
                        "Screen reader is told what is shown"
                    } else {
                        "Tell the screen reader what is shown"
                    }}
                </button>
                <a class="menu__item" href=recording rel="external" download="">
                    <Icon glyph=Glyph::Runs/>
                    "Save a recording (asciicast)"
                </a>
                {move || is_alive.get().then(|| view! { <EndButton menu=MENU/> })}
                <p class="menu__note desk">
                    "Ctrl Shift F finds, Ctrl Shift C copies, Ctrl Shift Up leaves the terminal."
                </p>
            </div>
        </div>
    }
}
