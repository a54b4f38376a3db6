//! What needs a person, above everything else: open requests that can be answered here, failures, limits, silence.

use std::collections::HashSet;

use car_domain::conversation::{AgentRequest, Decision, Question, RequestSubject};
use car_domain::format;
use car_domain::view::{Activity, RepoRow};
use leptos::prelude::*;

use super::query::{HubQuery, Over, Show};
use super::row::item_words;
use super::store::HubStore;
use crate::base::at;
use crate::clock::Clock;
use crate::components::{InlineText, PostForm, StateShape};
use crate::routes::repo_path;

/// Entries shown; the list below has all of them.
const MAX_SHOWN: usize = 12;
/// Files of a change that are named.
const MAX_FILES: usize = 6;

/// One thing that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    /// Id of the repository.
    repo: String,
    /// Id of what its agent asks; absent when it asks nothing.
    request: Option<String>,
}

fn entries(rows: &[RepoRow]) -> Vec<Entry> {
    let of = |row: &RepoRow| {
        let entry = |request: Option<String>| Entry { repo: row.id.clone(), request };
        let asks = row.asks();
        if asks.is_empty() {
            return vec![entry(None)];
        }
        asks.iter().map(|request| entry(Some(request.id.clone()))).collect()
    };
    rows.iter().filter(|row| row.state.activity.needs_person()).flat_map(of).collect()
}

/// The section; not there when nobody is needed.
#[component]
pub(super) fn Inbox(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let all = Memo::new(move |_| hub.rows.with(|rows| entries(rows)));
    let n_all = Memo::new(move |_| all.with(Vec::len));
    let shown = move || all.with(|all| all.iter().take(MAX_SHOWN).cloned().collect::<Vec<_>>());
    let more = move || n_all.get().saturating_sub(MAX_SHOWN);
    let link = HubQuery { show: Show::Needs, ..HubQuery::default() }.path();
    view! {
        <section class="sec" aria-labelledby="needs" hidden=move || n_all.get() == 0>
            <div class="sec__head">
                <h2 id="needs" tabindex="-1">"Needs you"</h2>
                <span class="count count--needs">{n_all}</span>
            </div>
            <ul class="panel asks" aria-live="polite">
                <For each=shown key=Entry::clone let:entry>
                    <EntryView hub entry/>
                </For>
            </ul>
            <p class="small" hidden=move || more() == 0>
                <a href=at(&link)>{move || format!("{} more", more())}</a>
            </p>
        </section>
    }
}

#[component]
fn EntryView(
    /// The hub.
    hub: HubStore,
    /// What it is about.
    entry: Entry,
) -> impl IntoView {
    let first =
        hub.rows.with_untracked(|rows| rows.iter().find(|row| row.id == entry.repo).cloned());
    first.map(|first| {
        let row = hub.row(first);
        let activity = Memo::new(move |_| row.with(|row| row.state.activity));
        let asked = entry.request.and_then(|id| {
            row.with_untracked(|row| row.asks().iter().find(|request| request.id == id).cloned())
        });
        let page = at(&repo_path(&entry.repo, None));
        let asked_at = asked.as_ref().map(|request| request.asked_at);
        let is_question =
            asked.as_ref().map(|asked| matches!(asked.subject, RequestSubject::Questions { .. }));
        let clock = Clock::get();
        let words = Memo::new(move |_| {
            let since = asked_at.or_else(|| row.with(|row| row.state.since));
            let ago = since.map(|since| format::coarse(clock.about_now().since(since)));
            row.with(|row| head_words(row, is_question, ago.as_deref()))
        });
        view! {
            <li class="ask">
                <StateShape activity/>
                <div>
                    <p class="ask__head">
                        <a href=page>{move || row.with(|row| row.name.clone())}</a> " " <span>{words}</span>
                    </p>
                    {match &asked {
                        Some(request) => view! { <Asked request=request.clone()/> }.into_any(),
                        None => view! { <Why row/> }.into_any(),
                    }}
                </div>
                {match asked {
                    Some(request) => view! { <Answers hub repo=entry.repo request/> }.into_any(),
                    None => view! { <Remedies hub row/> }.into_any(),
                }}
            </li>
        }
    })
}

