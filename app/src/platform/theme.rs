//! Dark and light. The cookie is read by the server, so that a page never flashes in the wrong one.

/// Switches to the other theme. When that is what the system prefers anyway, the choice is forgotten and the page follows
/// the system again.
pub(crate) fn switch_theme() {
    #[cfg(feature = "hydrate")]
    {
        use wasm_bindgen::JsCast;

        let document = leptos::prelude::document();
        let Some(root) = document.document_element() else { return };
        let system = if system_is_dark() { "dark" } else { "light" };
        let current = root.get_attribute("data-theme").unwrap_or_else(|| system.to_owned());
        let next = if current == "dark" { "light" } else { "dark" };
        let cookie = if next == system {
            let _ = root.remove_attribute("data-theme");
            "car_theme=; path=/; max-age=0; samesite=lax".to_owned()
        } else {
            let _ = root.set_attribute("data-theme", next);
            format!("car_theme={next}; path=/; max-age=31536000; samesite=lax")
        };
        if let Ok(document) = document.dyn_into::<web_sys::HtmlDocument>() {
            let _ = document.set_cookie(&cookie);
        }
    }
}

#[cfg(feature = "hydrate")]
fn system_is_dark() -> bool {
    let query = leptos::prelude::window().match_media("(prefers-color-scheme: dark)");
    query.ok().flatten().is_some_and(|list| list.matches())
}
