//! The same for every repository that is selected.

use std::collections::BTreeSet;

use car_domain::format;
use car_domain::view::RunAction;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::arrange::Line;
use super::store::HubStore;
use crate::api::BulkAction;
use crate::base::at;
use crate::components::{Glyph, Icon};
use crate::platform;

const KILL: &str = "bulk-kill";

/// The bar with the actions, while rows can be selected. The ticks of rows belong to its form.
#[component]
pub(super) fn BulkBar(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let selects = Memo::new(move |_| hub.query.with(|query| query.selects));
    move || selects.get().then(|| view! { <Bar hub/> })
}

#[component]
fn Bar(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let n = Memo::new(move |_| hub.selected.with(BTreeSet::len));
    let is_busy = move || hub.bulk.pending().get();
    // Rows that are scrolled away are no longer in the page, so what is selected is sent, not what is ticked.
    let send = move |event: leptos::ev::MouseEvent, verb: RunAction| {
        event.prevent_default();
        platform::close_dialog(KILL);
        if !is_busy() {
            let repos = hub.selected.get_untracked().into_iter().collect();
            hub.bulk.dispatch(BulkAction { repos, verb });
        }
    };
    let select_all = move |_| {
        let ids = hub.lines.with_untracked(|lines| {
            lines
                .iter()
                .filter_map(|line| match line {
                    Line::Repo { id, .. } => Some(id.clone()),
                    Line::Head(..) => None,
                })
                .collect::<BTreeSet<_>>()
        });
        hub.selected.update(
            |selected| {
                if *selected == ids { selected.clear() } else { *selected = ids }
            },
        );
    };
    let busy = move || is_busy().then_some("true");
    view! {
        <form class="bulk" id="bulk" method="post" action=at(BulkAction::url()) aria-label="Selected repositories">
            <span class="num needs-browser" role="status">
                {move || format::count(n.get() as u64, "repository selected", "repositories selected")}
            </span>
            <button class="btn needs-browser" type="button" on:click=select_all>"All shown"</button>
            <span class="btns push">
                <button
                    class="btn" type="submit" name="verb" value="start" aria-busy=busy
                    on:click=move |event| send(event, RunAction::Start)
                >
                    <Icon glyph=Glyph::Play/>
                    "Run"
                </button>
                <button
                    class="btn" type="submit" name="verb" value="once"
                    on:click=move |event| send(event, RunAction::Once)
                >
                    "Run once"
                </button>
                <button
                    class="btn" type="submit" name="verb" value="stop"
                    on:click=move |event| send(event, RunAction::Stop)
                >
                    "Stop"
                </button>
                <button
                    class="btn btn--ghost" type="button" popovertarget=KILL
                    on:click=|event| {
                        event.prevent_default();
                        platform::show_dialog(KILL);
                    }
                >
                    "Kill…"
                </button>
            </span>
        </form>
        <dialog class="dialog" id=KILL popover="auto" aria-labelledby="bulk-kill-title">
            <h2 id="bulk-kill-title">"Kill the selected agents?"</h2>
            <p>
                "Their agents end at once and their loops stop. What they have not written to a file yet is lost; edited files stay as they are."
            </p>
            <div class="btns">
                <button
                    class="btn" type="button" autofocus popovertarget=KILL popovertargetaction="hide"
                    on:click=|event| {
                        event.prevent_default();
                        platform::close_dialog(KILL);
                    }
                >
                    "Keep running"
                </button>
                <button
                    class="btn btn--danger-solid" type="submit" form="bulk" name="verb" value="kill"
                    on:click=move |event| send(event, RunAction::Kill)
                >
                    "Kill"
                </button>
            </div>
        </dialog>
    }
}
