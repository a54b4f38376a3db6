//! The page as a whole: that it is alive, and when it wakes up.

#[cfg(feature = "hydrate")]
use wasm_bindgen::{JsCast, closure::Closure};

/// Marks the page as taken over. Controls that need the browser side become visible with it.
pub(crate) fn announce_ready() {
    #[cfg(feature = "hydrate")]
    if let Some(root) = leptos::prelude::document().document_element() {
        let _ = root.set_attribute("data-ready", "");
    }
}

/// Whether a finger is what points here, as on phones.
pub(crate) fn has_touch() -> bool {
    #[cfg(feature = "hydrate")]
    {
        let query = leptos::prelude::window().match_media("(pointer: coarse)");
        query.ok().flatten().is_some_and(|list| list.matches())
    }
    #[cfg(not(feature = "hydrate"))]
    false
}

/// The value of `attribute` of the element that was clicked, or of the nearest one around it that has it; nothing when it is
/// empty, or when the click ended the selection of a text.
pub(crate) fn clicked_value(event: &leptos::ev::MouseEvent, attribute: &str) -> Option<String> {
    #[cfg(feature = "hydrate")]
    {
        let selection = leptos::prelude::window().get_selection().ok().flatten();
        if selection.is_some_and(|selection| !selection.is_collapsed()) {
            return None;
        }
        let element = event.target()?.dyn_into::<web_sys::Element>().ok()?;
        let with_value = element.closest(&format!("[{attribute}]")).ok()??;
        with_value.get_attribute(attribute).filter(|value| !value.is_empty())
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (event, attribute);
        None
    }
}

/// What the document says about itself in this attribute.
#[cfg(feature = "hydrate")]
pub(crate) fn document_data(name: &str) -> Option<String> {
    leptos::prelude::document().document_element()?.get_attribute(name)
}

/// Loads the page anew.
pub(crate) fn reload() {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().location().reload();
}

/// Loads a page that is not part of the application.
pub(crate) fn open_page(address: &str) {
    #[cfg(feature = "hydrate")]
    let _ = leptos::prelude::window().location().set_href(address);
    #[cfg(not(feature = "hydrate"))]
    let _ = address;
}

/// Shows another icon for the page, from the address `href`.
pub(crate) fn show_icon(href: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(link) = leptos::prelude::document().get_element_by_id("favicon")
        && link.get_attribute("href").as_deref() != Some(href)
    {
        let _ = link.set_attribute("href", href);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = href;
}

/// Lets the browser ask before the page is left for another site or closed, whenever `must_ask`, until the current owner is
/// cleaned up.
pub(crate) fn ask_before_leaving(must_ask: impl Fn() -> bool + 'static) {
    #[cfg(feature = "hydrate")]
    {
        let listener = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            if must_ask() {
                event.prevent_default();
            }
        });
        let callback = listener.as_ref().unchecked_ref();
        let _ =
            leptos::prelude::window().add_event_listener_with_callback("beforeunload", callback);
        let listener = leptos::prelude::StoredValue::new_local(Some(listener));
        leptos::prelude::on_cleanup(move || {
            use leptos::prelude::*;

            if let Some(Some(listener)) = listener.try_update_value(Option::take) {
                let callback = listener.as_ref().unchecked_ref();
                let _ = window().remove_event_listener_with_callback("beforeunload", callback);
            }
        });
    }
    #[cfg(not(feature = "hydrate"))]
    drop(must_ask);
}

/// Says that the browser side has stopped. It writes into the page directly, because after a panic nothing else works.
#[cfg(feature = "hydrate")]
pub fn announce_panic() {
    let document = leptos::prelude::document();
    let Ok(Some(region)) = document.query_selector(".toasts") else { return };
    let Ok(note) = document.create_element("p") else { return };
    note.set_class_name("toast toast--plain");
    let _ = note.set_attribute("role", "alert");
    note.set_text_content(Some("This page has stopped working. Reload it to go on."));
    let _ = region.append_child(&note);
}

/// Listeners that go when this is dropped.
#[cfg(feature = "hydrate")]
pub(crate) struct PageListeners {
    listener: Closure<dyn FnMut()>,
}

/// Calls `wake` when the page becomes visible or the machine gets back online.
#[cfg(feature = "hydrate")]
pub(crate) fn on_page_wakes(wake: impl Fn() + 'static) -> PageListeners {
    let listener = Closure::<dyn FnMut()>::new(move || {
        let state = leptos::prelude::document().visibility_state();
        if state == web_sys::VisibilityState::Visible {
            wake();
        }
    });
    let callback = listener.as_ref().unchecked_ref();
    let _ =
        leptos::prelude::document().add_event_listener_with_callback("visibilitychange", callback);
    let _ = leptos::prelude::window().add_event_listener_with_callback("online", callback);
    PageListeners { listener }
}

#[cfg(feature = "hydrate")]
impl Drop for PageListeners {
    fn drop(&mut self) {
        let callback = self.listener.as_ref().unchecked_ref();
        let _ = leptos::prelude::document()
            .remove_event_listener_with_callback("visibilitychange", callback);
        let _ = leptos::prelude::window().remove_event_listener_with_callback("online", callback);
    }
}
