//! Loading and failing: the frame of every part of a page that waits for data.

use std::future::Future;

use leptos::prelude::*;

use super::{Glyph, Icon};
use crate::api::{AppError, AppErrorKind};
use crate::pages::NotFoundBody;
use crate::platform;
use crate::routes::follow_focus;

/// Waits for data, shows the outline of a page meanwhile, and says what went wrong if it does. `load` must begin to read
/// its resources when it is called, so that they are read again when they change.
#[component]
pub(crate) fn Region<T, Load, Loading, Shown>(
    /// Begins to read.
    load: Load,
    /// Shows what was read.
    show: Shown,
) -> impl IntoView
where
    T: Send + 'static,
    Load: Fn() -> Loading + Send + Sync + 'static,
    Loading: Future<Output = Result<T, AppError>> + Send + 'static,
    Shown: Fn(T) -> AnyView + Clone + Send + Sync + 'static,
{
    view! {
        <Suspense fallback=Skeleton>
            {move || {
                let (loading, show) = (load(), show.clone());
                Suspend::new(async move {
                    let loaded = loading.await;
                    follow_focus();
                    match loaded {
                        Ok(data) => show(data),
                        Err(error) => view! { <Problem error/> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

/// A page that could not be read: what happened and what to do next.
#[component]
pub(crate) fn Problem(
    /// What went wrong.
    error: AppError,
) -> impl IntoView {
    if error.kind == AppErrorKind::NotFound {
        return view! { <NotFoundBody message=error.message hint=error.hint/> }.into_any();
    }
    view! {
        <header class="top top--plain">
            <div class="top__row"><h1>"This page could not be read"</h1></div>
        </header>
        <main class="page" id="main" tabindex="-1">
            <div class="empty" role="alert">
                <p class="empty__title">{error.message}</p>
                <p>{error.hint}</p>
                <a class="btn" href="" rel="external" on:click=|event| {
                    event.prevent_default();
                    platform::reload();
                }>
                    <Icon glyph=Glyph::Retry/>
                    "Try again"
                </a>
            </div>
        </main>
    }
    .into_any()
}

/// Outline of a page, seen only while moving between pages.
#[component]
pub(crate) fn Skeleton() -> impl IntoView {
    let line = |width: &'static str| view! { <span class="skel" style:width=width></span> };
    view! {
        <header class="top top--plain">
            <div class="top__row"><span class="skel skel--title"></span></div>
        </header>
        <main class="page" id="main" tabindex="-1" aria-busy="true">
            <p class="vh" role="status">"Loading"</p>
            <div class="skels" aria-hidden="true">
                {["38%", "72%", "64%", "80%", "45%", "70%", "58%"].map(line).collect_view()}
            </div>
        </main>
    }
}
