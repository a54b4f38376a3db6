//! Sections, and lists of facts in them.

use leptos::prelude::*;

/// A part of a page: a heading, something beside it, and content.
#[component]
pub(crate) fn Section(
    /// Anchor of the heading.
    id: &'static str,
    /// The heading.
    title: &'static str,
    /// What stands beside the heading.
    #[prop(optional)]
    aside: Option<AnyView>,
    /// The content.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="sec" aria-labelledby=id>
            <div class="sec__head">
                <h2 id=id>{title}</h2>
                {aside}
            </div>
            {children()}
        </section>
    }
}

/// A label over a value, in a `<dl class="facts">`.
#[component]
pub(crate) fn Fact(
    /// What it is.
    label: &'static str,
    /// What else is to be said, below the value.
    #[prop(optional, into)]
    note: MaybeProp<String>,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{children()} <span class="muted">{move || note.get()}</span></dd>
        </div>
    }
}

/// A label beside a value, in a `<dl class="kv">`.
#[component]
pub(crate) fn Pair(
    /// What it is.
    label: &'static str,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! {
        <dt>{label}</dt>
        <dd>{children()}</dd>
    }
}
