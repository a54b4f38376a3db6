//! Modal dialogs and keeping the focus where a person works.

#[cfg(feature = "hydrate")]
use wasm_bindgen::JsCast;

/// Opens a `<dialog>` as a modal one.
pub(crate) fn show_dialog(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(dialog) = dialog(id)
        && !dialog.open()
    {
        // Fails only when it is open in another way, and then it shows.
        let _ = dialog.show_modal();
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Closes a `<dialog>`; the browser gives the focus back to what opened it.
pub(crate) fn close_dialog(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(dialog) = dialog(id) {
        dialog.close();
        // It is open as a popover when it was opened before this code was there. Fails when it is not.
        let _ = dialog.hide_popover();
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Focuses the element with this id.
pub(crate) fn focus(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        let target = leptos::prelude::document().get_element_by_id(id);
        let target = target.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(target) = target {
            let _ = target.focus();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Scrolls the element with this id to its end.
pub(crate) fn scroll_to_end(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(element) = leptos::prelude::document().get_element_by_id(id) {
        element.set_scroll_top(element.scroll_height());
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Focuses the element with this id if the focused element has gone from the page.
pub(crate) fn focus_if_lost(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        let document = leptos::prelude::document();
        let lost = document.active_element().is_none_or(|element| element.tag_name() == "BODY");
        let target = document.get_element_by_id(id);
        let target = target.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(target) = target.filter(|_| lost) {
            let _ = target.focus();
        }
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

#[cfg(feature = "hydrate")]
fn dialog(id: &str) -> Option<web_sys::HtmlDialogElement> {
    leptos::prelude::document().get_element_by_id(id)?.dyn_into().ok()
}
