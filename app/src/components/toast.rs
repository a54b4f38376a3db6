//! Short messages at the edge of the page. Errors stay until dismissed.

use leptos::prelude::*;

use super::{Glyph, Icon};
use crate::api::AppError;

#[derive(Clone, Debug, PartialEq)]
struct Toast {
    key: u64,
    message: String,
    hint: Option<String>,
}

/// The messages on show, in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    list: RwSignal<Vec<Toast>>,
    next_key: StoredValue<u64>,
}

impl Toasts {
    /// Puts an empty list into the context.
    pub(crate) fn provide() -> Self {
        let toasts = Self { list: RwSignal::default(), next_key: StoredValue::new(0) };
        provide_context(toasts);
        toasts
    }

    /// The messages of this page.
    pub(crate) fn get() -> Self {
        use_context().unwrap_or_else(Self::provide)
    }

    /// Says what went wrong and what to do next. The same error twice says no more than once.
    pub(crate) fn error(self, error: AppError) {
        let AppError { message, hint, .. } = error;
        let key = self.next_key.try_get_value().unwrap_or(0);
        self.next_key.try_set_value(key + 1);
        self.list.try_update(|list| {
            list.retain(|toast| toast.message != message);
            list.push(Toast { key, message, hint });
        });
    }

    fn dismiss(self, key: u64) {
        self.list.try_update(|list| list.retain(|toast| toast.key != key));
    }
}

/// Where toasts appear.
#[component]
pub(crate) fn ToastRegion() -> impl IntoView {
    let toasts = Toasts::get();
    view! {
        <div class="toasts" role="region" aria-label="Messages" aria-live="polite">
            <For each=move || toasts.list.get() key=|toast| toast.key let:toast>
                <ToastView toast/>
            </For>
        </div>
    }
}

#[component]
fn ToastView(
    /// The message.
    toast: Toast,
) -> impl IntoView {
    let toasts = Toasts::get();
    let key = toast.key;
    view! {
        <div class="toast" role="alert">
            <span class="state state--failed">
                <span class="state__glyph" aria-hidden="true"></span>
            </span>
            <div>
                <p>{toast.message}</p>
                {toast.hint.map(|hint| view! { <p class="muted">{hint}</p> })}
            </div>
            <button
                class="btn btn--icon"
                type="button"
                aria-label="Dismiss this message"
                on:click=move |_| toasts.dismiss(key)
            >
                <Icon glyph=Glyph::Close/>
            </button>
        </div>
    }
}
