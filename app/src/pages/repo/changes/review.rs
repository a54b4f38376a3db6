//! The owner's review: comments, and what becomes of them.

use car_domain::changes::ReviewComment;
use car_domain::format;
use leptos::prelude::*;

use super::Place;
use crate::api::{AddComment, ChangesView, RemoveComment, SendReview};
use crate::components::{PostForm, Toasts, When};

/// What can be done with comments. Copies are handles to the same actions.
#[derive(Clone, Copy)]
pub(super) struct ReviewActions {
    add: ServerAction<AddComment>,
    remove: ServerAction<RemoveComment>,
    send: ServerAction<SendReview>,
}

impl ReviewActions {
    pub(super) fn new() -> Self {
        let actions = Self {
            add: ServerAction::new(),
            remove: ServerAction::new(),
            send: ServerAction::new(),
        };
        let toasts = Toasts::get();
        Effect::new(move |_| {
            let failed = actions.add.value().get().and_then(Result::err);
            failed.into_iter().for_each(|error| toasts.error(error));
        });
        Effect::new(move |_| {
            let failed = actions.remove.value().get().and_then(Result::err);
            failed.into_iter().for_each(|error| toasts.error(error));
        });
        Effect::new(move |_| {
            let failed = actions.send.value().get().and_then(Result::err);
            failed.into_iter().for_each(|error| toasts.error(error));
        });
        actions
    }

    /// Counts what was done, so that the page is read anew.
    pub(super) fn version(self) -> usize {
        self.add.version().get() + self.remove.version().get() + self.send.version().get()
    }
}

/// What every form says of where the reader is.
#[component]
fn Where(
    /// Id of the repository.
    repo: String,
    /// Where the reader is.
    place: Place,
) -> impl IntoView {
    view! {
        <input type="hidden" name="repo" value=repo/>
        <input type="hidden" name="back" value=place.address()/>
    }
}

/// All comments, and where they go.
#[component]
pub(super) fn ReviewPanel(
    /// The changes.
    view: ChangesView,
    /// Where the reader is.
    place: Place,
    /// What can be done with comments.
    actions: ReviewActions,
) -> impl IntoView {
    let review = view.review;
    let repo = view.repo;
    let (n_collected, n_sent) = (review.n_collected(), review.n_sent());
    let shown: Vec<_> = view.patches.iter().map(|patch| patch.file.path.clone()).collect();
    // Those about a file on this page stand beside its lines.
    let elsewhere = review.comments.into_iter().filter(|comment| !shown.contains(&comment.path));
    let comments = elsewhere
        .map(|comment| {
            view! {
                <Comment comment repo=repo.clone() place=place.clone() actions is_here=false/>
            }
        })
        .collect_view();
    let is_busy = move || actions.send.pending().get().then_some("true");
    let note = match (n_collected, n_sent) {
        (0, 0) => None,
        (0, sent) => {
            Some(format!("{} for the next run", format::count(sent as u64, "comment", "comments")))
        }
        (open, _) => {
            Some(format!("{} not sent", format::count(open as u64, "comment", "comments")))
        }
    };
    let line = RwSignal::new(String::new());
    let is_open = RwSignal::new(false);
    view! {
        <section class="sec" aria-labelledby="review">
            <div class="sec__head">
                <h2 id="review">"Review"</h2>
                {note.map(|note| view! { <span class="sec__note num">{note}</span> })}
            </div>
            {(n_collected + n_sent == 0).then(|| view! {
                <p class="soft small">
                    "Comment on files and lines. The next run gets all comments together, as its owner's review."
                </p>
            })}
            {comments}
            <CommentForm path=String::new() line is_open place=place.clone() repo=repo.clone() actions/>
            {(n_collected > 0).then(|| view! {
                <PostForm action=actions.send class="btns btns--even">
                    <Where repo=repo.clone() place=place.clone()/>
                    <button class="btn btn--primary" type="submit" name="target" value="next_run" aria-busy=is_busy>
                        "Send to agent"
                    </button>
                    <button class="btn" type="submit" name="target" value="todo" aria-busy=is_busy>
                        "Add to TODO"
                    </button>
                </PostForm>
            })}
        </section>
    }
}

/// One comment.
#[component]
pub(super) fn Comment(
    /// What the owner says.
    comment: ReviewComment,
    /// Id of the repository.
    repo: String,
    /// Where the reader is.
    place: Place,
    /// What can be done with comments.
    actions: ReviewActions,
    /// Whether it stands beside the lines it is about.
    is_here: bool,
) -> impl IntoView {
    let about = match (is_here, comment.line) {
        (true, Some(line)) => format!("line {line}"),
        (true, None) => "the file".to_owned(),
        (false, _) => comment.place(),
    };
    let state = if comment.is_sent { "for the next run" } else { "not sent" };
    let label = format!("Delete the comment on {about}");
    let quote = comment.quote.trim().to_owned();
    view! {
        <div class="note">
            <p class="row row--wrap small">
                <strong>"You"</strong>
                <span class="muted">{about} {(!comment.place().is_empty()).then_some(", ")} {state} ", " <When at=comment.at/></span>
            </p>
            {(!quote.is_empty()).then(|| view! { <code class="note__quote clip">{quote}</code> })}
            <p class="words">{comment.text}</p>
            <PostForm action=actions.remove class="btns">
                <Where repo place/>
                <input type="hidden" name="id" value=comment.id/>
                <button class="btn btn--ghost" type="submit" aria-label=label>"Delete"</button>
            </PostForm>
        </div>
    }
}

/// The form for a comment; a click on a line opens it.
#[component]
pub(super) fn CommentForm(
    /// The file; empty for the whole.
    path: String,
    /// The line that was chosen.
    line: RwSignal<String>,
    /// Whether it is open.
    is_open: RwSignal<bool>,
    /// Where the reader is.
    place: Place,
    /// Id of the repository.
    repo: String,
    /// What can be done with comments.
    actions: ReviewActions,
) -> impl IntoView {
    let is_general = path.is_empty();
    let word = if is_general { "Comment on the whole" } else { "Comment" };
    let about = if is_general { "the whole".to_owned() } else { path.clone() };
    let is_busy = move || actions.add.pending().get().then_some("true");
    let (run, branch) = (place.run, place.branch);
    view! {
        <details class="say" prop:open=move || is_open.get()>
            <summary class="say__open">{word}</summary>
            <PostForm action=actions.add class="say__form">
                <Where repo place/>
                {run.map(|run| view! { <input type="hidden" name="run" value=run/> })}
                <input type="hidden" name="branch" value=branch.to_string()/>
                <input type="hidden" name="path" value=path/>
                {if is_general {
                    view! { <input type="hidden" name="line" value=""/> }.into_any()
                } else {
                    view! {
                        <label class="say__line">
                            "Line, if it is about one"
                            <input
                                class="input"
                                name="line"
                                inputmode="numeric"
                                autocomplete="off"
                                prop:value=move || line.get()
                                on:input=move |event| line.set(event_target_value(&event))
                            />
                        </label>
                    }.into_any()
                }}
                <textarea
                    class="input"
                    name="text"
                    rows="3"
                    required
                    aria-label=format!("Comment on {about}")
                ></textarea>
                <div class="btns">
                    <button class="btn" type="submit" aria-busy=is_busy>"Add comment"</button>
                </div>
            </PostForm>
        </details>
    }
}
