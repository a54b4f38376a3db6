//! The hub: all repositories, those that need a person first.

use car_domain::live::LiveEvent;
use car_domain::view::{Activity, RepoRow};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::Site;
use crate::base::at;
use crate::components::{ConnectionBanner, Glyph, Icon, InlineText, StateBadge, ThemeToggle, When};
use crate::fleet::{Fleet, needs_attention};
use crate::live::{LiveMessage, use_live};
use crate::routes::repo_path;
use car_domain::format;

/// All repositories.
#[component]
pub(super) fn Hub(
    /// What the server serves.
    site: Site,
) -> impl IntoView {
    let fleet = Fleet::get();
    use_live(None, move |message| match message {
        LiveMessage::Event(LiveEvent::Row { row }) => fleet.apply(&row),
        LiveMessage::Event(LiveEvent::Gone { repo }) => fleet.remove(&repo),
        LiveMessage::Event(_) => {}
        LiveMessage::Refetch => fleet.refetch(),
    });
    let rows = fleet.rows();
    let name = site.name.clone();
    let title = move || rows.with(|rows| title(rows, &name));
    let n_rows = Memo::new(move |_| rows.with(Vec::len) as u64);
    view! {
        <Title text=title/>
        <header class="top top--plain">
            <div class="top__row">
                <h1>"Hub"</h1>
                <span class="muted small clip">{site.name}</span>
                <span class="row push narrow">
                    <a class="btn btn--icon" href=at("/settings") aria-label="Settings"><Icon glyph=Glyph::Settings/></a>
                    <ThemeToggle/>
                </span>
            </div>
            <ConnectionBanner/>
        </header>
        <main class="page page--hub" id="main" tabindex="-1">
            <section class="sec" aria-labelledby="fleet">
                <div class="sec__head">
                    <h2 id="fleet">"Repositories"</h2>
                    <span class="sec__note num">{n_rows}</span>
                </div>
                {move || if n_rows.get() == 0 {
                    view! { <NoRepos/> }.into_any()
                } else {
                    view! { <FleetList rows/> }.into_any()
                }}
            </section>
        </main>
    }
}

/// What needs a person or is going on first, so that a tab in the background tells it.
fn title(rows: &[RepoRow], name: &str) -> String {
    let n = |is: fn(Activity) -> bool| rows.iter().filter(|row| is(row.state.activity)).count();
    match (n(needs_attention), n(Activity::is_active)) {
        (0, 0) => format!("{name} · CAR"),
        (0, n_active) => format!("{n_active} running · {name} · CAR"),
        (1, _) => format!("1 needs you · {name} · CAR"),
        (n_attention, _) => format!("{n_attention} need you · {name} · CAR"),
    }
}

#[component]
fn NoRepos() -> impl IntoView {
    view! {
        <div class="empty">
            <Icon glyph=Glyph::Hub/>
            <p class="empty__title">"No repositories yet"</p>
            <p>"Run " <code>"car init"</code> " in a git repository below this directory; it appears here."</p>
        </div>
    }
}

#[component]
fn FleetList(
    /// The repositories in order.
    rows: Memo<Vec<RepoRow>>,
) -> impl IntoView {
    view! {
        <ul class="fleet">
            <li class="fleet__head" aria-hidden="true">
                <span>"Name and item"</span>
                <span>"State"</span>
                <span>"TODO"</span>
                <span class="fleet__git">"Branch and last run"</span>
            </li>
            <For
                each=move || rows.get()
                key=|row| row.id.clone()
                children=move |first| {
                    let row = Memo::new(move |_| {
                        let found = |rows: &Vec<RepoRow>| {
                            rows.iter().find(|row| row.id == first.id).cloned()
                        };
                        rows.with(found).unwrap_or_else(|| first.clone())
                    });
                    view! { <FleetRow row/> }
                }
            />
        </ul>
    }
}

#[component]
fn FleetRow(
    /// The repository.
    row: Memo<RepoRow>,
) -> impl IntoView {
    let state = Memo::new(move |_| row.with(|row| row.state.clone()));
    let item = Memo::new(move |_| row.with(item_words));
    let done = move || row.with(|row| row.todo_done);
    let total = move || row.with(|row| row.todo_done + row.todo_open);
    let share = move || format!("{}%", format::percent(done() as u64, total() as u64));
    let bar = move || match row.with(|row| (row.todo_open, row.state.activity)) {
        (0, _) => "bar bar--done",
        (_, Activity::Running) => "bar bar--run",
        _ => "bar",
    };
    view! {
        <li class="fleet__row">
            <span class="fleet__name">
                <a class="clip" href=move || row.with(|row| at(&repo_path(&row.id, None)))>
                    {move || row.with(|row| row.name.clone())}
                </a>
                <span class="fleet__step"><InlineText text=item/></span>
            </span>
            <span class="fleet__state">
                <StateBadge state/>
                <span class="clip phone"><InlineText text=item/></span>
            </span>
            <span class="prog">
                <span><span class="prog__n">{done}</span> " of " {total}<span class="vh">" done"</span></span>
                <span class=bar aria-hidden="true"><i style=("--v", share)></i></span>
            </span>
            <span class="fleet__git"><Branch row/><LastRun row/></span>
        </li>
    }
}

/// What is said below a repository's name: why it stands still, else what it works on or will work on.
fn item_words(row: &RepoRow) -> String {
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
        (None, None) if row.todo_done == 0 => "No TODO items".to_owned(),
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
