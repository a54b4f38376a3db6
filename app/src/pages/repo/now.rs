//! What the repository does now, or did last.

use car_domain::run::{RunKind, RunSummary};
use car_domain::view::{Activity, RunSettings};
use leptos::prelude::*;

use super::actions::{ActionButtons, RunActions};
use super::store::RepoStore;
use crate::components::{Fact, InlineText, RunTime, Steps, When};
use car_domain::format;

/// The current or last run.
#[component]
pub(super) fn Now(
    /// The dashboard.
    store: RepoStore,
    /// Its actions.
    actions: RunActions,
) -> impl IntoView {
    let has_run = Memo::new(move |_| store.last_run.with(Option::is_some));
    let title = Memo::new(move |_| {
        store
            .last_run
            .with(|run| run.as_ref().map(run_title))
            .unwrap_or_else(|| "No runs yet".into())
    });
    let is_live = Memo::new(move |_| {
        store.activity.get().is_active() && store.activity.get() != Activity::Waiting
    });
    view! {
        <section class="sec" aria-labelledby="now">
            <RunLine store/>
            <h2 id="now" class="now__title"><InlineText text=title/></h2>
            <Reason store/>
            <div class="phone"><ActionButtons store actions/></div>
            {move || if has_run.get() {
                view! {
                    <Facts store/>
                    <Steps
                        cells=store.log.cells
                        n_earlier=store.log.n_earlier
                        is_live
                        last_at=store.log.last_at
                    />
                }.into_any()
            } else {
                view! { <FirstRun store/> }.into_any()
            }}
        </section>
    }
}

/// What a run is about.
fn run_title(run: &RunSummary) -> String {
    match (&run.item, run.kind) {
        (_, RunKind::Report) => "Write the final report".to_owned(),
        (Some(item), RunKind::Work) => item.clone(),
        (None, RunKind::Work) => format!("Run {}", run.run),
    }
}

/// Which run it is and how far it is.
#[component]
fn RunLine(
    /// The dashboard.
    store: RepoStore,
) -> impl IntoView {
    let line = Memo::new(move |_| {
        store.last_run.with(|run| {
            let run = run.as_ref()?;
            let word = run.end.as_ref().map(|end| end.outcome.word().to_lowercase());
            Some((run.run, word, run.finished_at))
        })
    });
    move || {
        let line = match line.get()? {
            (run, Some(word), Some(at)) => {
                view! { "Last run " {run} ", " {word} " " <When at/> }.into_any()
            }
            (run, Some(word), None) => view! { "Last run " {run} ", " {word} }.into_any(),
            (run, None, _) => view! { "Now, run " {run} }.into_any(),
        };
        Some(view! { <p class="small muted num">{line}</p> })
    }
}

/// Why the state is what it is, when the word does not say it all.
#[component]
fn Reason(
    /// The dashboard.
    store: RepoStore,
) -> impl IntoView {
    let reason = Memo::new(move |_| {
        store.state.with(|state| state.detail.clone().map(|detail| (state.activity, detail)))
    });
    move || {
        reason.get().map(|(activity, detail)| {
            let is_bad = matches!(activity, Activity::Failed | Activity::Interrupted);
            view! {
                <div class="reason" class:reason--bad=is_bad role=is_bad.then_some("alert")>
                    <span class=format!("state state--{}", activity.shape())>
                        <span class="state__glyph" aria-hidden="true"></span>
                    </span>
                    <p><InlineText text=detail/></p>
                </div>
            }
        })
    }
}

#[component]
fn Facts(
    /// The dashboard.
    store: RepoStore,
) -> impl IntoView {
    let run = Memo::new(move |_| store.last_run.get().unwrap_or_else(|| RunSummary::new(0)));
    let is_open = Memo::new(move |_| run.with(|run| run.end.is_none()));
    let tokens = move || run.with(|run| format::tokens(run.usage.total()));
    let cached = Signal::derive(move || {
        let usage = run.with(|run| run.usage);
        let percent = format::percent(usage.cached_input_tokens, usage.input_tokens);
        (percent > 0).then(|| format!("{percent}% cached"))
    });
    let agent = move || run.with(|run| run.agent.clone());
    let model = Signal::derive(move || store.settings.with(|settings| settings.model.clone()));
    let stops = move || {
        if store.state.with(|state| state.stop_requested) {
            "after this run".to_owned()
        } else {
            "when TODO is done".to_owned()
        }
    };
    let or_stops = Signal::derive(move || {
        let is_asked = store.state.with(|state| state.stop_requested);
        store.settings.with(or_stops).filter(|_| !is_asked)
    });
    view! {
        <dl class="facts">
            <div>
                <dt>{move || if is_open.get() { "Elapsed" } else { "Took" }}</dt>
                <dd><RunTime run/></dd>
            </div>
            <Fact label="Tokens this run" note=cached>{tokens}</Fact>
            <Fact label="Agent" note=model>{agent}</Fact>
            <Fact label="Loop stops" note=or_stops>{stops}</Fact>
        </dl>
    }
}

fn or_stops(settings: &RunSettings) -> Option<String> {
    let n_runs = settings.stop_after_runs?;
    Some(format!("or after {}", format::count(n_runs, "run", "runs")))
}

/// Before the first run: what to do.
#[component]
fn FirstRun(
    /// The dashboard.
    store: RepoStore,
) -> impl IntoView {
    let has_items = Memo::new(move |_| !store.todo.with(Vec::is_empty));
    let agent = move || {
        let command = store.settings.with(|settings| settings.agent.clone());
        let program = command.split_whitespace().next().unwrap_or("the agent").to_owned();
        program.rsplit('/').next().unwrap_or_default().to_owned()
    };
    move || {
        if has_items.get() {
            view! {
                <p class="soft measure">
                    "Start the loop: CAR gives the open TODO items to " <code>{agent()}</code>
                    ", run after run, until every box is ticked. Each step shows here as it happens."
                </p>
            }
            .into_any()
        } else {
            view! {
                <p class="soft measure">
                    "Write down what is to be done first: add lines like "
                    <code>"- [ ] Fix the login page"</code>
                    " to the TODO document, then start the loop."
                </p>
            }
            .into_any()
        }
    }
}
