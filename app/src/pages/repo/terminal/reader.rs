//! What a terminal shows and has shown, as text that wraps, in large letters, to be read and copied.

use leptos::prelude::*;

use crate::components::{Glyph, Icon};
use crate::platform;
use crate::terminal::TerminalHandle;

/// Id of the text.
const TEXT: &str = "terminal-text";

/// The text of the moment it was opened, until it is read anew.
#[component]
pub(super) fn Reader(
    /// The terminal.
    handle: TerminalHandle,
    /// Whether it is shown instead of the screen.
    reads: RwSignal<bool>,
) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let read = move || {
        text.set(handle.text());
        platform::after(std::time::Duration::ZERO, || platform::scroll_to_end(TEXT));
    };
    Effect::new(move |_| {
        if reads.get() {
            read();
        }
    });
    view! {
        <section class="reader" aria-label="Text of this terminal" hidden=move || !reads.get()>
            <div class="reader__bar">
                <p class="muted small">"As it was when you opened it."</p>
                <span class="row push">
                    <button class="btn" type="button" on:click=move |_| read()>
                        <Icon glyph=Glyph::Retry/>
                        "Read anew"
                    </button>
                    <button class="btn" type="button" on:click=move |_| text.with_untracked(|text| handle.copy(text))>
                        "Copy all"
                    </button>
                    <button class="btn btn--primary" type="button" on:click=move |_| reads.set(false)>
                        "Back"<span class="vh">" to the terminal"</span>
                    </button>
                </span>
            </div>
            <pre class="reader__text" id=TEXT tabindex="0">{text}</pre>
        </section>
    }
}
