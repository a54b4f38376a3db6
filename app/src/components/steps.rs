//! The timeline of a run: one row per step, details folded.

mod command;
mod row;

use car_domain::Timestamp;
use leptos::prelude::*;

use crate::clock::Clock;
use crate::timeline::{Step, StepKind};
use car_domain::format;
use row::StepRow;

/// Steps that show without asking for more.
const RECENT: usize = 12;

/// A step on the page. The cell stays; what is in it may change.
#[derive(Clone, Debug)]
pub(crate) struct StepCell {
    /// The run it belongs to.
    pub run: Option<u64>,
    /// What is shown.
    pub step: ArcRwSignal<Step>,
    key: u64,
}

impl StepCell {
    /// A cell for a step of a run.
    pub(crate) fn new(run: Option<u64>, step: Step) -> Self {
        Self { run, key: step.key, step: ArcRwSignal::new(step) }
    }

    /// The key of its step.
    pub(crate) fn key(&self) -> u64 {
        self.key
    }
}

/// What of the steps shows.
const FILTERS: [(&str, &str); 4] =
    [("all", "Everything"), ("command", "Commands"), ("edit", "Edits"), ("fail", "Failures")];

/// The steps of a run, all of them, with a choice of what shows. The choice is made of boxes the style sheet obeys.
#[component]
pub(crate) fn Timeline(
    /// The steps, oldest first.
    #[prop(into)]
    cells: Signal<Vec<StepCell>>,
    /// Whether the run is going on.
    #[prop(into)]
    is_live: Signal<bool>,
    /// When the run was last heard of.
    #[prop(into)]
    last_at: Signal<Option<Timestamp>>,
) -> impl IntoView {
    let is_quiet = Memo::new(move |_| is_live.get() && cells.with(|cells| !ends_in_command(cells)));
    let filter = |(value, word): (&'static str, &'static str)| {
        view! {
            <label class="chip">
                <input class="vh" type="radio" name="show" value=value checked=value == "all" autocomplete="off"/>
                {word}
            </label>
        }
    };
    view! {
        <div class="sec__head timeline__head">
            <h3 id="steps">"Timeline"</h3>
            <div class="chips" role="radiogroup" aria-label="Show">
                {FILTERS.map(filter).into_iter().collect_view()}
            </div>
        </div>
        <ol class="steps steps--whole" aria-labelledby="steps">
            <For each=move || cells.get() key=|cell| (cell.run, cell.key) let:cell>
                <StepRow step=cell.step is_live/>
            </For>
            {move || is_quiet.get().then(|| view! { <AtWork last_at/> })}
        </ol>
        <p class="timeline__none muted small">"Nothing of this kind among these steps."</p>
    }
}

/// The steps of a run: the newest, and all of them on request. The request is a checkbox the style sheet obeys, so it
/// works before the browser side has loaded and leaves every row in place.
#[component]
pub(crate) fn Steps(
    /// The steps, oldest first.
    #[prop(into)]
    cells: Signal<Vec<StepCell>>,
    /// Journal entries before the first step.
    #[prop(into)]
    n_earlier: Signal<u64>,
    /// Whether the run is going on.
    #[prop(into)]
    is_live: Signal<bool>,
    /// When the run was last heard of.
    #[prop(into)]
    last_at: Signal<Option<Timestamp>>,
) -> impl IntoView {
    let n_steps = Memo::new(move |_| cells.with(Vec::len));
    let has_more = Memo::new(move |_| n_steps.get() > RECENT);
    let is_quiet = Memo::new(move |_| is_live.get() && cells.with(|cells| !ends_in_command(cells)));
    view! {
        <div class="steps__head">
            <h3 id="steps">"Steps"</h3>
            <label class="chip steps__all push" hidden=move || !has_more.get()>
                <input class="vh" type="checkbox" autocomplete="off"/>
                <span>"Show all " <span class="num">{n_steps}</span></span>
            </label>
        </div>
        <ol class="steps" aria-labelledby="steps">
            <li class="steps__note" hidden=move || n_earlier.get() == 0>
                {move || format!("Earlier steps are left out ({})", entries(n_earlier.get()))}
            </li>
            <For each=move || cells.get() key=|cell| (cell.run, cell.key) let:cell>
                <StepRow step=cell.step is_live/>
            </For>
            {move || is_quiet.get().then(|| view! { <AtWork last_at/> })}
        </ol>
    }
}

fn entries(n: u64) -> String {
    format::count(n, "journal entry", "journal entries")
}

fn ends_in_command(cells: &[StepCell]) -> bool {
    let runs = |step: &Step| matches!(step.kind, StepKind::Command { end: None, .. });
    cells.last().is_some_and(|cell| cell.step.with(runs))
}

/// The last row of a run that goes on without showing what it does.
#[component]
fn AtWork(
    /// When the run was last heard of.
    last_at: Signal<Option<Timestamp>>,
) -> impl IntoView {
    let clock = Clock::get();
    let silence = move || last_at.get().map(|at| format::elapsed(clock.now().since(at)));
    view! {
        <li class="step step--live step--quiet">
            <span class="step__time"></span>
            <span class="step__icon">
                <span class="state state--running">
                    <span class="state__glyph" aria-hidden="true"></span>
                </span>
            </span>
            <div class="step__body">
                <div class="step__line">
                    <span class="step__what">"The agent is at work"</span>
                    <span class="step__meta">{silence}</span>
                </div>
            </div>
        </li>
    }
}
