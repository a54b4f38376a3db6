//! Work in the background: what was asked for, how far it is, how it ended.

use std::collections::BTreeSet;

use car_domain::format;
use car_domain::job::{Job, JobStatus};
use leptos::prelude::*;
use serde_json::Value;

use crate::api::{AddWorktree, AppError, CancelJob, CloneRepo, CreateRepo, RemoveRepo, ScanHub};
use crate::base::at;
use crate::components::{Glyph, Icon, PostForm, Toasts};
use crate::platform;
use crate::routes::repo_path;

/// Where the browser keeps which ended jobs were put away.
const PUT_AWAY: &str = "car-jobs-put-away";
/// Most ids kept there.
const MAX_PUT_AWAY: usize = 40;

/// The jobs of this page. Copies are handles to the same data.
#[derive(Clone, Copy)]
pub(super) struct HubJobs {
    /// The newest first.
    pub list: RwSignal<Vec<Job>>,
    /// Ids of those this page asked for.
    pub own: RwSignal<BTreeSet<String>>,
    /// Ids of ended ones nobody wants to see any more.
    put_away: RwSignal<Vec<String>>,
    /// Clones a repository.
    pub clone: ServerAction<CloneRepo>,
    /// Makes one.
    pub create: ServerAction<CreateRepo>,
    /// Searches the hub.
    pub scan: ServerAction<ScanHub>,
    /// Makes a worktree.
    pub worktree: ServerAction<AddWorktree>,
    /// Removes a repository or worktree.
    pub remove: ServerAction<RemoveRepo>,
    /// Ends a job.
    pub cancel: ServerAction<CancelJob>,
}

impl HubJobs {
    /// Begins with the jobs that came with the page.
    pub(super) fn new(list: Vec<Job>) -> Self {
        let jobs = Self {
            list: RwSignal::new(list),
            own: RwSignal::default(),
            put_away: RwSignal::default(),
            clone: ServerAction::new(),
            create: ServerAction::new(),
            scan: ServerAction::new(),
            worktree: ServerAction::new(),
            remove: ServerAction::new(),
            cancel: ServerAction::new(),
        };
        Effect::new(move |_| {
            let known = platform::recall(PUT_AWAY).unwrap_or_default();
            jobs.put_away.set(known.split(',').map(str::to_owned).collect());
        });
        jobs.takes_in(move || jobs.clone.value().get());
        jobs.takes_in(move || jobs.create.value().get());
        jobs.takes_in(move || jobs.scan.value().get());
        jobs.takes_in(move || jobs.worktree.value().get());
        jobs.takes_in(move || jobs.remove.value().get());
        let toasts = Toasts::get();
        Effect::new(move |_| {
            if let Some(Err(error)) = jobs.scan.value().get() {
                toasts.error(error);
            }
            if let Some(Err(error)) = jobs.cancel.value().get() {
                toasts.error(error);
            }
        });
        jobs
    }

    fn takes_in(self, asked: impl Fn() -> Option<Result<Job, AppError>> + 'static) {
        Effect::new(move |_| {
            if let Some(Ok(job)) = asked() {
                self.own.update(|own| {
                    own.insert(job.job_id.clone());
                });
                self.apply(job);
            }
        });
    }

    /// Takes in where a job stands.
    pub(super) fn apply(self, job: Job) {
        self.list.try_update(|list| {
            match list.iter_mut().find(|known| known.job_id == job.job_id) {
                // What was asked for may answer after the stream has told more.
                Some(known) if !known.status.is_active() => {}
                Some(known) => *known = job,
                None => list.insert(0, job),
            }
        });
    }

    /// Ids of those that have not ended.
    pub(super) fn active(self) -> Vec<String> {
        self.list.with(|list| {
            let active = list.iter().filter(|job| job.status.is_active());
            active.map(|job| job.job_id.clone()).collect()
        })
    }

