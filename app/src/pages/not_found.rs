//! An address nothing lives at.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api;
use crate::base::at;
use crate::components::{Glyph, Icon};

/// The page for addresses without a page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    api::not_found();
    let message = "There is no page at this address.".to_owned();
    view! { <NotFoundBody message hint=None/> }
}

/// Says that something does not exist and leads back.
#[component]
pub(crate) fn NotFoundBody(
    /// What does not exist, as a sentence.
    message: String,
    /// What to do next.
    hint: Option<String>,
) -> impl IntoView {
    view! {
        <Title text="Not found · CAR"/>
        <header class="top top--plain">
            <div class="top__row">
                <a class="btn btn--icon top__back narrow" href=at("/") aria-label="Back to the start">
                    <Icon glyph=Glyph::Back/>
                </a>
                <h1>"Not found"</h1>
            </div>
        </header>
        <main class="page" id="main" tabindex="-1">
            <div class="empty">
                <p class="empty__title">{message}</p>
                <p>{hint.unwrap_or_else(|| "It may have been moved or removed.".to_owned())}</p>
                <a class="btn" href=at("/")>"Go to the start"</a>
            </div>
        </main>
    }
}
