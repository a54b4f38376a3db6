//! Keys a phone has not. Modifiers stay down until the next key, wherever that comes from.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::{Glyph, Icon};
use crate::platform;
use crate::terminal::TerminalHandle;
use crate::terminal::keys::{Key, Modifiers};

/// How long a key is held before it repeats, and how fast it does then.
const HELD: Duration = Duration::from_millis(400);
const AGAIN: Duration = Duration::from_millis(60);

/// Shown when one asks for more.
const MORE: [Key; 8] = [
    Key::Control('Z'),
    Key::Control('L'),
    Key::Letter('~'),
    Key::Letter('|'),
    Key::Home,
    Key::End,
    Key::PageUp,
    Key::PageDown,
];

/// Three rows of keys, of which two are always there.
#[component]
pub(super) fn KeyBar(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let shows_more = RwSignal::new(false);
    let key = |key: Key| view! { <KeyButton handle key/> };
    let sticky = |word: &'static str, part: fn(&mut Modifiers) -> &mut bool| {
        view! { <Sticky handle word part/> }
    };
    view! {
        <div class="keys needs-browser" role="toolbar" aria-label="Keys">
            <div class="keys__row" hidden=move || !shows_more.get()>
                {MORE.map(key).collect_view()}
            </div>
            <div class="keys__row">
                {key(Key::Escape)}
                {key(Key::Tab)}
                {sticky("Ctrl", |modifiers| &mut modifiers.ctrl)}
                {sticky("Alt", |modifiers| &mut modifiers.alt)}
                {sticky("Shift", |modifiers| &mut modifiers.shift)}
                {key(Key::Backspace)}
                {key(Key::Up)}
                {key(Key::Enter)}
            </div>
            <div class="keys__row">
                {key(Key::Control('C'))}
                {key(Key::Control('D'))}
                {key(Key::Letter('/'))}
                {key(Key::Letter('-'))}
                <button
                    class="key"
                    type="button"
                    aria-label="More keys"
                    aria-pressed=move || shows_more.get().to_string()
                    on:mousedown=|event| event.prevent_default()
                    on:click=move |_| shows_more.update(|shows| *shows = !*shows)
                >
                    <Icon glyph=Glyph::More/>
                </button>
                {key(Key::Left)}
                {key(Key::Down)}
                {key(Key::Right)}
            </div>
        </div>
    }
}

#[component]
fn KeyButton(
    /// The terminal.
    handle: TerminalHandle,
    /// The key.
    key: Key,
) -> impl IntoView {
    // Counts touches, so that a touch that has ended repeats no more.
    let touch = StoredValue::new(0_u32);
    let end = move || {
        touch.try_update_value(|touch| *touch += 1);
    };
    on_cleanup(end);
    view! {
        <button
            class="key"
            type="button"
            aria-label=key.name()
            // The focus stays where one types, or the keyboard of the phone would close.
            on:mousedown=|event| event.prevent_default()
            on:contextmenu=|event| event.prevent_default()
            on:pointerdown=move |_| {
                handle.press(key);
                if key.repeats() {
                    let number = touch.get_value();
                    platform::after(HELD, move || repeat(handle, key, touch, number));
                }
            }
            on:pointerup=move |_| end()
            on:pointerleave=move |_| end()
            on:pointercancel=move |_| end()
            on:click=move |event| {
                // A click without a pointer: that of a keyboard or a screen reader.
                if event.detail() == 0 {
                    handle.press(key);
                }
            }
        >
            {key.label()}
        </button>
    }
}

fn repeat(handle: TerminalHandle, key: Key, touch: StoredValue<u32>, number: u32) {
    if touch.try_get_value() == Some(number) {
        handle.press(key);
        platform::after(AGAIN, move || repeat(handle, key, touch, number));
    }
}

#[component]
fn Sticky(
    /// The terminal.
    handle: TerminalHandle,
    /// What is written on it.
    word: &'static str,
    /// Which modifier it is.
    part: fn(&mut Modifiers) -> &mut bool,
) -> impl IntoView {
    let is_down = move || {
        let mut down = handle.modifiers.get();
        *part(&mut down)
    };
    view! {
        <button
            class="key"
            type="button"
            aria-pressed=move || is_down().to_string()
            on:mousedown=|event| event.prevent_default()
            on:contextmenu=|event| event.prevent_default()
            on:click=move |_| handle.modifiers.update(|modifiers| {
                let down = part(modifiers);
                *down = !*down;
            })
        >
            {word}
        </button>
    }
}