    /// The job as it is now.
    pub(super) fn find(self, id: &str) -> Option<Job> {
        self.list.with(|list| list.iter().find(|job| job.job_id == id).cloned())
    }

    fn put_away(self, id: &str) {
        self.put_away.update(|known| {
            known.push(id.to_owned());
            let excess = known.len().saturating_sub(MAX_PUT_AWAY);
            known.drain(..excess);
        });
        platform::remember(PUT_AWAY, &self.put_away.get_untracked().join(","));
    }

    fn is_shown(self, job: &Job) -> bool {
        let is_own = || self.own.with(|own| own.contains(&job.job_id));
        let counts = job.status.is_active()
            || job.status == JobStatus::Failed
            || !problems(job).is_empty()
            || is_own();
        counts && !self.put_away.with(|put_away| put_away.contains(&job.job_id))
    }
}

/// What a job is, in words.
fn words(job: &Job) -> &'static str {
    match (job.kind.as_str(), job.status.is_active()) {
        ("hub.scan_repos", true) => "Searching the hub",
        ("hub.scan_repos", false) => "Search of the hub",
        ("hub.create_repo", true) => "Adding a repository",
        ("hub.create_repo", false) => "New repository",
        ("hub.remove_repo", true) => "Removing a repository",
        ("hub.remove_repo", false) => "Removal of a repository",
        ("hub.create_worktree", true) => "Making a worktree",
        ("hub.create_worktree", false) => "New worktree",
        ("hub.cleanup_worktree", true) => "Removing a worktree",
        ("hub.cleanup_worktree", false) => "Removal of a worktree",
        _ => "Work in the background",
    }
}

