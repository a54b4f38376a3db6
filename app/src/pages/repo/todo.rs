//! What is left to do.

use car_domain::view::Activity;
use leptos::prelude::*;

use super::store::RepoStore;
use crate::components::{Section, TodoView};
use car_domain::format;

/// The TODO document's items with how many are done.
#[component]
pub(super) fn Todo(
    /// The dashboard.
    store: RepoStore,
) -> impl IntoView {
    let todo = store.todo;
    let n_all = Memo::new(move |_| todo.with(Vec::len));
    let n_done = Memo::new(move |_| todo.with(|todo| todo.iter().filter(|item| item.done).count()));
    let share = move || format!("{}%", format::percent(n_done.get() as u64, n_all.get() as u64));
    let bar = move || match (n_done.get() == n_all.get(), store.activity.get()) {
        (true, _) => "bar bar--done",
        (false, Activity::Running) => "bar bar--run",
        (false, _) => "bar",
    };
    let at_work = Signal::derive(move || {
        if store.activity.get() != Activity::Running {
            return None;
        }
        store.last_run.with(|run| {
            let run = run.as_ref().filter(|run| run.end.is_none())?;
            Some((run.item.clone()?, run.run))
        })
    });
    let note = view! {
        <span class="sec__note num" hidden=move || n_all.get() == 0>
            {n_done} " of " {n_all} " done"
        </span>
    };
    view! {
        <Section id="todo" title="TODO" aside=note.into_any()>
            {move || if n_all.get() == 0 {
                view! {
                    <p class="soft measure">
                        "Nothing to do yet. Add " <code>"- [ ]"</code>
                        " lines to the TODO document; the loop works through them from top to bottom."
                    </p>
                }.into_any()
            } else {
                view! {
                    <span class=bar aria-hidden="true"><i style=("--v", share)></i></span>
                    <TodoView todo at_work/>
                }.into_any()
            }}
        </Section>
    }
}
