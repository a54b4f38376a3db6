//! What a repository or a run is doing: shape, word and colour, always together.

use car_domain::Timestamp;
use car_domain::run::{Outcome, RunSummary};
use car_domain::view::{Activity, StateView};
use leptos::prelude::*;

use crate::clock::Clock;
use car_domain::format;

/// Since when, or until when, in the words that fit the state; nothing when it is not known.
pub(crate) fn since_words(state: &StateView, now: Timestamp) -> Option<String> {
    match state.activity {
        Activity::Running => state.since.map(|since| format::elapsed(now.since(since))),
        Activity::Waiting => state.until.map(|until| match until.since(now).as_secs() {
            0 => "starts now".to_owned(),
            _ => format!("starts in {}", format::countdown(until.since(now))),
        }),
        Activity::Idle
        | Activity::Stalled
        | Activity::Approval
        | Activity::Question
        | Activity::Failed
        | Activity::Interrupted
        | Activity::Limited
        | Activity::Finished => state.since.map(|since| format::coarse(now.since(since))),
    }
}

/// Shape and word of a repository's state, with since when.
#[component]
pub(crate) fn StateBadge(
    /// The state.
    #[prop(into)]
    state: Signal<StateView>,
) -> impl IntoView {
    let clock = Clock::get();
    let activity = Memo::new(move |_| state.with(|state| state.activity));
    // Only a clock that shows seconds needs every tick.
    let since = Memo::new(move |_| {
        let now = match activity.get() {
            Activity::Running | Activity::Waiting => clock.now(),
            Activity::Idle
            | Activity::Stalled
            | Activity::Approval
            | Activity::Question
            | Activity::Failed
            | Activity::Interrupted
            | Activity::Limited
            | Activity::Finished => clock.about_now(),
        };
        state.with(|state| since_words(state, now)).unwrap_or_default()
    });
    view! {
        <span class=move || format!("state state--{}", activity.get().shape())>
            <span class="state__glyph" aria-hidden="true"></span>
            <span>{move || activity.get().word()} " " <span class="state__since">{since}</span></span>
        </span>
    }
}

/// Only the shape of a state, where the word is written elsewhere or there is no room; screen readers get the word.
#[component]
pub(crate) fn StateShape(
    /// The state.
    #[prop(into)]
    activity: Signal<Activity>,
) -> impl IntoView {
    view! {
        <span class=move || format!("state state--{}", activity.get().shape())>
            <span class="state__glyph" aria-hidden="true"></span>
            <span class="vh">{move || activity.get().word()}</span>
        </span>
    }
}

/// Shape of a run's outcome, and the word for it.
pub(crate) fn outcome_words(outcome: Option<Outcome>) -> (&'static str, &'static str) {
    match outcome {
        None => ("running", "Running"),
        Some(outcome @ Outcome::Succeeded) => ("finished", outcome.word()),
        Some(outcome @ Outcome::Stopped) => ("paused", outcome.word()),
        Some(outcome @ (Outcome::Failed | Outcome::TimedOut | Outcome::Interrupted)) => {
            ("failed", outcome.word())
        }
    }
}

/// Shape and word of a run's outcome.
#[component]
pub(crate) fn OutcomeBadge(
    /// The run.
    #[prop(into)]
    run: Signal<RunSummary>,
) -> impl IntoView {
    let words =
        Memo::new(move |_| run.with(|run| outcome_words(run.end.as_ref().map(|end| end.outcome))));
    view! {
        <span class=move || format!("state state--{}", words.get().0)>
            <span class="state__glyph" aria-hidden="true"></span>
            <span>{move || words.get().1}</span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(activity: Activity) -> StateView {
        StateView {
            activity,
            since: Timestamp::parse("2026-11-22T10:00:00Z"),
            detail: None,
            until: Timestamp::parse("2026-11-22T10:20:00Z"),
            stop_requested: false,
            runner_pid: None,
        }
    }

    #[test]
    fn every_state_says_since_when_in_its_own_words() {
        let now = Timestamp::parse("2026-11-22T10:18:42Z").expect("a time");
        let words = |activity| since_words(&state(activity), now).unwrap_or_default();
        assert_eq!(words(Activity::Running), "18:42");
        assert_eq!(words(Activity::Waiting), "starts in 1:18");
        assert_eq!(words(Activity::Failed), "18 min");
        let late = Timestamp::parse("2026-11-22T11:00:00Z").expect("a time");
        assert_eq!(since_words(&state(Activity::Waiting), late).as_deref(), Some("starts now"));
    }
}
