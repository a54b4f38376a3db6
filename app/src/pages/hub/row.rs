//! One repository in the list.

use car_domain::format;
use car_domain::view::{Activity, RepoRow, RunAction};
use leptos::prelude::*;

use super::arrange::last_output;
use super::query::Over;
use super::store::HubStore;
use crate::base::at;
use crate::clock::Clock;
use crate::components::{Glyph, Icon, InlineText, PostForm, StateBadge, When};
use crate::routes::repo_path;

/// Where a row stands in the list.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    /// Whether under the repository it is a worktree of.
    pub is_under: bool,
    /// Its place, from 1.
    pub place: Signal<usize>,
    /// How many lines there are.
    pub of: Memo<usize>,
}

/// A row: name and item, state, progress, tokens, branch, what can be done.
#[component]
pub(super) fn FleetRow(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
    /// Where it stands.
    standing: Standing,
) -> impl IntoView {
    let state = Memo::new(move |_| row.with(|row| row.state.clone()));
    let item = Memo::new(move |_| row.with(item_words));
    let id = row.with_untracked(|row| row.id.clone());
    let page = at(&repo_path(&id, None));
    let selects = Memo::new(move |_| hub.query.with(|query| query.selects));
    view! {
        <li
            class="fleet__row"
            class:fleet__row--under=standing.is_under
            aria-posinset=standing.place
            aria-setsize=standing.of
        >
            {move || selects.get().then(|| view! { <Tick hub row/> })}
            <span class="fleet__name">
                <a class="clip" href=page>{move || row.with(|row| row.name.clone())}</a>
                <span class="fleet__step"><InlineText text=item/></span>
            </span>
            <span class="fleet__state">
                <StateBadge state/>
                <span class="clip phone"><InlineText text=item/></span>
            </span>
            <Progress row/>
            <Spent row/>
            <span class="fleet__git"><Branch row/><PullOrRun row/></span>
            <span class="fleet__acts"><RowActions hub row id/></span>
        </li>
    }
}

/// Selects the row.
#[component]
fn Tick(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let id = row.with_untracked(|row| row.id.clone());
    let (known, toggled) = (id.clone(), id.clone());
    let is_on = Memo::new(move |_| hub.selected.with(|selected| selected.contains(&known)));
    view! {
        <label class="fleet__tick">
            <input
                type="checkbox"
                class="tickbox"
                form="bulk"
                name="repos[]"
                value=id
                autocomplete="off"
                prop:checked=is_on
                on:change=move |event| {
                    let is_on = event_target_checked(&event);
                    hub.selected.update(|selected| {
                        if is_on { selected.insert(toggled.clone()) } else { selected.remove(&toggled) };
                    });
                }
            />
            <span class="vh">"Select " {move || row.with(|row| row.name.clone())}</span>
        </label>
    }
}

/// Ticked items of all.
#[component]
fn Progress(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let counts =
        Memo::new(move |_| row.with(|row| (row.todo_done, row.todo_open, row.state.activity)));
    let total = move || {
        let (done, open, _) = counts.get();
        done + open
    };
    let share = move || format!("{}%", format::percent(counts.get().0 as u64, total() as u64));
    let bar = move || match counts.get() {
        (_, 0, _) => "bar bar--done",
        (_, _, Activity::Running) => "bar bar--run",
        _ => "bar",
    };
    move || {
        if total() == 0 {
            return view! { <span class="prog">"No TODO yet"</span> }.into_any();
        }
        view! {
            <span class="prog">
                <span>
                    <span class="prog__n">{move || counts.get().0}</span> " of " {total}
                    <span class="vh">" done"</span>
                </span>
                <span class=bar aria-hidden="true"><i style=("--v", share)></i></span>
            </span>
        }
        .into_any()
    }
}

/// Tokens of today, and how long ago the agent said something.
#[component]
fn Spent(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let clock = Clock::get();
    let tokens = Memo::new(move |_| row.with(|row| row.tokens_today(clock.about_now())));
    let output = Memo::new(move |_| {
        let at = row.with(last_output)?;
        Some(match format::coarse(clock.about_now().since(at)).as_str() {
            "just now" => "Output just now".to_owned(),
            ago => format!("Output {ago} ago"),
        })
    });
    view! {
        <span class="fleet__spent">
            <span class="num">{move || format!("{} today", format::tokens(tokens.get()))}</span>
            <span class="clip">{move || output.get().unwrap_or_else(|| "No output yet".to_owned())}</span>
        </span>
    }
}

