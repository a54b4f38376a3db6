//! Whether what the page shows is what is true.

use leptos::prelude::*;

use crate::clock::Clock;
use crate::live::{Connection, connection_words};
use crate::routes::SiteResource;

/// A dot and a word at the foot of the side list.
#[component]
pub(crate) fn ConnectionIndicator() -> impl IntoView {
    let said = words();
    view! {
        <span
            class="live needs-browser"
            class:live--lost=move || !said.get().1
            title="How long ago the server was last heard; it speaks every 15 seconds"
        >
            <span class="dot" aria-hidden="true"></span>
            <span>{move || said.get().0}</span>
        </span>
    }
}

/// The same where there is no side list, and only when something is wrong.
#[component]
pub(crate) fn ConnectionBanner() -> impl IntoView {
    let said = words();
    let is_lost = Memo::new(move |_| !said.get().1);
    view! {
        <p class="banner banner--lost narrow" role="status" hidden=move || !is_lost.get()>
            <span class="dot dot--lost" aria-hidden="true"></span>
            // The seconds are for the eye; what is spoken must not change every second.
            <span aria-hidden="true">{move || said.get().0}</span>
            <span class="vh">{move || is_lost.get().then_some("Connection lost")}</span>
        </p>
    }
}

fn words() -> Memo<(String, bool)> {
    let (connection, clock) = (Connection::get(), Clock::get());
    Memo::new(move |_| {
        connection_words(connection.phase.get(), connection.heard.get(), clock.now())
    })
}

/// Says on every page that anybody may use the server.
#[component]
pub(crate) fn OpenBanner() -> impl IntoView {
    let site = SiteResource::get();
    view! {
        <Suspense>
            {move || {
                let site = site.read();
                Suspend::new(async move {
                    site.await.is_ok_and(|site| site.is_open).then(|| {
                        view! {
                            <p class="banner banner--open" role="note">
                                "Nobody has to log in here: every program on this machine can run commands as you. Set "
                                <code>"server.auth: on"</code> " to change that."
                            </p>
                        }
                    })
                })
            }}
        </Suspense>
    }
}
