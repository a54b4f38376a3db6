//! Where a terminal is begun, and what is left of those that have ended.

use car_domain::terminal::Terminal;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::list::Terminals;
use super::sessions::TerminalShape;
use super::words::{age_words, exit_words, kind_words};
use crate::api::{RemoveTerminal, StartTerminal};
use crate::clock::Clock;
use crate::components::{FailedPost, Glyph, Icon, PostForm, Section, Toasts};

/// Buttons that start a terminal, and the ended ones.
#[component]
pub(super) fn Begin(
    /// All terminals.
    terminals: Terminals,
) -> impl IntoView {
    let all = terminals.all();
    let ended = Memo::new(move |_| {
        let mut ended: Vec<_> =
            all.with(|all| all.iter().filter(|one| !one.is_alive()).cloned().collect());
        ended.reverse();
        ended
    });
    terminals.subject.set(Some("New terminal".to_owned()));
    view! {
        <div class="termpage__begin">
            <FailedPost of=&[StartTerminal::PATH, RemoveTerminal::PATH]/>
            <Start terminals/>
            {move || (!ended.with(Vec::is_empty)).then(|| view! {
                <Section id="ended" title="Ended">
                    <Ended terminals ended/>
                </Section>
            })}
        </div>
    }
}

#[component]
fn Start(
    /// All terminals.
    terminals: Terminals,
) -> impl IntoView {
    let action = ServerAction::<StartTerminal>::new();
    let (toasts, navigate) = (Toasts::get(), use_navigate());
    Effect::new(move |_| match action.value().get() {
        Some(Ok(id)) => {
            let options = NavigateOptions { resolve: false, ..NavigateOptions::default() };
            navigate(&terminals.link(&id), options);
        }
        Some(Err(error)) => toasts.error(error),
        None => {}
    });
    let pending = action.pending();
    let starts = move |kind: &'static str, look: &'static str, glyph: Glyph, word: &'static str| {
        view! {
            <button
                class=look
                type="submit"
                name="kind"
                value=kind
                aria-disabled=move || pending.get().then_some("true")
                on:click=move |event| {
                    if pending.get() {
                        event.prevent_default();
                    }
                }
            >
                <Icon glyph/>
                {word}
            </button>
        }
    };
    view! {
        <Section id="begin" title="New terminal">
            <p class="muted">
                "It runs on the server and goes on when you close this page. Every device you are logged in with can join it."
            </p>
            <PostForm action class="btns termpage__starts">
                <input type="hidden" name="repo" value=terminals.repo.get_value()/>
                {starts("codex", "btn btn--primary", Glyph::Message, "Codex")}
                {starts("resume", "btn", Glyph::History, "Resume a Codex conversation")}
                {starts("shell", "btn", Glyph::Terminal, "Shell")}
            </PostForm>
        </Section>
    }
}

#[component]
fn Ended(
    /// All terminals.
    terminals: Terminals,
    /// Those that have ended, the newest first.
    ended: Memo<Vec<Terminal>>,
) -> impl IntoView {
    let (clock, toasts) = (Clock::get(), Toasts::get());
    let action = ServerAction::<RemoveTerminal>::new();
    Effect::new(move |_| match action.value().get() {
        Some(Ok(())) => terminals.refetch(),
        Some(Err(error)) => toasts.error(error),
        None => {}
    });
    let row = move |terminal: Terminal| {
        let (id, link) = (terminal.session_id.clone(), terminals.link(&terminal.session_id));
        let title = terminal.title.clone();
        let of = terminal.clone();
        let how = terminal.exit.map_or_else(|| "Its process was lost.".to_owned(), exit_words);
        let name = format!("Remove what is left of {title}");
        view! {
            <li class="item">
                <TerminalShape terminal=Signal::stored(terminal)/>
                <span class="item__main">
                    <a class="item__title" href=link>{title}</a>
                    <span class="item__sub">
                        {kind_words(&of.kind)} ", " {move || age_words(&of, clock.about_now())} ". " {how}
                    </span>
                </span>
                <PostForm action class="push">
                    <input type="hidden" name="repo" value=terminals.repo.get_value()/>
                    <input type="hidden" name="session" value=id/>
                    <button class="btn btn--ghost" type="submit" aria-label=name>"Remove"</button>
                </PostForm>
            </li>
        }
    };
    view! {
        <ul class="list">
            <For
                each=move || ended.get()
                key=|terminal| terminal.session_id.clone()
                children=row
            />
        </ul>
    }
}
