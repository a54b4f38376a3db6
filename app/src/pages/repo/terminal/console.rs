//! One terminal: the screen, what is to be said about it, and what can be done with it.

use car_domain::terminal::{Terminal, TerminalActivity, TerminalState};
use leptos::prelude::*;

use super::composer::Composer;
use super::end::EndDialog;
use super::find::Find;
use super::images::Images;
use super::key_bar::KeyBar;
use super::list::Terminals;
use super::notices::Notices;
use super::reader::Reader;
use super::tools::Tools;
use super::words::{age_words, exit_words, kind_words, presence_words, subject};
use crate::clock::Clock;
use crate::components::{Glyph, Icon};
use crate::terminal::TerminalHandle;
use crate::terminal::client::Phase;

/// Where the terminal is drawn.
const SURFACE: &str = "terminal-surface";

/// A terminal.
#[component]
pub(super) fn Console(
    /// All terminals.
    terminals: Terminals,
    /// This one.
    terminal: Terminal,
) -> impl IntoView {
    let Terminal { session_id: id, title, activity, .. } = terminal.clone();
    let handle = TerminalHandle::new(id.clone(), title, activity, Phase::Connecting);
    handle.open(SURFACE, terminals.api("/api/terminal"));
    follow(terminals, handle, id);
    let (reads, finds, writes) = (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let images = Images::new(terminals.api("/api/terminal/image"));
    take_images(images, writes);
    let name = move || handle.status.with(|status| format!("Terminal, {}", status.title));
    view! {
        <Tools terminals handle reads finds writes/>
        <Notices handle/>
        <Find handle finds/>
        <section class="term" aria-label=name hidden=move || reads.get()>
            <div class="term__window">
                <Plain terminal/>
                <div class="term__surface" id=SURFACE></div>
            </div>
            <button
                class="btn term__latest"
                type="button"
                hidden=move || !handle.is_scrolled.get()
                on:click=move |_| handle.scroll_to_end()
            >
                <Icon glyph=Glyph::Down/>
                "Latest"
            </button>
        </section>
        <Reader handle reads/>
        <KeyBar handle/>
        <Composer handle images writes/>
        <StatusLine handle/>
        <EndDialog terminals handle/>
    }
}

/// Takes images that are pasted or dropped anywhere on the page, and shows where they are.
fn take_images(images: Images, writes: RwSignal<bool>) {
    #[cfg(feature = "hydrate")]
    {
        let take = move |picked: Vec<crate::platform::PickedImage>| {
            let are_some = !picked.is_empty();
            if are_some {
                writes.set(true);
                images.add(picked);
            }
            are_some
        };
        let pasting = window_event_listener(leptos::ev::paste, move |event| {
            if take(crate::platform::pasted_images(&event)) {
                event.prevent_default();
            }
        });
        // The browser would leave the page for what is dropped on it.
        let hovering = window_event_listener(leptos::ev::dragover, |event| event.prevent_default());
        let dropping = window_event_listener(leptos::ev::drop, move |event| {
            event.prevent_default();
            take(crate::platform::dropped_images(&event));
        });
        on_cleanup(move || {
            pasting.remove();
            hovering.remove();
            dropping.remove();
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = (images, writes);
}

/// What there is to say without the browser side. It lies below the screen.
#[component]
fn Plain(
    /// The terminal.
    terminal: Terminal,
) -> impl IntoView {
    let clock = Clock::get();
    let ended = terminal.exit.filter(|_| !terminal.is_alive()).map(exit_words);
    let lost = (terminal.state == TerminalState::Lost).then_some("Its process was lost. ");
    let command = terminal.command.join(" ");
    let kind = kind_words(&terminal.kind);
    view! {
        <div class="term__plain">
            <p>{kind} ", " {move || age_words(&terminal, clock.about_now())} ". " {lost} {ended}</p>
            <p><code>{command}</code></p>
            <noscript><p>"What it shows needs JavaScript. It goes on in any case."</p></noscript>
        </div>
    }
}

/// Who is there, how large it is and how far away.
#[component]
fn StatusLine(
    /// The terminal.
    handle: TerminalHandle,
) -> impl IntoView {
    let status = handle.status;
    let size = move || {
        let grid = status.with(|status| status.grid)?;
        Some(format!("{} × {}", grid.cols, grid.rows))
    };
    let who = move || {
        status.with(|status| (!status.clients.is_empty()).then(|| presence_words(&status.clients)))
    };
    let delay = move || {
        let delay = status.with(|status| status.delay)?;
        Some(format!("{} ms", delay.as_millis()))
    };
    let runs = move || status.with(|status| status.activity.foreground.clone());
    let copied = move || {
        let n = handle.copied.get()?;
        Some(if n == 1 {
            "Copied 1 character".to_owned()
        } else {
            format!("Copied {n} characters")
        })
    };
    view! {
        <p class="termpage__status desk">
            <span>{who}</span>
            <span>{size}</span>
            <span>{runs}</span>
            <span role="status" class="push">{copied}</span>
            <span>{delay}</span>
        </p>
    }
}

/// Keeps the list, and the title of the page, at what the terminal's own connection says.
fn follow(terminals: Terminals, handle: TerminalHandle, id: String) {
    let said = Memo::new(move |_| handle.status.with(subject));
    terminals.subject.set(Some(said.get_untracked()));
    Effect::new(move |_| {
        terminals.subject.try_set(Some(said.get()));
    });
    Effect::new(move |_| {
        handle.status.with(|status| {
            terminals.update(&id, |one| {
                one.title.clone_from(&status.title);
                // What it did when it was last heard is not what it does.
                let is_heard = matches!(status.phase, Phase::Open);
                one.activity =
                    if is_heard { status.activity.clone() } else { TerminalActivity::default() };
                if let Phase::Ended(exit) = &status.phase {
                    one.state = TerminalState::Ended;
                    one.exit = Some(*exit);
                }
            });
        });
    });
    let has_ended =
        Memo::new(move |_| handle.status.with(|status| matches!(status.phase, Phase::Ended(_))));
    Effect::new(move |before: Option<bool>| {
        let now = has_ended.get();
        if now && before == Some(false) {
            terminals.refetch();
        }
        now
    });
}
