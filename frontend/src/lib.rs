//! The WebAssembly entry: hydrates the page the server sent.
#![cfg(target_arch = "wasm32")]

use app::App;
use wasm_bindgen::prelude::wasm_bindgen;

/// Takes over the page. Called by the script the server put into it.
#[wasm_bindgen]
pub fn hydrate() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        app::announce_panic();
    }));
    leptos::mount::hydrate_body(App);
}
