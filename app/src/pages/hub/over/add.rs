//! A repository more: cloned, or made.

use car_domain::job::Job;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::Close;
use crate::api::{AppError, CloneRepo, CreateRepo};
use crate::components::{FailedPost, PostForm};
use crate::pages::hub::jobs::{HubJobs, JobView};
use crate::pages::hub::store::HubStore;

/// The forms, and how far the work is that they began.
#[component]
pub(super) fn Add(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let jobs = hub.jobs;
    let begun = asked_here(jobs.clone.version(), jobs.clone.value());
    let created = asked_here(jobs.create.version(), jobs.create.value());
    let clone_busy = move || jobs.clone.pending().get().then_some("true");
    let create_busy = move || jobs.create.pending().get().then_some("true");
    view! {
        <h2 id="over-title">"Add repository"</h2>
        <FailedPost of=&[CloneRepo::PATH, CreateRepo::PATH]/>
        <PostForm action=jobs.clone class="form">
            <label class="field">
                <span class="field__label">"Clone from"</span>
                <input
                    class="input" type="text" name="url" required autofocus autocomplete="off" autocapitalize="off"
                    spellcheck="false" inputmode="url" placeholder="git@github.com:you/project.git"
                />
            </label>
            <div class="field">
                <label class="field__label" for="clone-name">"Name"</label>
                <input
                    class="input" id="clone-name" type="text" name="id" autocomplete="off" autocapitalize="off"
                    spellcheck="false" aria-describedby="clone-hint"
                />
                <span class="field__hint" id="clone-hint">"Made from the address when left empty."</span>
            </div>
            <Outcome jobs asked=begun/>
            <div class="btns">
                <Close hub words="Close"/>
                <button class="btn btn--primary" type="submit" aria-busy=clone_busy>"Clone"</button>
            </div>
        </PostForm>
        <details class="form__more">
            <summary>"Make an empty one"</summary>
            <PostForm action=jobs.create class="form">
                <div class="field">
                    <label class="field__label" for="new-name">"Name of the new one"</label>
                    <input
                        class="input" id="new-name" type="text" name="id" required autocomplete="off"
                        autocapitalize="off" spellcheck="false" placeholder="my-project" aria-describedby="new-hint"
                    />
                    <span class="field__hint" id="new-hint">"A directory of this name with a git repository and a TODO."</span>
                </div>
                <Outcome jobs asked=created/>
                <div class="btns">
                    <button class="btn" type="submit" aria-busy=create_busy>"Create"</button>
                </div>
            </PostForm>
        </details>
    }
}

/// What was answered since this dialog is there.
pub(super) fn asked_here(
    version: impl Get<Value = usize> + GetUntracked<Value = usize> + Copy + Send + Sync + 'static,
    value: impl Get<Value = Option<Result<Job, AppError>>> + Copy + Send + Sync + 'static,
) -> Signal<Option<Result<Job, AppError>>> {
    let before = version.get_untracked();
    Signal::derive(move || if version.get() == before { None } else { value.get() })
}

/// The job that was begun, or why it was not.
#[component]
pub(super) fn Outcome(
    /// The jobs.
    jobs: HubJobs,
    /// What was answered.
    asked: Signal<Option<Result<Job, AppError>>>,
) -> impl IntoView {
    move || {
        asked.get().map(|asked| match asked {
            Ok(job) => view! {
                <div class="item job" role="status"><JobView jobs id=job.job_id/></div>
            }
            .into_any(),
            Err(error) => view! { <Failed error/> }.into_any(),
        })
    }
}

/// Why something was not begun.
#[component]
pub(super) fn Failed(
    /// What went wrong.
    error: AppError,
) -> impl IntoView {
    view! {
        <p class="field__error" role="alert">
            <span class="state state--failed"><span class="state__glyph" aria-hidden="true"></span></span>
            <span>{error.message} " " <span class="muted">{error.hint}</span></span>
        </p>
    }
}
