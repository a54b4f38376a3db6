//! Undoing a run, with what it would do.

use car_domain::format;
use leptos::prelude::*;

use super::Place;
use crate::api::{UndoRun, UndoView};
use crate::components::{PostForm, Toasts};

/// The offer, or why there is none.
#[component]
pub(super) fn Undo(
    /// What it would do.
    undoing: UndoView,
    /// Id of the repository.
    repo: String,
    /// Where the reader is.
    place: Place,
    /// What does it.
    action: ServerAction<UndoRun>,
) -> impl IntoView {
    let run = place.run.unwrap_or_default();
    let toasts = Toasts::get();
    Effect::new(move |_| {
        let failed = action.value().get().and_then(Result::err);
        failed.into_iter().for_each(|error| toasts.error(error));
    });
    let is_busy = move || action.pending().get().then_some("true");
    let body = match undoing {
        UndoView::Impossible(why) => view! { <p class="soft">{why}</p> }.into_any(),
        UndoView::Possible { written: 0, deleted: 0, .. } => {
            view! { <p class="soft">"Its files are as they were before it."</p> }.into_any()
        }
        UndoView::Possible { written, deleted, changed_since } => {
            let n_since = changed_since.len() as u64;
            let would = format!(
                "{} would become as before the run, {} would go. What they hold now is kept in a checkpoint.",
                format::count(written, "file", "files"),
                format::count(deleted, "file", "files"),
            );
            view! {
                <p class="soft">{would}</p>
                <PostForm action class="stack">
                    <input type="hidden" name="repo" value=repo/>
                    <input type="hidden" name="run" value=run/>
                    <input type="hidden" name="back" value=place.address()/>
                    {(n_since > 0).then(|| view! {
                        <label class="check check--inline">
                            <input class="box" type="checkbox" name="overwrite" value="yes" required/>
                            <span>
                                "Also overwrite what was changed since in "
                                {format::count(n_since, "file", "files")} ": "
                                <span class="mono">{changed_since.join(", ")}</span>
                            </span>
                        </label>
                    })}
                    <div class="btns">
                        <button class="btn btn--danger-solid" type="submit" aria-busy=is_busy>
                            "Undo run " {run}
                        </button>
                    </div>
                </PostForm>
            }
            .into_any()
        }
    };
    view! {
        <details class="undo">
            <summary>"Undo run " {run} "…"</summary>
            {body}
        </details>
    }
}