/// `Approval, run 58, waiting 4 min`, `Failed, run 41, 38 min ago`.
fn head_words(row: &RepoRow, is_question: Option<bool>, ago: Option<&str>) -> String {
    let activity = row.state.activity;
    let what = match is_question {
        Some(true) => "Question",
        Some(false) => "Approval",
        None => activity.word(),
    };
    let run = row.last_run.as_ref().map(|run| format!(", run {}", run.run)).unwrap_or_default();
    let waits = matches!(activity, Activity::Approval | Activity::Question);
    let since = match ago {
        None => String::new(),
        Some("just now") => ", just now".to_owned(),
        Some(ago) if waits => format!(", waiting {ago}"),
        Some(ago) if activity == Activity::Stalled => format!(", silent for {ago}"),
        Some(ago) => format!(", {ago} ago"),
    };
    format!("{what}{run}{since}")
}

#[component]
fn Why(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let text = Memo::new(move |_| row.with(item_words));
    view! { <p class="ask__text"><InlineText text/></p> }
}

/// What the agent asks for. All of it is the agent's text and only ever becomes text.
#[component]
fn Asked(
    /// What it asks.
    request: AgentRequest,
) -> impl IntoView {
    let says = |usual: &str| request.reason.clone().unwrap_or_else(|| usual.to_owned());
    let text = |text: String| view! { <p class="ask__text"><InlineText text/></p> };
    match request.subject {
        RequestSubject::Command { ref command, ref cwd } => {
            let place = cwd
                .as_ref()
                .map(|cwd| view! { <p class="small muted">"in " <code>{cwd.clone()}</code></p> });
            view! {
                {text(says("The agent wants to run a command."))}
                <code class="ask__cmd">{command.clone()}</code>
                {place}
            }
            .into_any()
        }
        RequestSubject::Files { ref changes } => {
            let n = format::count(changes.len() as u64, "file", "files");
            let named = changes.iter().take(MAX_FILES).map(|change| {
                view! { <code class="ask__cmd">{change.kind.clone()} " " {change.path.clone()}</code> }
            });
            let more = changes.len().saturating_sub(MAX_FILES);
            view! {
                {text(says(&format!("The agent wants to change {n}.")))}
                {named.collect_view()}
                {(more > 0).then(|| view! { <p class="small muted">"and " {more} " more"</p> })}
            }
            .into_any()
        }
        RequestSubject::Permissions { ref permissions } => view! {
            {text(says("The agent wants more rights than its sandbox gives it."))}
            <code class="ask__cmd">{permissions.to_string()}</code>
        }
        .into_any(),
        RequestSubject::Tool { ref server, ref message } => view! {
            {text(says(&format!("{server} asks:")))}
            {text(message.clone())}
        }
        .into_any(),
        RequestSubject::Questions { ref questions } => {
            let only = questions.len() == 1;
            let shown =
                questions.iter().filter(|_| only).map(|question| text(question.text.clone()));
            shown.collect_view().into_any()
        }
    }
}

