//! What lies over the hub: a menu, questions, forms. Each has an address, so it works by links alone, and the way back closes it.

mod add;
mod kill;
mod menu;
mod remove;
mod worktree;

use leptos::prelude::*;

use super::query::{HubQuery, Over};
use super::store::HubStore;
use crate::base::at;
use crate::platform;
use add::Add;
use car_domain::view::RepoRow;
use kill::Kill;
use menu::Menu;
use remove::Remove;
use worktree::Worktree;

/// Id of the dialog that is shown.
pub(super) const OVER: &str = "over";

/// The dialog the address names.
#[component]
pub(super) fn Overlay(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let over = Memo::new(move |_| hub.query.with(|query| query.over.clone()));
    view! {
        <For each=move || over.get() key=Over::clone let:over>
            <Dialog hub over/>
        </For>
    }
}

#[component]
fn Dialog(
    /// The hub.
    hub: HubStore,
    /// What it is.
    over: Over,
) -> impl IntoView {
    // The server writes it open; the browser side makes a modal one of it, which keeps the focus inside.
    Effect::new(|_| {
        platform::after(std::time::Duration::ZERO, || platform::make_modal(OVER));
    });
    let row = over.repo().and_then(|id| {
        hub.rows.with_untracked(|rows| rows.iter().find(|row| row.id == id).cloned())
    });
    let class = if matches!(over, Over::Menu(_)) { "dialog dialog--menu" } else { "dialog" };
    let content = match (over, row.map(|row| hub.row(row))) {
        (Over::Add, _) => view! { <Add hub/> }.into_any(),
        (Over::Menu(_), Some(row)) => view! { <Menu hub row/> }.into_any(),
        (Over::Kill(_), Some(row)) => view! { <Kill hub row/> }.into_any(),
        (Over::Worktree(_), Some(row)) => view! { <Worktree hub row/> }.into_any(),
        (Over::Remove(id), Some(_)) => view! { <Remove hub id/> }.into_any(),
        (_, None) => view! {
            <h2 id="over-title">"This repository is gone"</h2>
            <p>"It was removed or renamed meanwhile."</p>
            <div class="btns"><Close hub words="Back to the hub"/></div>
        }
        .into_any(),
    };
    view! {
        <dialog class=class id=OVER open aria-labelledby="over-title" closedby="any" on:close=move |_| hub.close()>
            {content}
        </dialog>
    }
}

/// Leads back to the view below.
#[component]
fn Close(
    /// The hub.
    hub: HubStore,
    /// What it says.
    words: &'static str,
    /// Whether it has the focus when the dialog opens.
    #[prop(optional)]
    is_first: bool,
) -> impl IntoView {
    let href = move || at(&hub.query.with(HubQuery::alone).path());
    view! {
        <a
            class="btn"
            href=href
            data-noscroll=""
            autofocus=is_first
            on:click=|event| {
                // Closing gives the focus back; the address follows.
                event.prevent_default();
                platform::close_dialog(OVER);
            }
        >
            {words}
        </a>
    }
}

/// The link to another dialog about the same repository.
fn leads_to(hub: HubStore, over: Over) -> impl Fn() -> String + Clone + Send + Sync + 'static {
    move || at(&hub.query.with(|query| query.with(over.clone())).path())
}

fn id_of(row: Memo<RepoRow>) -> String {
    row.with_untracked(|row| row.id.clone())
}
