//! A new worktree of a repository.

use car_domain::view::RepoRow;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::add::{Outcome, asked_here};
use super::{Close, id_of};
use crate::api::AddWorktree;
use crate::components::{FailedPost, PostForm};
use crate::pages::hub::store::HubStore;

/// The form.
#[component]
pub(super) fn Worktree(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let jobs = hub.jobs;
    let asked = asked_here(jobs.worktree.version(), jobs.worktree.value());
    let is_busy = move || jobs.worktree.pending().get().then_some("true");
    view! {
        <h2 id="over-title">"New worktree of " {move || row.with(|row| row.name.clone())}</h2>
        <FailedPost of=&[AddWorktree::PATH]/>
        <PostForm action=jobs.worktree class="form">
            <input type="hidden" name="repo" value=id_of(row)/>
            <div class="field">
                <label class="field__label" for="worktree-branch">"Branch"</label>
                <input
                    class="input" id="worktree-branch" type="text" name="branch" required autofocus autocomplete="off"
                    autocapitalize="off" spellcheck="false" placeholder="fix-login" aria-describedby="branch-hint"
                />
                <span class="field__hint" id="branch-hint">
                    "A branch that is there is used; a new one starts from the checked-out commit."
                </span>
            </div>
            <label class="tick">
                <input class="tickbox" type="checkbox" name="setup" value="true" checked/>
                <span>"Run the setup command, if there is one (" <code>"worktrees.setup"</code> ")"</span>
            </label>
            <Outcome jobs asked/>
            <div class="btns">
                <Close hub words="Close"/>
                <button class="btn btn--primary" type="submit" aria-busy=is_busy>"Create worktree"</button>
            </div>
        </PostForm>
    }
}
