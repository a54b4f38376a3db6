//! What is to be said about a terminal before anything else: that the connection is lost, that another device types, that the
//! program has ended, that it wants to copy something.

use car_domain::terminal::TerminalRole;
use leptos::prelude::*;

use super::words::{exit_words, lost_words};
use crate::clock::Clock;
use crate::components::{Glyph, Icon};
use crate::terminal::TerminalHandle;
use crate::terminal::client::Phase;

/// What there is to say, if anything.
#[component]
pub(super) fn Notices(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    view! {
        <div class="termpage__notices">
            <Broken handle/>
            <Lost handle/>
            <Refused handle/>
            <Viewer handle/>
            <Over handle/>
            <WantsCopy handle/>
        </div>
    }
}

#[component]
fn Broken(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    move || {
        handle.broken.get().map(|why| {
            view! {
                <p class="termpage__notice" role="alert">
                    {why} " " <span class="muted">"Reload the page to try again."</span>
                </p>
            }
        })
    }
}

#[component]
fn Lost(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let clock = Clock::get();
    let words = Memo::new(move |_| {
        // Only a page that waits needs to count.
        let phase = handle.status.with(|status| status.phase.clone());
        match phase {
            Phase::Lost(_) | Phase::Retrying => lost_words(&phase, clock.now()),
            _ => None,
        }
    });
    let is_lost = Memo::new(move |_| words.with(Option::is_some));
    let waiting = Memo::new(move |_| handle.status.with(|status| status.waiting.clone()));
    view! {
        <div class="termpage__notice" hidden=move || !is_lost.get()>
            <span class="dot dot--lost" aria-hidden="true"></span>
            // The seconds are for the eye; what is spoken must not change every second.
            <span aria-hidden="true">{words}</span>
            <span class="vh" role="status">{move || is_lost.get().then_some("Connection lost")}</span>
            {move || {
                let waiting = waiting.get();
                (!waiting.is_empty()).then(|| view! {
                    <span class="clip">"Waits to be sent: " <code>{waiting}</code></span>
                })
            }}
            <button class="btn btn--ghost push" type="button" on:click=move |_| handle.connect()>
                "Try now"
            </button>
        </div>
    }
}

#[component]
fn Refused(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let refused = Memo::new(move |_| {
        handle.status.with(|status| match &status.phase {
            Phase::Refused(error) => Some(error.clone()),
            _ => None,
        })
    });
    move || {
        refused.get().map(|error| {
            view! {
                <div class="termpage__notice" role="alert">
                    <p>{error.message} " " <span class="muted">{error.hint}</span></p>
                    <button class="btn push" type="button" on:click=move |_| handle.connect()>
                        <Icon glyph=Glyph::Retry/>
                        "Connect"
                    </button>
                </div>
            }
        })
    }
}

#[component]
fn Viewer(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let who = Memo::new(move |_| {
        handle.status.with(|status| {
            let looks_on = status.role == Some(TerminalRole::Viewer)
                && !matches!(status.phase, Phase::Ended(_));
            let controller =
                status.clients.iter().find(|client| client.role == TerminalRole::Controller);
            looks_on.then(|| controller.map(|client| client.device.clone()))
        })
    });
    move || {
        who.get().map(|who| {
            let words = match who {
                Some(device) => format!("{device} types here. You look on."),
                None => "You look on.".to_owned(),
            };
            view! {
                <div class="termpage__notice">
                    <p role="status">{words}</p>
                    <button class="btn push" type="button" on:click=move |_| handle.take_over()>
                        "Take over"
                    </button>
                </div>
            }
        })
    }
}

#[component]
fn Over(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let exit = Memo::new(move |_| {
        handle.status.with(|status| match status.phase {
            Phase::Ended(exit) => Some(exit),
            _ => None,
        })
    });
    move || {
        exit.get().map(|exit| {
            view! { <p class="termpage__notice" role="status">{exit_words(exit)}</p> }
        })
    }
}

#[component]
fn WantsCopy(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let preview = Memo::new(move |_| {
        let text = handle.wants_copy.get()?;
        let first: String = text.chars().take(60).collect();
        Some(if first.len() < text.len() { format!("{first}…") } else { first })
    });
    move || {
        preview.get().map(|text| {
            view! {
                <div class="termpage__notice" role="alert">
                    <p class="clip">"The program wants to copy " <code>{text}</code></p>
                    <span class="row push">
                        <button class="btn" type="button" on:click=move |_| handle.allow_copy(true)>
                            "Let programs copy"
                        </button>
                        <button class="btn btn--ghost" type="button" on:click=move |_| handle.allow_copy(false)>
                            "Never"
                        </button>
                    </span>
                </div>
            }
        })
    }
}
