//! Taking a repository out of the hub: what would be lost, and what may be.

use std::future::IntoFuture;

use car_domain::format;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::Close;
use super::add::{Failed, Outcome, asked_here};
use crate::api::{self, LossView, RemoveRepo};
use crate::components::{FailedPost, PostForm};
use crate::pages::hub::store::HubStore;

/// Asks the server what would be lost, then the reader.
#[component]
pub(super) fn Remove(
    /// The hub.
    hub: HubStore,
    /// Id of the repository.
    id: String,
) -> impl IntoView {
    let name = id.clone();
    let loss = Resource::new(move || id.clone(), api::read_loss);
    view! {
        <h2 id="over-title">"Remove " {name} "?"</h2>
        <FailedPost of=&[RemoveRepo::PATH]/>
        <Suspense fallback=|| view! { <p class="muted" role="status">"Looking what would be lost"</p> }>
            {move || {
                let loss = loss.into_future();
                Suspend::new(async move {
                    match loss.await {
                        Ok(loss) => view! { <Question hub loss/> }.into_any(),
                        Err(error) => view! {
                            <Failed error/>
                            <div class="btns"><Close hub words="Close"/></div>
                        }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

#[component]
fn Question(
    /// The hub.
    hub: HubStore,
    /// What would be lost.
    loss: LossView,
) -> impl IntoView {
    let jobs = hub.jobs;
    let asked = asked_here(jobs.remove.version(), jobs.remove.value());
    let is_busy = move || jobs.remove.pending().get().then_some("true");
    let must_confirm = loss.is_loss(true);
    let (id, button) = (
        loss.id.clone(),
        match loss.is_worktree {
            true => "Remove worktree",
            false => "Remove repository",
        },
    );
    let branch = loss.branch.clone().filter(|_| loss.is_worktree);
    let n_worktrees = loss.worktrees.len() as u64;
    view! {
        <Losses loss=loss.clone()/>
        <PostForm action=jobs.remove class="form">
            <input type="hidden" name="repo" value=id.clone()/>
            {(!loss.is_worktree).then(|| view! {
                <label class="tick">
                    <input class="tickbox" type="checkbox" name="keep_directory" value="true"/>
                    <span>"Only take it off the list; the directory stays where it is"</span>
                </label>
            })}
            {(n_worktrees > 0).then(|| view! {
                <label class="tick">
                    <input class="tickbox" type="checkbox" name="delete_worktrees" value="true" required/>
                    <span>"Remove " {format::count(n_worktrees, "worktree", "worktrees")} " of it as well"</span>
                </label>
            })}
            {branch.map(|branch| view! {
                <label class="tick">
                    <input class="tickbox" type="checkbox" name="delete_branch" value="true"/>
                    <span>"Delete the branch " <code>{branch}</code> " as well"</span>
                </label>
            })}
            {must_confirm.then(|| view! {
                <label class="field">
                    <span class="field__label">"Type " <code>{id.clone()}</code> " to remove it all the same"</span>
                    <input class="input" type="text" name="confirm" autocomplete="off" autocapitalize="off" spellcheck="false"/>
                </label>
            })}
            <Outcome jobs asked/>
            <div class="btns">
                <Close hub words="Keep it" is_first=true/>
                <button class="btn btn--danger-solid" type="submit" aria-busy=is_busy>{button}</button>
            </div>
        </PostForm>
    }
}

/// What is nowhere else, and what happens to the rest.
#[component]
fn Losses(
    /// What would be lost.
    loss: LossView,
) -> impl IntoView {
    let mut lines: Vec<AnyView> = Vec::new();
    if loss.is_running {
        lines.push("A loop is at work; it is ended first.".into_any());
    }
    if !loss.changed.is_empty() {
        let n =
            format::count(loss.changed.len() as u64, "changed or new file", "changed or new files");
        let files = loss.changed.iter().map(|file| view! { <li><code>{file.clone()}</code></li> });
        lines.push(
            view! {
                {n} " that no commit has:"
                <ul class="losses__files">{files.collect_view()}</ul>
            }
            .into_any(),
        );
    }
    if loss.unpushed > 0 {
        let n = format::count(loss.unpushed, "commit", "commits");
        let text = match loss.is_worktree {
            true => format!("{n} only on its branch, which stays unless you delete it."),
            false => format!("{n} that no remote has."),
        };
        lines.push(text.into_any());
    }
    if loss.stashes > 0 && !loss.is_worktree {
        lines.push(format::count(loss.stashes, "stash.", "stashes.").into_any());
    }
    if !loss.worktrees.is_empty() {
        lines.push(format!("Worktrees: {}.", loss.worktrees.join(", ")).into_any());
    }
    if !loss.other_worktrees.is_empty() {
        let dirs = loss.other_worktrees.join(", ");
        lines.push(format!("Worktrees outside of the hub stop working: {dirs}.").into_any());
    }
    if let Some(unknown) = &loss.unknown {
        lines.push(format!("What would be lost cannot be told: {unknown}.").into_any());
    }
    let nothing = lines.is_empty();
    view! {
        <p>
            "The directory " <code>{loss.path.clone()}</code>
            " moves to the hub's trash; " <code>"car hub restore"</code> " brings it back."
        </p>
        {if nothing {
            view! { <p class="soft">"Everything in it is committed and pushed."</p> }.into_any()
        } else {
            let items = lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
            view! { <ul class="losses">{items}</ul> }.into_any()
        }}
    }
}