/// The decisions that are offered, or the questions with their answers.
#[component]
fn Answers(
    /// The hub.
    hub: HubStore,
    /// Id of the repository.
    repo: String,
    /// What is asked.
    request: AgentRequest,
) -> impl IntoView {
    let which = (repo, request.id);
    if let RequestSubject::Questions { questions } = request.subject {
        return match <[Question; 1]>::try_from(questions) {
            Ok([question]) => view! { <OneQuestion hub which question/> }.into_any(),
            Err(questions) => view! { <ManyQuestions hub which questions/> }.into_any(),
        };
    }
    let button = |decision: &Decision| {
        let (look, words) = match decision {
            Decision::Accept => ("btn btn--primary", "Approve once".to_owned()),
            Decision::AcceptForSession => ("btn", "Approve for this run".to_owned()),
            Decision::AcceptAlways(words) => {
                ("btn btn--ghost", format!("Always approve {}", words.join(" ")))
            }
            Decision::ApplyNetworkRule(_) => ("btn btn--ghost", "Always for this host".to_owned()),
            Decision::Decline => ("btn", "Deny".to_owned()),
            Decision::Cancel => ("btn btn--ghost", "Deny and end the run".to_owned()),
            Decision::Answers(_) => ("btn", "Answer".to_owned()),
        };
        view! { <button class=look type="submit" name="decision" value=decision.word()>{words}</button> }
    };
    let mut seen = HashSet::new();
    let offered = request.offered.iter().filter(|decision| seen.insert(decision.word()));
    let buttons = offered.map(button).collect_view();
    view! {
        <PostForm action=hub.answer class="btns btns--even">
            <Which which/>
            {buttons}
        </PostForm>
    }
    .into_any()
}

/// Which request a form is about.
#[component]
fn Which(
    /// Ids of repository and request.
    which: (String, String),
) -> impl IntoView {
    view! {
        <input type="hidden" name="repo" value=which.0/>
        <input type="hidden" name="request" value=which.1/>
    }
}

/// A question with its answers as buttons, and room for another one.
#[component]
fn OneQuestion(
    /// The hub.
    hub: HubStore,
    /// Ids of repository and request.
    which: (String, String),
    /// The question.
    question: Question,
) -> impl IntoView {
    let choices = question.options.iter().map(|option| {
        view! {
            <button
                class="btn"
                type="submit"
                name="answers[0][text]"
                value=option.label.clone()
                title=option.description.clone()
            >
                {option.label.clone()}
            </button>
        }
    });
    let choices = choices.collect_view();
    let has_choices = !question.options.is_empty();
    let takes_text = question.allows_other || !has_choices;
    let (choosing, chosen) = (which.clone(), question.id.clone());
    view! {
        <div class="ask__answers">
            {has_choices.then(|| view! {
                <PostForm action=hub.answer class="btns btns--even">
                    <Which which=choosing/>
                    <input type="hidden" name="answers[0][id]" value=chosen/>
                    {choices}
                </PostForm>
            })}
            {takes_text.then(|| view! {
                <PostForm action=hub.answer class="ask__reply">
                    <Which which/>
                    <input type="hidden" name="answers[0][id]" value=question.id/>
                    <AnswerField name="answers[0][text]".to_owned() label="Your answer".to_owned() is_secret=question.is_secret/>
                    <button class="btn" type="submit">"Reply"</button>
                </PostForm>
            })}
        </div>
    }
}

#[component]
fn AnswerField(
    /// Its name in the form.
    name: String,
    /// What it is for.
    label: String,
    /// Whether what is typed must not be shown.
    is_secret: bool,
) -> impl IntoView {
    let kind = if is_secret { "password" } else { "text" };
    view! {
        <input class="input" type=kind name=name required aria-label=label.clone() placeholder=label autocomplete="off"/>
    }
}

/// Several questions that are answered together.
#[component]
fn ManyQuestions(
    /// The hub.
    hub: HubStore,
    /// Ids of repository and request.
    which: (String, String),
    /// The questions.
    questions: Vec<Question>,
) -> impl IntoView {
    let view_of = |(index, question): (usize, Question)| {
        let name = format!("answers[{index}][text]");
        let field = match (question.options.is_empty(), question.allows_other) {
            (true, _) | (_, true) => {
                let label = question.header.clone();
                view! { <AnswerField name label is_secret=question.is_secret/> }.into_any()
            }
            (false, false) => {
                let choice = |option: &car_domain::conversation::QuestionOption| {
                    view! {
                        <label class="chip">
                            <input type="radio" class="vh" name=name.clone() value=option.label.clone() required/>
                            {option.label.clone()}
                        </label>
                    }
                };
                view! { <div class="chips">{question.options.iter().map(choice).collect_view()}</div> }.into_any()
            }
        };
        view! {
            <fieldset class="ask__question">
                <legend><InlineText text=question.text.clone()/></legend>
                <input type="hidden" name=format!("answers[{index}][id]") value=question.id/>
                {field}
            </fieldset>
        }
    };
    let questions = questions.into_iter().enumerate().map(view_of).collect_view();
    view! {
        <PostForm action=hub.answer class="ask__answers">
            <Which which/>
            {questions}
            <div class="btns"><button class="btn btn--primary" type="submit">"Send answers"</button></div>
        </PostForm>
    }
}

