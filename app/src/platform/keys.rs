//! Keys that are pressed anywhere on the page.

/// A key, and what a reader was doing when it was pressed.
pub(crate) struct Key {
    /// Its name, as the browser calls it.
    pub name: String,
    /// Whether it was pressed with Ctrl, or with Cmd on a Mac.
    pub has_control: bool,
    /// Whether somebody writes a text.
    pub is_typing: bool,
    /// Whether a dialog lies over the page.
    pub is_over: bool,
}

/// Calls `pressed` for every key until the current owner is cleaned up; when it says that it did something, the browser does
/// nothing more.
pub(crate) fn on_key(pressed: impl Fn(&Key) -> bool + 'static) {
    #[cfg(feature = "hydrate")]
    {
        use leptos::ev;
        use leptos::prelude::*;

        let pressed = std::rc::Rc::new(pressed);
        Effect::new(move |_| {
            let pressed = std::rc::Rc::clone(&pressed);
            let listener = window_event_listener(ev::keydown, move |event| {
                if event.default_prevented() || event.is_composing() || event.alt_key() {
                    return;
                }
                let has =
                    |selector: &str| document().query_selector(selector).ok().flatten().is_some();
                // A terminal wants every key for itself.
                if has(".xterm :focus") {
                    return;
                }
                let key = Key {
                    name: event.key(),
                    has_control: event.ctrl_key() || event.meta_key(),
                    is_typing: has(
                        "input:focus:not([type=checkbox], [type=radio]), textarea:focus, select:focus, [contenteditable]:focus",
                    ),
                    is_over: has("dialog:modal, dialog:popover-open"),
                };
                if pressed(&key) {
                    event.prevent_default();
                }
            });
            on_cleanup(move || listener.remove());
        });
    }
    #[cfg(not(feature = "hydrate"))]
    drop(pressed);
}
