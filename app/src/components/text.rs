//! Words of people and agents. Always text nodes, so that whatever is in them stays text.

use leptos::prelude::*;

use crate::timeline::text_parts;

/// A line of Markdown with its code shown as code and everything else as it is.
#[component]
pub(crate) fn InlineText(
    /// The line.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    move || {
        let parts = text.with(|text| text_parts(text));
        let parts = parts.into_iter().map(|(is_code, part)| {
            if is_code { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
        });
        parts.collect_view()
    }
}
