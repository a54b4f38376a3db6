//! Modal dialogs and keeping the focus where a person works.

#[cfg(feature = "hydrate")]
use wasm_bindgen::JsCast;

#[cfg(feature = "hydrate")]
use super::after;

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

/// Makes a modal dialog of a `<dialog>` that the server wrote open, and remembers what had the focus.
pub(crate) fn make_modal(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(dialog) = dialog(id) {
        if dialog.matches(":modal").unwrap_or(false) {
            return;
        }
        remember_focus();
        // An open one cannot become modal, and closing it would look like the reader's wish.
        let _ = dialog.remove_attribute("open");
        let _ = dialog.show_modal();
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Gives the focus back to what had it before the first of the dialogs that were made modal, if nothing else has it.
pub(crate) fn return_focus() {
    #[cfg(feature = "hydrate")]
    after(std::time::Duration::from_millis(50), || {
        let opener = OPENER.with(std::cell::RefCell::take);
        if let Some(opener) = opener.filter(|_| is_focus_lost()) {
            let _ = opener.focus();
        }
        focus_if_lost("main");
    });
}

#[cfg(feature = "hydrate")]
thread_local! {
    /// What had the focus before a dialog.
    static OPENER: std::cell::RefCell<Option<web_sys::HtmlElement>> = const { std::cell::RefCell::new(None) };
}

#[cfg(feature = "hydrate")]
fn remember_focus() {
    let active = leptos::prelude::document().active_element();
    let active = active.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    let active = active.filter(|element| element.tag_name() != "BODY");
    OPENER.with_borrow_mut(|opener| {
        // From one dialog into the next: what opened the first is meant.
        if !opener.as_ref().is_some_and(|opener| opener.is_connected()) {
            *opener = active;
        }
    });
}

#[cfg(feature = "hydrate")]
fn is_focus_lost() -> bool {
    let active = leptos::prelude::document().active_element();
    active.is_none_or(|element| element.tag_name() == "BODY")
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
    let _ = focus_if_there(id);
}

/// Focuses the element with this id; says whether there is one.
pub(crate) fn focus_if_there(id: &str) -> bool {
    #[cfg(feature = "hydrate")]
    {
        let target = leptos::prelude::document().get_element_by_id(id);
        let target = target.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
        target.is_some_and(|target| target.focus().is_ok())
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = id;
        false
    }
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

/// Brings the element with this id into view, no further than needed.
pub(crate) fn scroll_to(id: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(target) = leptos::prelude::document().get_element_by_id(id) {
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        target.scroll_into_view_with_scroll_into_view_options(&options);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = id;
}

/// Focuses the element with this id if the focused element has gone from the page.
pub(crate) fn focus_if_lost(id: &str) {
    #[cfg(feature = "hydrate")]
    {
        let target = leptos::prelude::document().get_element_by_id(id);
        let target = target.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(target) = target.filter(|_| is_focus_lost()) {
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
