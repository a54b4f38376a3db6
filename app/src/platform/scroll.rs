//! What of a long list is on the screen.

/// Calls `moved` when the page is scrolled or changes its size, at most once a frame, until the current owner is cleaned up.
pub(crate) fn on_scroll(moved: impl Fn() + 'static) {
    #[cfg(feature = "hydrate")]
    {
        use std::cell::Cell;
        use std::rc::Rc;

        use leptos::ev;
        use leptos::prelude::*;

        let moved = Rc::new(moved);
        let is_due = Rc::new(Cell::new(false));
        let look = move || {
            if is_due.replace(true) {
                return;
            }
            let (moved, is_due) = (Rc::clone(&moved), Rc::clone(&is_due));
            request_animation_frame(move || {
                is_due.set(false);
                moved();
            });
        };
        Effect::new(move |_| {
            let (scrolled, resized) = (look.clone(), look.clone());
            let scroll = window_event_listener(ev::scroll, move |_| scrolled());
            let resize = window_event_listener(ev::resize, move |_| resized());
            look();
            on_cleanup(move || {
                scroll.remove();
                resize.remove();
            });
        });
    }
    #[cfg(not(feature = "hydrate"))]
    drop(moved);
}

/// First and last of `n_rows` equally high rows that are on the screen; `id` is their list. It may hold only some of them: the
/// style sheet says how high one is (`--row-h`), and what stands before the list takes the room of those before.
pub(crate) fn rows_on_screen(id: &str, n_rows: usize) -> Option<(usize, usize)> {
    #[cfg(feature = "hydrate")]
    {
        let list = leptos::prelude::document().get_element_by_id(id)?;
        let row = list.first_element_child()?.get_bounding_client_rect().height();
        let top = list.parent_element()?.get_bounding_client_rect().top();
        let height = leptos::prelude::window().inner_height().ok()?.as_f64()?;
        if row <= 0.0 {
            return None;
        }
        let index = |pixels: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative, and far below 2^53"
            )]
            let index = (pixels.max(0.0) / row) as usize;
            index.min(n_rows)
        };
        Some((index(-top), index(height - top)))
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (id, n_rows);
        None
    }
}
