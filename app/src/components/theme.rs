//! The switch between dark and light.

use leptos::prelude::*;

use super::{Glyph, Icon};
use crate::platform;

/// Switches the theme. It needs the browser side and is not shown before that is there.
#[component]
pub(crate) fn ThemeToggle() -> impl IntoView {
    view! {
        <button
            class="btn btn--icon push needs-browser"
            type="button"
            aria-label="Switch between dark and light"
            on:click=|_| platform::switch_theme()
        >
            <Icon glyph=Glyph::Theme/>
        </button>
    }
}