/// Parts of a job that did not work although it ended well.
fn problems(job: &Job) -> Vec<String> {
    let list = job.result.as_ref().and_then(|result| result.get("problems")?.as_array());
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The repository that came of a job.
pub(super) fn made(job: &Job) -> Option<String> {
    let is_making = matches!(job.kind.as_str(), "hub.create_repo" | "hub.create_worktree");
    let result = job.result.as_ref().filter(|_| is_making && job.status == JobStatus::Succeeded)?;
    result.get("id")?.as_str().map(str::to_owned)
}

/// How a job ended or how far it is, as a sentence.
fn said(job: &Job) -> String {
    match job.status {
        JobStatus::Queued => "Waits for its turn".to_owned(),
        JobStatus::Running if job.progress.text.is_empty() => "Begins".to_owned(),
        JobStatus::Running => job.progress.text.clone(),
        JobStatus::Succeeded => "Done".to_owned(),
        JobStatus::Failed => job.error.clone().unwrap_or_else(|| "Failed".to_owned()),
        JobStatus::Cancelled => "Cancelled; nothing was left behind".to_owned(),
    }
}

/// What goes on, and what ended badly during the last hour.
#[component]
pub(super) fn JobList(
    /// The jobs.
    jobs: HubJobs,
) -> impl IntoView {
    let shown = Memo::new(move |_| {
        jobs.list.with(|list| {
            let shown = list.iter().filter(|job| jobs.is_shown(job));
            shown.map(|job| job.job_id.clone()).collect::<Vec<_>>()
        })
    });
    view! {
        <section class="sec" aria-labelledby="jobs" hidden=move || shown.with(Vec::is_empty)>
            <div class="sec__head">
                <h2 id="jobs">"In the background"</h2>
                <a class="small before-browser" href="">"Look again"</a>
            </div>
            <ul class="list" aria-live="polite">
                <For each=move || shown.get() key=String::clone let:id>
                    <li class="item"><JobView jobs id/></li>
                </For>
            </ul>
        </section>
    }
}

/// One job with its progress, and what can be done about it.
#[component]
pub(super) fn JobView(
    /// The jobs.
    jobs: HubJobs,
    /// Its id.
    id: String,
) -> impl IntoView {
    let (wanted, cancelled, away) = (id.clone(), id.clone(), id);
    let job = Memo::new(move |_| jobs.find(&wanted));
    let status = Memo::new(move |_| job.with(|job| job.as_ref().map(|job| job.status)));
    let shape = move || match status.get() {
        Some(JobStatus::Failed) => "state state--failed",
        Some(JobStatus::Succeeded) => "state state--finished",
        Some(JobStatus::Cancelled) => "state state--paused",
        Some(JobStatus::Running) => "state state--running",
        Some(JobStatus::Queued) | None => "state state--waiting",
    };
    let title = Memo::new(move |_| job.with(|job| job.as_ref().map(words)));
    let text = Memo::new(move |_| job.with(|job| job.as_ref().map(said)));
    let share = Memo::new(move |_| {
        job.with(|job| {
            let progress = &job.as_ref().filter(|job| job.status.is_active())?.progress;
            Some(format::percent(progress.done?, progress.total.filter(|total| *total > 0)?))
        })
    });
    let notes = Memo::new(move |_| job.with(|job| job.as_ref().map(problems).unwrap_or_default()));
    let opens = Memo::new(move |_| job.with(|job| job.as_ref().and_then(made)));
    let is_active = Memo::new(move |_| status.get().is_some_and(JobStatus::is_active));
    view! {
        <span class=shape><span class="state__glyph" aria-hidden="true"></span></span>
        <span class="item__main">
            <span class="item__title">{move || title.get()}</span>
            <span
                class="item__sub job__text"
                class:job__text--bad=move || status.get() == Some(JobStatus::Failed)
            >
                {move || text.get()}
            </span>
            {move || share.get().map(|share| view! {
                <span
                    class="bar bar--run"
                    role="progressbar"
                    aria-valuenow=share
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-label="Progress"
                >
                    <i style=("--v", format!("{share}%"))></i>
                </span>
            })}
            {move || notes.get().into_iter().map(|note| view! {
                <span class="item__sub job__text--bad">{note}</span>
            }).collect_view()}
        </span>
        {move || opens.get().map(|id| view! {
            <a class="btn" href=at(&repo_path(&id, None))>"Open " {id.clone()}</a>
        })}
        {move || if is_active.get() {
            let id = cancelled.clone();
            view! {
                <PostForm action=jobs.cancel class="push">
                    <input type="hidden" name="job" value=id/>
                    <button class="btn" type="submit">"Cancel"</button>
                </PostForm>
            }.into_any()
        } else {
            let id = away.clone();
            view! {
                <button
                    class="btn btn--icon push needs-browser"
                    type="button"
                    aria-label="Put this away"
                    on:click=move |_| jobs.put_away(&id)
                >
                    <Icon glyph=Glyph::Close/>
                </button>
            }.into_any()
        }}
    }
}

#[cfg(test)]
mod tests {
    use car_domain::Timestamp;
    use car_domain::job::Progress;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_says_how_far_it_is_and_what_came_of_it() {
        let mut job = Job {
            job_id: "0f".into(),
            kind: "hub.create_repo".into(),
            status: JobStatus::Running,
            created_at: Timestamp::from_millis(0),
            started_at: None,
            finished_at: None,
            result: None,
            error: None,
            progress: Progress { done: Some(1), total: Some(2), text: "Receiving objects".into() },
        };
        assert_eq!(
            (words(&job), said(&job).as_str()),
            ("Adding a repository", "Receiving objects")
        );
        assert_eq!(made(&job), None);
        job.status = JobStatus::Succeeded;
        job.result = Some(json!({"id": "api", "problems": ["setup ended with 1"]}));
        assert_eq!(made(&job).as_deref(), Some("api"));
        assert_eq!(problems(&job), ["setup ended with 1"]);
        job.status = JobStatus::Failed;
        job.error = Some("Permission denied".into());
        assert_eq!(said(&job), "Permission denied");
    }
}
