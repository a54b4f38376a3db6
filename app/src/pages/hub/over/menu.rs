//! Everything that can be done with a repository, and what a phone has no column for.

use car_domain::format;
use car_domain::view::{RepoRow, RunAction};
use leptos::prelude::*;

use super::{Close, id_of, leads_to};
use crate::base::at;
use crate::clock::Clock;
use crate::components::{Glyph, Icon, Pair, PostForm, StateBadge, When};
use crate::pages::Tab;
use crate::pages::hub::arrange::last_output;
use crate::pages::hub::query::Over;
use crate::pages::hub::store::HubStore;

/// The menu.
#[component]
pub(super) fn Menu(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let id = id_of(row);
    let state = Memo::new(move |_| row.with(|row| row.state.clone()));
    let is_worktree = row.with_untracked(|row| row.worktree_of.is_some());
    let link = |over: Over, glyph: Glyph, words: &'static str, look: &'static str| {
        view! {
            <a class=look href=leads_to(hub, over) data-noscroll=""><Icon glyph/>{words}</a>
        }
    };
    let page = |tab: Tab, glyph: Glyph| {
        view! { <a class="menu__item" href=at(&tab.path(&id, None))><Icon glyph/>{tab.word()}</a> }
    };
    view! {
        <h2 id="over-title" class="clip">{move || row.with(|row| row.name.clone())}</h2>
        <StateBadge state/>
        <Facts row/>
        <Verbs hub row/>
        <div class="menu-list">
            {(!is_worktree).then(|| {
                link(Over::Worktree(id.clone()), Glyph::Branch, "New worktree…", "menu__item")
            })}
            {page(Tab::Overview, Glyph::Overview)}
            {page(Tab::Runs, Glyph::Runs)}
            {page(Tab::Docs, Glyph::Docs)}
            {page(Tab::Terminal, Glyph::Terminal)}
            {link(
                Over::Remove(id.clone()),
                Glyph::Remove,
                if is_worktree { "Clean up worktree…" } else { "Remove…" },
                "menu__item menu__item--danger",
            )}
        </div>
        <Close hub words="Close"/>
    }
}

/// What can be asked of its loop now.
#[component]
fn Verbs(
    /// The hub.
    hub: HubStore,
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let id = id_of(row);
    let kill = leads_to(hub, Over::Kill(id.clone()));
    let stands = Memo::new(move |_| {
        row.with(|row| {
            let has_items = row.todo_done + row.todo_open > 0;
            (row.state.activity.is_active(), row.state.stop_requested, has_items)
        })
    });
    let repo = id.clone();
    let verb = move |verb: RunAction, name: &'static str, glyph: Glyph, words: &'static str| {
        let id = repo.clone();
        view! {
            <button
                class="menu__item"
                type="submit"
                name="verb"
                value=name
                aria-busy=move || hub.is_busy(&id, verb).then_some("true")
            >
                <Icon glyph/>
                {words}
            </button>
        }
    };
    view! {
        <PostForm action=hub.run class="menu-list">
            <input type="hidden" name="repo" value=id/>
            {move || match stands.get() {
                (false, _, false) => view! {
                    <p class="small muted">"Write a TODO first; then it can be started."</p>
                }.into_any(),
                (false, _, true) => view! {
                    {verb(RunAction::Start, "start", Glyph::Play, "Start")}
                    {verb(RunAction::Once, "once", Glyph::Forward, "Run once")}
                }.into_any(),
                (true, asked, _) => view! {
                    {(!asked).then(|| verb(RunAction::Stop, "stop", Glyph::Pause, "Stop after this run"))}
                    <a class="menu__item menu__item--danger" href=kill.clone() data-noscroll="">
                        <Icon glyph=Glyph::Stop/>
                        "Kill…"
                    </a>
                }.into_any(),
            }}
        </PostForm>
    }
}

#[component]
fn Facts(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let clock = Clock::get();
    let facts = Memo::new(move |_| {
        row.with(|row| {
            (
                row.branch.clone(),
                last_output(row),
                row.pull_request.clone(),
                row.worktree_of.clone(),
            )
        })
    });
    let tokens = Memo::new(move |_| row.with(|row| row.tokens_today(clock.about_now())));
    move || {
        let (branch, output, pull_request, base) = facts.get();
        view! {
            <dl class="kv">
                {branch.map(|branch| view! { <Pair label="Branch"><code>{branch}</code></Pair> })}
                {base.map(|base| view! { <Pair label="Worktree of">{base}</Pair> })}
                <Pair label="Tokens today">{move || format::tokens(tokens.get())}</Pair>
                {output.map(|at| view! { <Pair label="Last output"><When at/></Pair> })}
                {pull_request.map(|pr| view! {
                    <Pair label="Pull request">
                        <a href=pr.url rel="noreferrer external" target="_blank">"#" {pr.number}</a> " " {pr.state}
                    </Pair>
                })}
            </dl>
        }
    }
}