/// What is said below a repository's name: why it stands still, else what it works on or will work on.
pub(super) fn item_words(row: &RepoRow) -> String {
    let state = &row.state;
    if let Some(detail) =
        state.detail.clone().filter(|_| !matches!(state.activity, Activity::Running))
    {
        return detail;
    }
    let at_work = row.last_run.as_ref().filter(|_| state.activity == Activity::Running);
    match (at_work.and_then(|run| run.item.clone()), &row.next_item) {
        (Some(item), _) => item,
        (None, Some(next)) => format!("Next: {next}"),
        (None, None) if row.todo_done == 0 => "Write a TODO to start".to_owned(),
        (None, None) => "No open TODO items".to_owned(),
    }
}

#[component]
fn Branch(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let branch = Memo::new(move |_| row.with(|row| row.branch.clone()));
    move || {
        branch.get().map(|branch| {
            view! { <span class="tag clip"><Icon glyph=Glyph::Branch/><span class="clip">{branch}</span></span> }
        })
    }
}

/// The pull request; without one the last run.
#[component]
fn PullOrRun(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let pull_request = Memo::new(move |_| row.with(|row| row.pull_request.clone()));
    move || {
        match pull_request.get() {
        Some(pr) => view! {
            <span class="clip">
                <a class="fleet__pr" href=pr.url rel="noreferrer external" target="_blank">"#" {pr.number}</a>
                " " {pr.state}
            </span>
        }
        .into_any(),
        None => view! { <LastRun row/> }.into_any(),
    }
    }
}

#[component]
fn LastRun(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let last = Memo::new(move |_| {
        row.with(|row| {
            row.last_run.as_ref().map(|run| {
                let word = run.end.as_ref().map_or("running", |end| end.outcome.word());
                (format!("Run {} {}", run.run, word.to_lowercase()), run.finished_at)
            })
        })
    });
    move || match last.get() {
        Some((words, Some(at))) => {
            view! { <span class="clip">{words} ", " <When at/></span> }.into_any()
        }
        Some((words, None)) => view! { <span class="clip">{words}</span> }.into_any(),
        None => view! { <span>"No runs yet"</span> }.into_any(),
    }
}

/// What is offered first in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// Start the loop.
    Start,
    /// Stop it after its run.
    Stop,
    /// Nothing: it stops already, or there is nothing to do.
    None,
}

/// What is offered first for a row.
pub(super) fn first_offer(row: &RepoRow) -> First {
    match row.state.activity.is_active() {
        true if row.state.stop_requested => First::None,
        true => First::Stop,
        false if row.todo_done + row.todo_open == 0 => First::None,
        false => First::Start,
    }
}

/// The first action as a button, all others behind a link.
#[component]
fn RowActions(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
    /// Its id.
    id: String,
) -> impl IntoView {
    let offer = Memo::new(move |_| row.with(first_offer));
    let name = Memo::new(move |_| row.with(|row| row.name.clone()));
    let over = Over::Menu(id.clone());
    let menu = Memo::new(move |_| at(&hub.query.with(|query| query.with(over.clone())).path()));
    view! {
        {move || {
            let (verb, value, glyph, label) = match offer.get() {
                First::Start => (RunAction::Start, "start", Glyph::Play, format!("Start {}", name.get())),
                First::Stop => (
                    RunAction::Stop, "stop", Glyph::Pause, format!("Stop {} after its run", name.get()),
                ),
                First::None => return view! { <span class="fleet__noact"></span> }.into_any(),
            };
            let (repo, busy) = (id.clone(), id.clone());
            let is_busy = Memo::new(move |_| hub.is_busy(&busy, verb));
            view! {
                <PostForm action=hub.run class="fleet__act">
                    <input type="hidden" name="repo" value=repo/>
                    <button
                        class="btn btn--icon"
                        type="submit"
                        name="verb"
                        value=value
                        aria-label=label
                        aria-busy=move || is_busy.get().then_some("true")
                        on:click=move |event| {
                            if is_busy.get_untracked() {
                                event.prevent_default();
                            }
                        }
                    >
                        <Icon glyph/>
                    </button>
                </PostForm>
            }.into_any()
        }}
        <a class="btn btn--icon" href=menu data-noscroll="" aria-label=move || format!("More for {}", name.get())>
            <Icon glyph=Glyph::More/>
        </a>
    }
}
