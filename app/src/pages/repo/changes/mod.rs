//! What changed, file by file, and what the owner says about it.
//!
//! Everything is in the address: what is compared, which file, which layout. So every view can be linked to, and all of it
//! works without the browser side but a click on a line.

mod files;
mod lines;
mod patch;
mod review;
mod undo;

use std::future::IntoFuture;

use car_domain::changes::Compared;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::frame::{RepoContext, RepoFrame, Tab, use_repo_id};
use crate::api::{self, AddComment, ChangesView, RemoveComment, SendReview, UndoRun};
use crate::base::at;
use crate::components::FailedPost;
use crate::platform::encode_segment;
use patch::FileSection;
use review::{ReviewActions, ReviewPanel};
use undo::Undo;

/// Where a reader of changes is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// Address of the page, without base path.
    path: String,
    run: Option<u64>,
    branch: bool,
    file: Option<String>,
    is_split: bool,
}

impl Place {
    fn compared(&self) -> Compared {
        match (self.run, self.branch) {
            (Some(run), _) => Compared::Run(run),
            (None, true) => Compared::Branch,
            (None, false) => Compared::Uncommitted,
        }
    }

    /// Its address, without base path.
    fn address(&self) -> String {
        let run = self.run.map(|run| format!("run={run}"));
        let branch = (self.run.is_none() && self.branch).then(|| "branch".to_owned());
        let file = self.file.as_deref().map(|file| format!("file={}", encode_segment(file)));
        let layout = self.is_split.then(|| "layout=split".to_owned());
        let query: Vec<_> = [run, branch, file, layout].into_iter().flatten().collect();
        match query.is_empty() {
            true => self.path.clone(),
            false => format!("{}?{}", self.path, query.join("&")),
        }
    }

    fn link(&self) -> String {
        at(&self.address())
    }
}

/// `/repos/:id/changes`.
#[component]
pub(crate) fn ChangesPage() -> impl IntoView {
    let (id, query) = (use_repo_id(), use_query_map());
    let asked = Memo::new(move |_| {
        let query = query.read();
        let text = |name: &str| query.get(name).filter(|text| !text.is_empty());
        (
            text("run").and_then(|run| run.parse::<u64>().ok()),
            query.get("branch").is_some(),
            text("file"),
            text("layout").is_some_and(|layout| layout == "split"),
        )
    });
    view! {
        <For each=move || [(id.get(), asked.get())] key=Clone::clone let:page>
            <ChangesRegion id=page.0 asked=page.1/>
        </For>
    }
}

#[component]
fn ChangesRegion(
    /// Id of the repository.
    id: String,
    /// Run, branch, file and layout, as the address has them.
    asked: (Option<u64>, bool, Option<String>, bool),
) -> impl IntoView {
    let actions = ReviewActions::new();
    let undo = ServerAction::<UndoRun>::new();
    let (of, wanted) = (id.clone(), asked.clone());
    let read = Resource::new(
        move || (actions.version(), undo.version().get(), of.clone()),
        move |(_, _, id)| {
            let (run, branch, file, _) = wanted.clone();
            api::read_changes(id, run, Some(branch), file)
        },
    );
    let more = move || read.into_future();
    let show = move |context: &RepoContext, view| {
        let (run, branch, file, is_split) = asked.clone();
        let path = context.path(Tab::Changes);
        page(&view, &Place { path, run, branch, file, is_split }, actions, undo)
    };
    view! { <RepoFrame id tab=Tab::Changes more show/> }
}

fn page(
    view: &ChangesView,
    place: &Place,
    actions: ReviewActions,
    undo: ServerAction<UndoRun>,
) -> AnyView {
    let is_empty = view.patches.is_empty();
    let sections = view
        .patches
        .iter()
        .cloned()
        .enumerate()
        .map(|(index, patch)| {
            let comments = view.review.comments.iter();
            let comments = comments.filter(|comment| comment.path == patch.file.path).cloned();
            let (comments, repo) = (comments.collect(), view.repo.clone());
            view! { <FileSection index patch comments place=place.clone() repo actions/> }
        })
        .collect_view();
    let n_more = view.count.files.saturating_sub(view.patches.len() as u64);
    let nothing = match place.compared() {
        Compared::Uncommitted => "Nothing differs from the last commit.",
        Compared::Branch => "Nothing differs from where the branch began.",
        Compared::Run(_) => "This run changed no file.",
    };
    view! {
        <main class="page review" id="main" tabindex="-1">
            <div class="review__files">
                {files::files(view, place)}
                <ReviewPanel view=view.clone() place=place.clone() actions/>
            </div>
            <div class="review__diffs">
                <FailedPost of=&[
                    AddComment::PATH,
                    RemoveComment::PATH,
                    SendReview::PATH,
                    UndoRun::PATH,
                ]/>
                {choice(view, place)}
                {view.undo.clone().map(|undoing| view! {
                    <Undo undoing repo=view.repo.clone() place=place.clone() action=undo/>
                })}
                {is_empty.then(|| view! { <p class="soft measure">{nothing}</p> })}
                {sections}
                {(n_more > 0).then(|| view! {
                    <p class="muted small num">{n_more} " more files are not listed."</p>
                })}
            </div>
        </main>
    }
    .into_any()
}

/// What is compared, and how it is laid out.
fn choice(view: &ChangesView, place: &Place) -> AnyView {
    let option = |word: String, to: Place, is_it: bool| {
        let current = is_it.then_some("true");
        view! { <a class="seg__opt" href=to.link() aria-current=current>{word}</a> }
    };
    let compared = place.compared();
    let to = |run, branch| Place { run, branch, file: None, ..place.clone() };
    let branch = view.left.clone().unwrap_or_else(|| "main".to_owned());
    let has_branch = view.has_branch || compared == Compared::Branch;
    let run = view.compared;
    let explained = match compared {
        Compared::Uncommitted => "The files as they are, against the last commit",
        Compared::Branch => "The files as they are, against where the branch began",
        Compared::Run(_) => "The files after the run, against those before it",
    };
    let unified = Place { is_split: false, ..place.clone() };
    let split = Place { is_split: true, ..place.clone() };
    view! {
        <div class="row row--wrap small">
            <nav class="seg" aria-label="What is compared">
                {option("Not committed".to_owned(), to(None, false), compared == Compared::Uncommitted)}
                {has_branch.then(|| {
                    option(format!("Since {branch}"), to(None, true), compared == Compared::Branch)
                })}
                {match run {
                    Compared::Run(run) => Some(option(format!("Run {run}"), to(Some(run), false), true)),
                    Compared::Uncommitted | Compared::Branch => None,
                }}
            </nav>
            <span class="muted">{explained} " " <code>{view.before.clone()}</code></span>
            <nav class="seg push desk" aria-label="Layout">
                {option("Unified".to_owned(), unified, !place.is_split)}
                {option("Split".to_owned(), split, place.is_split)}
            </nav>
        </div>
    }
    .into_any()
}
