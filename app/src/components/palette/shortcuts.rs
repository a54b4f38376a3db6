//! Keys that work on every page, and the sheet that lists them.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::PaletteState;
use crate::base::at;
use crate::platform::{self, Key};

const SHEET: &str = "shortcuts";
/// How long after `g` the second key may come.
const PATIENCE: Duration = Duration::from_millis(1500);

const KEYS: [(&[&str], &str); 8] = [
    (&["Ctrl", "K"], "Search or jump to"),
    (&["?"], "This list"),
    (&["/"], "Find repositories, on the hub"),
    (&["g", "h"], "Hub"),
    (&["g", "u"], "Usage"),
    (&["g", "s"], "Settings"),
    (&["Ctrl", "Enter"], "Send what is being written"),
    (&["Esc"], "Close what lies over the page"),
];

/// Opens the sheet.
pub(super) fn open() {
    platform::show_dialog(SHEET);
}

/// Listens to the keys, and holds the sheet.
#[component]
pub(crate) fn Shortcuts() -> impl IntoView {
    let palette: PaletteState = PaletteState::get();
    let navigate = use_navigate();
    let is_going = StoredValue::new(false);
    platform::on_key(move |key: &Key| {
        if key.has_control && key.name.eq_ignore_ascii_case("k") {
            palette.open();
            return true;
        }
        if key.has_control || key.is_typing || key.is_over {
            return false;
        }
        let was_going = is_going.try_get_value().unwrap_or(false);
        is_going.try_set_value(false);
        let page = match (was_going, key.name.as_str()) {
            (true, "h") => "/",
            (true, "u") => "/usage",
            (true, "s") => "/settings",
            (false, "g") => {
                is_going.try_set_value(true);
                platform::after(PATIENCE, move || {
                    is_going.try_set_value(false);
                });
                return true;
            }
            (false, "?") => {
                open();
                return true;
            }
            (false, "/") => return platform::focus_if_there("find"),
            _ => return false,
        };
        let options = NavigateOptions { resolve: false, ..NavigateOptions::default() };
        navigate(&at(page), options);
        true
    });
    let row = |(keys, what): (&'static [&'static str], &'static str)| {
        let keys = keys.iter().map(|key| view! { <kbd class="kbd">{*key}</kbd> " " });
        view! { <dt>{what}</dt><dd>{keys.collect_view()}</dd> }
    };
    view! {
        <dialog class="dialog" id=SHEET aria-labelledby="shortcuts-title" closedby="any">
            <h2 id="shortcuts-title">"Keyboard shortcuts"</h2>
            <dl class="kv">{KEYS.map(row).into_iter().collect_view()}</dl>
            <div class="btns">
                <button class="btn" type="button" autofocus on:click=|_| platform::close_dialog(SHEET)>"Close"</button>
            </div>
        </dialog>
    }
}
