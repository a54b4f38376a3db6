//! The browser behind plain functions: clock, timers, dialogs, focus, theme and page events.
//!
//! On the server each of them does nothing or answers that it does not know, so callers need no `cfg` of their own and the
//! markup stays the same on both sides. Call them from effects and event handlers only.

mod clock;
mod dialog;
#[cfg(feature = "hydrate")]
mod image;
mod keys;
mod page;
#[cfg(feature = "hydrate")]
mod screen;
mod scroll;
mod storage;
mod text_area;
mod theme;
mod timers;

/// The fields of a form. On the server nothing but a name.
pub(crate) use leptos::web_sys::FormData;

pub(crate) use clock::{now, offset_minutes};
pub(crate) use dialog::{
    close_dialog, focus, focus_if_lost, focus_if_there, make_modal, return_focus, scroll_to,
    scroll_to_end, show_dialog,
};
#[cfg(feature = "hydrate")]
pub(crate) use image::{PickedImage, dropped_images, pasted_images, picked_images};
pub(crate) use keys::{Key, on_key};
#[cfg(feature = "hydrate")]
pub use page::announce_panic;
#[cfg(feature = "hydrate")]
pub(crate) use page::{PageListeners, document_data, on_page_wakes};
pub(crate) use page::{
    announce_ready, ask_before_leaving, clicked_value, has_touch, open_page, reload, show_icon,
};
#[cfg(feature = "hydrate")]
pub(crate) use screen::{
    Watch, colour, copy, decode_base64, follow_keyboard, font_family, has_webgl, is_keyboard_open,
    on, on_size, on_theme, open_elsewhere, unique_name,
};
pub(crate) use scroll::{on_scroll, rows_on_screen};
pub(crate) use storage::{forget, recall, remember};
pub(crate) use text_area::{TextArea, show_lines};
pub(crate) use theme::switch_theme;
#[cfg(feature = "hydrate")]
pub(crate) use timers::random;
pub(crate) use timers::{after, every};

/// Names a repository in the address of an event stream or a page.
pub(crate) fn encode_segment(text: &str) -> String {
    use std::fmt::Write;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::encode_segment;

    #[test]
    fn ids_are_safe_in_addresses() {
        assert_eq!(encode_segment("payments-api_2.x~"), "payments-api_2.x~");
        assert_eq!(encode_segment("a b/c?d&é"), "a%20b%2Fc%3Fd%26%C3%A9");
    }
}