/// What helps where nothing is asked.
#[component]
fn Remedies(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let id = row.with_untracked(|row| row.id.clone());
    let is_active = Memo::new(move |_| row.with(|row| row.state.activity.is_active()));
    let run = Memo::new(move |_| row.with(|row| row.last_run.as_ref().map(|run| run.run)));
    let page = repo_path(&id, None);
    let kill = Over::Kill(id.clone());
    let kill = Memo::new(move |_| at(&hub.query.with(|query| query.with(kill.clone())).path()));
    let see = move || {
        let run = run.get()?;
        let href = at(&format!("{page}/runs/{run}"));
        let words = if is_active.get() { "See the run" } else { "See what happened" };
        Some(view! { <a class="btn btn--ghost" href=href>{words}</a> })
    };
    view! {
        <PostForm action=hub.run class="btns btns--even">
            <input type="hidden" name="repo" value=id/>
            {move || if is_active.get() {
                view! { <a class="btn" href=kill data-noscroll="">"Kill…"</a> }.into_any()
            } else {
                view! { <button class="btn" type="submit" name="verb" value="start">"Start again"</button> }.into_any()
            }}
            {see}
        </PostForm>
    }
}

#[cfg(test)]
mod tests {
    use car_domain::run::RunSummary;
    use car_domain::view::{DayTokens, StateView};

    use super::*;

    fn row(activity: Activity, asks: &[&str]) -> RepoRow {
        let state = StateView {
            activity,
            since: None,
            detail: None,
            until: None,
            stop_requested: false,
            runner_pid: None,
        };
        let mut run = RunSummary::new(58);
        let request = |id: &&str| AgentRequest {
            id: (*id).to_owned(),
            thread_id: String::new(),
            turn_id: String::new(),
            item_id: String::new(),
            asked_at: car_domain::Timestamp::from_millis(0),
            reason: None,
            subject: RequestSubject::Command { command: "make".into(), cwd: None },
            offered: vec![Decision::Accept],
        };
        run.asks = asks.iter().map(request).collect();
        RepoRow {
            id: "api".into(),
            name: "api".into(),
            branch: None,
            state,
            todo_done: 0,
            todo_open: 1,
            next_item: None,
            last_run: Some(run),
            worktree_of: None,
            tokens: DayTokens::default(),
            pull_request: None,
        }
    }

    #[test]
    fn every_open_request_is_an_entry_and_so_is_every_failure() {
        let rows = [
            row(Activity::Approval, &["a", "b"]),
            row(Activity::Failed, &[]),
            row(Activity::Running, &["old"]),
        ];
        let requests: Vec<_> = entries(&rows).into_iter().map(|entry| entry.request).collect();
        assert_eq!(requests, [Some("a".to_owned()), Some("b".to_owned()), None]);
    }

    #[test]
    fn an_entry_says_what_it_is_and_since_when() {
        let failed = row(Activity::Failed, &[]);
        assert_eq!(head_words(&failed, None, Some("38 min")), "Failed, run 58, 38 min ago");
        let asks = row(Activity::Approval, &["a"]);
        assert_eq!(
            head_words(&asks, Some(false), Some("4 min")),
            "Approval, run 58, waiting 4 min"
        );
        assert_eq!(head_words(&asks, Some(true), None), "Question, run 58");
        let silent = row(Activity::Stalled, &[]);
        assert_eq!(head_words(&silent, None, Some("11 min")), "Stalled, run 58, silent for 11 min");
    }
}
