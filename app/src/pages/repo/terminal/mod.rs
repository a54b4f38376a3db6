//! The terminals of a repository: which there are, where one is begun, and each of them at an address of its own.
//!
//! Lists, starting and ending work by links and forms; what a terminal shows needs the browser side.

mod begin;
mod composer;
mod console;
mod end;
mod find;
mod history;
mod images;
mod key_bar;
mod list;
mod notices;
mod reader;
mod sessions;
mod tools;
mod words;

use std::future::IntoFuture;

use car_domain::terminal::Terminal;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::frame::{RepoContext, RepoFrame, Tab, use_repo_id};
use crate::api;
use begin::Begin;
use console::Console;
use list::Terminals;
use sessions::SessionTabs;

/// Where a terminal is begun, in place of an id.
const NEW: &str = "new";

/// `/repos/:id/terminal` and `/repos/:id/terminal/:session`, and the same without a hub.
#[component]
pub(crate) fn TerminalPage() -> impl IntoView {
    let (id, params) = (use_repo_id(), use_params_map());
    let session = Memo::new(move |_| params.read().get("session"));
    view! {
        <For each=move || [(id.get(), session.get())] key=Clone::clone let:page>
            <TerminalRegion id=page.0 session=page.1/>
        </For>
    }
}

#[component]
fn TerminalRegion(
    /// Id of the repository; empty for the only one.
    id: String,
    /// Which terminal the address names, if any.
    session: Option<String>,
) -> impl IntoView {
    let wanted = session.clone().filter(|session| session != NEW);
    let of = id.clone();
    let read = Resource::new(
        move || (of.clone(), wanted.clone()),
        |(id, wanted)| api::read_terminals(id, wanted),
    );
    let more = move || read.into_future();
    let show = move |context: &RepoContext, terminals| page(context, session.as_deref(), terminals);
    view! { <RepoFrame id tab=Tab::Terminal more show/> }
}

fn page(context: &RepoContext, session: Option<&str>, terminals: Vec<Terminal>) -> AnyView {
    let shown = match session {
        Some(NEW) => None,
        Some(session) => terminals.iter().find(|one| one.session_id == session).cloned(),
        // Coming back leads to what is going on, not to a choice.
        None => terminals.iter().rev().find(|one| one.is_alive()).cloned(),
    };
    let terminals = Terminals::new(context, terminals);
    let shown_id = shown.as_ref().map(|one| one.session_id.clone());
    let content = match shown {
        Some(terminal) => view! { <Console terminals terminal/> }.into_any(),
        None => view! { <Begin terminals/> }.into_any(),
    };
    view! {
        <main class="termpage" id="main" tabindex="-1">
            <SessionTabs terminals shown=shown_id/>
            {content}
        </main>
    }
    .into_any()
}
