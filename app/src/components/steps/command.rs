//! A command: while it runs with a clock, afterwards with its outcome and its output behind it.

use car_domain::Timestamp;
use leptos::prelude::*;

use super::row::{Mark, row};
use crate::clock::Clock;
use crate::components::Glyph;
use crate::timeline::{CommandEnd, Step, StepKind, short_command};
use car_domain::format;

/// A command as a step of the timeline.
#[component]
pub(super) fn CommandBody(
    /// The step.
    step: ArcRwSignal<Step>,
    /// When it began.
    at: Timestamp,
    /// Whether the run is going on.
    is_live: Signal<bool>,
) -> impl IntoView {
    let command = step.with_untracked(|step| match &step.kind {
        StepKind::Command { command, .. } => short_command(command),
        _ => String::new(),
    });
    let command = StoredValue::new(command);
    let end = Memo::new(move |_| {
        step.with(|step| match &step.kind {
            StepKind::Command { end, .. } => end.clone(),
            _ => None,
        })
    });
    move || match end.get() {
        Some(end) => ended(at, command, end),
        None => running(at, command, is_live),
    }
}

fn running(at: Timestamp, command: StoredValue<String>, is_live: Signal<bool>) -> AnyView {
    let clock = Clock::get();
    let body = move |meta: AnyView| {
        view! {
            <div class="step__line">
                <span class="step__what"><code>{command.get_value()}</code></span>
                <span class="step__meta">{meta}</span>
            </div>
        }
        .into_any()
    };
    let view = move || {
        if is_live.get() {
            let time = (move || format::elapsed(clock.now().since(at))).into_any();
            row(
                at,
                Mark::State("running", "Command, running"),
                "step--command step--live",
                body(time),
            )
        } else {
            let word = "no end known".into_any();
            row(at, Mark::Icon(Glyph::Terminal, "Command"), "step--command", body(word))
        }
    };
    view.into_any()
}

fn ended(at: Timestamp, command: StoredValue<String>, end: CommandEnd) -> AnyView {
    let failed = end.is_failure();
    let (word, class) = if failed {
        ("Command failed", "step--command step--fail")
    } else {
        ("Command", "step--command")
    };
    let exit_class = if failed { "step__exit" } else { "step__exit desk" };
    let took = end.took.map(format::took);
    let line = view! {
        <span class="step__what"><code>{command.get_value()}</code></span>
        <span class="step__meta">
            <span class=exit_class>{end.outcome()}</span>
            <span>{took}</span>
        </span>
    };
    let body = if end.output.trim().is_empty() {
        view! { <div class="step__line">{line}</div> }.into_any()
    } else {
        view! {
            <details>
                <summary class="step__line">{line}</summary>
                <div class="step__detail"><CommandOutput end/></div>
            </details>
        }
        .into_any()
    };
    row(at, Mark::Icon(Glyph::Terminal, word), class, body)
}

/// What a command printed.
#[component]
fn CommandOutput(
    /// How the command ended.
    end: CommandEnd,
) -> impl IntoView {
    let cut = (end.cut_bytes > 0).then(|| {
        let left_out = format!("{} of output left out.", format::bytes(end.cut_bytes));
        view! { <p class="small muted">{left_out}</p> }
    });
    view! {
        <pre class="out" tabindex="0" role="group" aria-label="Output of the command">
            {end.output}
        </pre>
        {cut}
    }
}
