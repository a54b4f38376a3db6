//! Ending a terminal, after a question.

use leptos::prelude::*;

use super::list::Terminals;
use crate::api::EndTerminal;
use crate::components::{Glyph, Icon, PostForm, Toasts};
use crate::platform;
use crate::terminal::TerminalHandle;

const END_DIALOG: &str = "end-terminal";

/// Opens the question.
#[component]
pub(super) fn EndButton(
    /// Id of the menu it is in.
    menu: &'static str,
) -> impl IntoView {
    view! {
        <button
            class="menu__item menu__item--danger"
            type="button"
            on:click=move |_| {
                platform::close_dialog(menu);
                platform::show_dialog(END_DIALOG);
            }
        >
            <Icon glyph=Glyph::Stop/>
            "End terminal…"
        </button>
    }
}

/// Asks before the program is ended, and says what goes with it.
#[component]
pub(super) fn EndDialog(
    /// All terminals.
    terminals: Terminals,
    /// This one.
    handle: TerminalHandle,
) -> impl IntoView {
    let action = ServerAction::<EndTerminal>::new();
    let toasts = Toasts::get();
    Effect::new(move |_| match action.value().get() {
        Some(Ok(())) => {
            platform::close_dialog(END_DIALOG);
            terminals.refetch();
        }
        Some(Err(error)) => toasts.error(error),
        None => {}
    });
    let pending = action.pending();
    let program = move || handle.status.with(|status| status.title.clone());
    view! {
        <dialog class="dialog" id=END_DIALOG popover="auto" aria-labelledby="end-title">
            <h2 id="end-title">"End this terminal?"</h2>
            <p>
                <strong>{program}</strong>
                " and everything it started are ended, on all devices. What is on the screen stays until you remove it."
            </p>
            <PostForm action class="btns">
                <input type="hidden" name="repo" value=terminals.repo.get_value()/>
                <input type="hidden" name="session" value=handle.id.get_value()/>
                <button
                    class="btn"
                    type="button"
                    autofocus
                    on:click=|_| platform::close_dialog(END_DIALOG)
                >
                    "Keep it"
                </button>
                <button
                    class="btn btn--danger-solid"
                    type="submit"
                    aria-busy=move || pending.get().then_some("true")
                >
                    "End terminal"
                </button>
            </PostForm>
        </dialog>
    }
}
