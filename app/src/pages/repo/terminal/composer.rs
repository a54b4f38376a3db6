//! A field to write in before it is typed: what is written stays in the browser until it is sent, and is sent whole.

use std::time::Duration;

use leptos::prelude::*;

use super::history::History;
use super::images::{ImageList, Images, PickImages};
use crate::components::{Glyph, Icon};
use crate::editing::Replacement;
use crate::platform::{self, TextArea};
use crate::terminal::TerminalHandle;
use crate::terminal::client::Status;

/// Id of the field.
pub(super) const FIELD: &str = "terminal-input";
const AREA: TextArea = TextArea(FIELD);

/// The field with its button.
#[component]
pub(super) fn Composer(
    /// The terminal.
    handle: TerminalHandle,
    /// Images that go with what is written.
    images: Images,
    /// Whether it is shown where there is a keyboard, too.
    writes: RwSignal<bool>,
) -> impl IntoView {
    let draft = StoredValue::new(format!("car.terminal.draft.{}", handle.id.get_value()));
    let history = StoredValue::new(History::new());
    restore(draft, handle);
    let keep = move || {
        let text = AREA.text().unwrap_or_default();
        draft.with_value(|key| {
            if text.is_empty() {
                platform::forget(key);
            } else {
                platform::remember(key, &text);
            }
        });
    };
    let can_type = Memo::new(move |_| handle.status.with(Status::can_type));
    let can_send = Memo::new(move |_| can_type.get() && images.are_there());
    let send = move || {
        if !can_send.get_untracked() {
            return;
        }
        let text = AREA.text().unwrap_or_default();
        history.update_value(|history| history.add(&text));
        handle.submit(&images.take(&text));
        AREA.set_text("");
        keep();
    };
    let show = move |text: Option<String>| {
        let Some(text) = text else { return false };
        AREA.set_text(&text);
        keep();
        true
    };
    let key = move |event: leptos::ev::KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        let with_command = event.ctrl_key() || event.meta_key();
        let with_other = event.shift_key() || event.alt_key();
        let sends = with_command || (platform::has_touch() && !with_other);
        let text = AREA.text().unwrap_or_default();
        let handled = match event.key().as_str() {
            "Enter" if sends => {
                send();
                true
            }
            // Only where the cursor cannot go any further.
            "ArrowUp" if AREA.selection() == Some((0, 0)) => {
                show(history.try_update_value(|history| history.older(&text)).flatten())
            }
            "ArrowDown"
                if AREA
                    .selection()
                    .is_some_and(|(start, _)| start >= text.encode_utf16().count()) =>
            {
                show(history.try_update_value(History::newer).flatten())
            }
            _ => false,
        };
        if handled {
            event.prevent_default();
        }
    };
    let placeholder = move || {
        if can_type.get() { "Write to the terminal" } else { "This device only looks on" }
    };
    view! {
        <form
            class="termpage__in"
            class:termpage__in--open=move || writes.get()
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            <div class="composer">
                <ImageList images/>
                <label class="vh" for=FIELD>"Text for the terminal"</label>
                <textarea
                    id=FIELD
                    rows="1"
                    placeholder=placeholder
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    enterkeyhint="send"
                    on:input=move |_| keep()
                    on:keydown=key
                ></textarea>
                <span class="composer__row">
                    <PickImages images/>
                    <button
                        class="btn btn--icon btn--send"
                        type="submit"
                        aria-label="Send"
                        disabled=move || !can_send.get()
                        on:mousedown=|event| event.prevent_default()
                    >
                        <Icon glyph=Glyph::Send/>
                    </button>
                </span>
            </div>
        </form>
    }
}

/// Puts back what was written before, and what was not sent.
fn restore(draft: StoredValue<String>, handle: TerminalHandle) {
    Effect::new(move |_| {
        if let Some(text) = draft.with_value(|key| platform::recall(key)) {
            AREA.set_text(&text);
        }
    });
    Effect::new(move |_| {
        let Some(text) = handle.given_back.get() else { return };
        if AREA.text().is_some_and(|present| present.is_empty()) {
            let text = crate::terminal::as_written(&text);
            // As if it was typed, so that it can be undone.
            let end = text.encode_utf16().count();
            let change = Replacement { start: 0, end: 0, text, select_start: end, select_end: end };
            platform::after(Duration::ZERO, move || AREA.replace(&change));
        }
        handle.given_back.set(None);
    });
}
