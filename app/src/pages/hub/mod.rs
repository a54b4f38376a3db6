//! The hub: what needs a person, then all repositories with what they are doing and what can be done with them.
//!
//! How it is looked at, dialogs included, is in the address; everything works by links and forms alone.

mod arrange;
mod bulk;
mod controls;
mod inbox;
mod jobs;
mod list;
mod over;
mod query;
mod row;
mod store;

use car_domain::format;
use car_domain::job::Job;
use car_domain::live::{LiveEvent, Topic};
use car_domain::view::{Activity, RepoRow};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_meta::Title;

use crate::api::{AnswerAsk, BulkAction, RunActionRequest, ScanHub, Site};
use crate::base::at;
use crate::components::{
    ConnectionBanner, FailedPost, Glyph, Icon, MainBar, MainPage, PaletteButton, PostForm,
    ThemeToggle,
};
use crate::fleet::Fleet;
use crate::live::{LiveMessage, use_topics};
use bulk::BulkBar;
use controls::{Chips, Controls};
use inbox::Inbox;
use jobs::{HubJobs, JobList};
use list::FleetList;
use over::Overlay;
use query::{HubQuery, Over};
use store::HubStore;

/// All repositories.
#[component]
pub(super) fn Hub(
    /// What the server serves.
    site: Site,
    /// Work in the background.
    jobs: Vec<Job>,
) -> impl IntoView {
    let fleet = Fleet::get();
    let jobs = HubJobs::new(jobs);
    let hub = HubStore::new(jobs);
    let topics = move || {
        let of_jobs = jobs.active().into_iter().map(Topic::Job);
        std::iter::once(Topic::Hub).chain(of_jobs).collect()
    };
    use_topics(topics, move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(LiveEvent::Job { job }) => jobs.apply(*job),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => fleet.refetch(),
    });
    let rows = hub.rows;
    let Site { name, .. } = site;
    let title = move || rows.with(|rows| title(rows, &name));
    let n_rows = Memo::new(move |_| rows.with(Vec::len));
    let n_shown = Memo::new(move |_| hub.lines.with(Vec::len));
    view! {
        <Title text=title/>
        <Header hub/>
        <Overlay hub/>
        <main class="page page--hub" id="main" tabindex="-1">
            <FailedPost of=&[RunActionRequest::PATH, BulkAction::PATH, AnswerAsk::PATH, ScanHub::PATH]/>
            <Inbox hub/>
            <JobList jobs/>
            <section class="sec" aria-labelledby="fleet">
                <div class="sec__head">
                    <h2 id="fleet" tabindex="-1">"Repositories"</h2>
                    <Chips hub/>
                </div>
                {move || if n_rows.get() == 0 {
                    view! { <NoRepos hub/> }.into_any()
                } else {
                    view! {
                        <Controls hub/>
                        <BulkBar hub/>
                        {move || if n_shown.get() == 0 {
                            view! { <NoneShown hub/> }.into_any()
                        } else {
                            view! { <FleetList hub/> }.into_any()
                        }}
                    }.into_any()
                }}
            </section>
        </main>
        <MainBar is_hub=true page=MainPage::Home/>
    }
}

#[component]
fn Header(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let counts = Memo::new(move |_| {
        hub.rows.with(|rows| {
            let n_worktrees = rows.iter().filter(|row| row.worktree_of.is_some()).count() as u64;
            (rows.len() as u64 - n_worktrees, n_worktrees)
        })
    });
    let words = move || {
        let (n_repos, n_worktrees) = counts.get();
        let repos = format::count(n_repos, "repository", "repositories");
        match n_worktrees {
            0 => repos,
            n => format!("{repos}, {}", format::count(n, "worktree", "worktrees")),
        }
    };
    let add = move || at(&hub.query.with(|query| query.with(Over::Add)).path());
    view! {
        <header class="top top--plain">
            <div class="top__row">
                <h1>"Hub"</h1>
                <span class="muted small clip desk num">{words}</span>
                <div class="row push">
                    <PostForm action=hub.jobs.scan class="desk">
                        <button class="btn btn--ghost" type="submit">"Scan"</button>
                    </PostForm>
                    <a class="btn btn--primary desk" href=add data-noscroll=""><Icon glyph=Glyph::Plus/>"Add repository"</a>
                    <PaletteButton class="btn btn--icon narrow needs-browser"/>
                    <span class="narrow"><ThemeToggle/></span>
                    <a class="btn btn--icon phone" href=add data-noscroll="" aria-label="Add repository">
                        <Icon glyph=Glyph::Plus/>
                    </a>
                </div>
            </div>
            <ConnectionBanner/>
        </header>
    }
}

/// What needs a person or is going on first, so that a tab in the background tells it.
fn title(rows: &[RepoRow], name: &str) -> String {
    let n = |is: fn(Activity) -> bool| rows.iter().filter(|row| is(row.state.activity)).count();
    match (n(Activity::needs_person), n(Activity::is_active)) {
        (0, 0) => format!("{name} · CAR"),
        (0, n_active) => format!("{n_active} running · {name} · CAR"),
        (1, _) => format!("1 needs you · {name} · CAR"),
        (n_attention, _) => format!("{n_attention} need you · {name} · CAR"),
    }
}

#[component]
fn NoRepos(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let add = move || at(&hub.query.with(|query| query.with(Over::Add)).path());
    view! {
        <div class="empty">
            <Icon glyph=Glyph::Hub/>
            <p class="empty__title">"No repositories yet"</p>
            <p>"Clone one, or run " <code>"car init"</code> " in a git repository below this directory; it appears here."</p>
            <a class="btn btn--primary" href=add data-noscroll=""><Icon glyph=Glyph::Plus/>"Add repository"</a>
        </div>
    }
}

/// A view without a single row.
#[component]
fn NoneShown(
    /// The hub.
    hub: HubStore,
) -> impl IntoView {
    let all = move || {
        let query = hub.query.with(HubQuery::alone);
        at(&HubQuery { show: query::Show::All, text: String::new(), ..query }.path())
    };
    view! {
        <div class="empty">
            <p class="empty__title">"No repository is like that"</p>
            <p>"Others may be; look for other words, or at all of them."</p>
            <a class="btn" href=all data-noscroll="">"Show all"</a>
        </div>
    }
}
