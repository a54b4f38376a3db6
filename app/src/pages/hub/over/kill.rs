//! Whether to end an agent now.

use car_domain::format;
use car_domain::view::{RepoRow, RunAction};
use leptos::prelude::*;

use super::{Close, id_of};
use crate::clock::Clock;
use crate::components::PostForm;
use crate::pages::hub::store::HubStore;

/// Asks, and names what is lost.
#[component]
pub(super) fn Kill(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let id = id_of(row);
    let clock = Clock::get();
    let worked = move || {
        let began = row.with(|row| row.last_run.as_ref().and_then(|run| run.started_at))?;
        Some(format!(" It has worked for {}.", format::elapsed(clock.now().since(began))))
    };
    let busy = id.clone();
    view! {
        <h2 id="over-title">"Kill the agent in " {move || row.with(|row| row.name.clone())} "?"</h2>
        <p>
            "It ends at once and the loop stops."
            {worked}
            " What it has not written to a file yet is lost; edited files stay as they are."
        </p>
        <PostForm action=hub.run class="btns">
            <input type="hidden" name="repo" value=id/>
            <Close hub words="Keep running"/>
            <button
                class="btn btn--danger-solid"
                type="submit"
                name="verb"
                value="kill"
                aria-busy=move || hub.is_busy(&busy, RunAction::Kill).then_some("true")
            >
                "Kill it"
            </button>
        </PostForm>
    }
}
