//! The terminals that run, as tabs, and the way to one more.

use car_domain::terminal::Terminal;
use leptos::prelude::*;

use super::NEW;
use super::list::Terminals;
use super::words::activity_words;
use crate::components::{Glyph, Icon};

/// Links to the terminals that run, and to the one that is shown.
#[component]
pub(super) fn SessionTabs(
    /// All terminals.
    terminals: Terminals,
    /// Id of the one that is shown.
    shown: Option<String>,
) -> impl IntoView {
    let all = terminals.all();
    let is_new = shown.is_none();
    let current = StoredValue::new(shown);
    let tabs = Memo::new(move |_| {
        let is_shown = |one: &&Terminal| {
            one.is_alive() || current.with_value(|shown| shown.as_ref() == Some(&one.session_id))
        };
        all.with(|all| all.iter().filter(is_shown).cloned().collect::<Vec<_>>())
    });
    let one =
        move |id: &str| tabs.with(|tabs| tabs.iter().find(|one| one.session_id == id).cloned());
    view! {
        <nav class="sess" aria-label="Terminals" id="terminal-sessions" tabindex="-1">
            <ul class="sess__list">
                <For
                    each=move || tabs.get()
                    key=|terminal| terminal.session_id.clone()
                    children=move |first| {
                        let id = first.session_id.clone();
                        let is_current = current.with_value(|shown| shown.as_ref() == Some(&id));
                        let href = terminals.link(&id);
                        let terminal = Memo::new(move |_| one(&id).unwrap_or_else(|| first.clone()));
                        view! {
                            <li>
                                <a class="sess__tab" href=href aria-current=is_current.then_some("page")>
                                    <TerminalShape terminal/>
                                    <span class="sess__title clip">{move || terminal.with(|one| one.title.clone())}</span>
                                </a>
                            </li>
                        }
                    }
                />
            </ul>
            <a
                class="btn btn--ghost sess__new"
                href=terminals.link(NEW)
                aria-current=is_new.then_some("page")
            >
                <Icon glyph=Glyph::Plus/>
                "New"
                <span class="vh">" terminal"</span>
            </a>
        </nav>
    }
}

/// What a terminal does as a shape; screen readers get the word.
#[component]
pub(super) fn TerminalShape(
    /// The terminal.
    #[prop(into)]
    terminal: Signal<Terminal>,
) -> impl IntoView {
    let words = Memo::new(move |_| terminal.with(activity_words));
    view! {
        <span class=move || format!("state state--{}", words.get().0)>
            <span class="state__glyph" aria-hidden="true"></span>
            <span class="vh">{move || words.get().1} ": "</span>
        </span>
    }
}
