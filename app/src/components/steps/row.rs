//! One step: its time, its icon and what it says. What an agent wrote only ever becomes text.

use car_domain::Timestamp;
use car_domain::run::{FileChange, NoticeLevel, RunEnd, RunKind};
use leptos::prelude::*;

use super::command::CommandBody;
use crate::components::state::outcome_words;
use crate::components::{Glyph, Icon, InlineText, TimeOfDay};
use crate::timeline::{OutputBlock, Step, StepKind, body, plain_headline, short_path};
use car_domain::format;

/// Characters up to which a message shows whole.
const SHORT_MESSAGE: usize = 700;
const HEADLINE: usize = 120;

/// A step as a row of the timeline. Its kind never changes, so only commands and output read the signal again.
#[component]
pub(super) fn StepRow(
    /// The step.
    step: ArcRwSignal<Step>,
    /// Whether the run is going on.
    is_live: Signal<bool>,
) -> AnyView {
    let Step { at, kind, .. } = step.get_untracked();
    match kind {
        StepKind::Command { .. } => view! { <CommandBody step at is_live/> }.into_any(),
        StepKind::Output(_) => view! { <Output step at/> }.into_any(),
        StepKind::Started { kind, agent, prompt_chars, commit } => {
            let meta = format!("{agent}, prompt of {} characters", format::tokens(prompt_chars));
            line(at, Mark::Icon(Glyph::Flag, "Start"), "step--start", started(kind, commit), meta)
        }
        StepKind::Reasoning(text) => {
            folded_text(at, Mark::Icon(Glyph::Think, "Reasoning"), "step--think", &text)
        }
        StepKind::Message(text) => message(at, &text),
        StepKind::Files { changes, failed } => files(at, &changes, failed),
        StepKind::Notice(level, text) => notice(at, level, &text),
        StepKind::TurnFailed(text) => {
            folded_text(at, Mark::State("failed", "Failed"), "step--fail", &text)
        }
        StepKind::Todo { ticked, done, open } => ticks(at, &ticked, done, open),
        StepKind::Raw { name, json } => {
            let detail = view! { <pre class="out" tabindex="0">{json}</pre> }.into_any();
            let mark = Mark::Icon(Glyph::More, "Other event");
            fold(at, mark, "step--think", name.into_any(), String::new(), detail)
        }
        StepKind::Ended { end, took } => ended(at, &end, &format::elapsed(took)),
    }
}

/// What stands before a step.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// An icon, and the word for it.
    Icon(Glyph, &'static str),
    /// The shape of a state, and the word for it.
    State(&'static str, &'static str),
}

/// The frame of a step: time, mark and body.
pub(super) fn row(at: Timestamp, mark: Mark, class: &'static str, body: AnyView) -> AnyView {
    let (mark, word) = match mark {
        Mark::Icon(glyph, word) => (view! { <Icon glyph/> }.into_any(), word),
        Mark::State(shape, word) => {
            let glyph = view! {
                <span class=format!("state state--{shape}")>
                    <span class="state__glyph" aria-hidden="true"></span>
                </span>
            };
            (glyph.into_any(), word)
        }
    };
    view! {
        <li class=format!("step {class}")>
            <TimeOfDay at/>
            <span class="step__icon">{mark}<span class="vh">{word}": "</span></span>
            <div class="step__body">{body}</div>
        </li>
    }
    .into_any()
}

/// A step that is one line.
fn line(at: Timestamp, mark: Mark, class: &'static str, what: AnyView, meta: String) -> AnyView {
    let body = view! {
        <div class="step__line">
            <span class="step__what">{what}</span>
            <span class="step__meta">{meta}</span>
        </div>
    };
    row(at, mark, class, body.into_any())
}

/// A step with more behind its line.
fn fold(
    at: Timestamp,
    mark: Mark,
    class: &'static str,
    what: AnyView,
    meta: String,
    detail: AnyView,
) -> AnyView {
    let body = view! {
        <details>
            <summary class="step__line">
                <span class="step__what">{what}</span>
                <span class="step__meta">{meta}</span>
            </summary>
            <div class="step__detail">{detail}</div>
        </details>
    };
    row(at, mark, class, body.into_any())
}

/// A text that is one line when it is short, and otherwise folded behind its first line.
fn folded_text(at: Timestamp, mark: Mark, class: &'static str, text: &str) -> AnyView {
    let headline = plain_headline(text, HEADLINE);
    // A first line that is a title of its own need not be said twice.
    let rest = if headline.ends_with('…') { text.trim() } else { body(text) };
    if rest.is_empty() {
        return whole_text(at, mark, class, headline);
    }
    let detail = view! { <p class="words">{rest.to_owned()}</p> }.into_any();
    fold(at, mark, class, headline.into_any(), String::new(), detail)
}

fn whole_text(at: Timestamp, mark: Mark, class: &'static str, text: String) -> AnyView {
    let body = view! {
        <div class="step__line">
            <p class="step__what step__what--text"><InlineText text/></p>
        </div>
    };
    row(at, mark, class, body.into_any())
}

fn message(at: Timestamp, text: &str) -> AnyView {
    let mark = Mark::Icon(Glyph::Message, "Message");
    if text.chars().count() <= SHORT_MESSAGE {
        return whole_text(at, mark, "", text.trim().to_owned());
    }
    folded_text(at, mark, "", text)
}

fn started(kind: RunKind, commit: Option<String>) -> AnyView {
    let what = match kind {
        RunKind::Work => "Run started",
        RunKind::Report => "Final report started",
    };
    let commit = commit.map(|commit| {
        let short: String = commit.chars().take(8).collect();
        view! { " from commit " <code>{short}</code> }
    });
    view! { {what} {commit} }.into_any()
}

fn files(at: Timestamp, changes: &[FileChange], failed: bool) -> AnyView {
    let (mark, class) = if failed {
        (Mark::Icon(Glyph::Edit, "Edit failed"), "step--edit step--fail")
    } else {
        (Mark::Icon(Glyph::Edit, "Edit"), "step--edit")
    };
    let word = |change: &FileChange| match change.kind.as_str() {
        "add" => "new".to_owned(),
        "update" => "edited".to_owned(),
        "delete" => "deleted".to_owned(),
        other => other.to_owned(),
    };
    if let [change] = changes {
        let what = view! { <code title=change.path.clone()>{short_path(&change.path)}</code> };
        return line(at, mark, class, what.into_any(), word(change));
    }
    let rows = changes.iter().map(|change| {
        view! {
            <li><code title=change.path.clone()>{short_path(&change.path)}</code><span>{word(change)}</span></li>
        }
    });
    let what = format::count(changes.len() as u64, "file", "files");
    let detail = view! { <ul class="filelist">{rows.collect_view()}</ul> }.into_any();
    fold(at, mark, class, what.into_any(), "edited".to_owned(), detail)
}

fn notice(at: Timestamp, level: NoticeLevel, text: &str) -> AnyView {
    match level {
        NoticeLevel::Info => {
            folded_text(at, Mark::Icon(Glyph::Message, "Notice"), "step--think", text)
        }
        NoticeLevel::Warning => folded_text(at, Mark::State("stalled", "Warning"), "", text),
        NoticeLevel::Error => folded_text(at, Mark::State("failed", "Error"), "step--fail", text),
    }
}

fn ticks(at: Timestamp, ticked: &[String], done: usize, open: usize) -> AnyView {
    let mark = Mark::Icon(Glyph::Check, "TODO");
    let meta = format!("{done} of {}", done + open);
    if ticked.is_empty() {
        return line(at, mark, "", "TODO changed".into_any(), meta);
    }
    let what = format!("Ticked {} in TODO", format::count(ticked.len() as u64, "item", "items"));
    let rows = ticked.iter().map(|text| view! { <li><InlineText text=text.clone()/></li> });
    let detail = view! { <ul class="words words--list">{rows.collect_view()}</ul> }.into_any();
    fold(at, mark, "", what.into_any(), meta, detail)
}

fn ended(at: Timestamp, end: &RunEnd, took: &str) -> AnyView {
    let (shape, word) = outcome_words(Some(end.outcome));
    let code = end.exit_code.filter(|code| *code != 0).map(|code| format!("exit {code}, "));
    let meta = format!("{}{took}", code.unwrap_or_default());
    let class = if shape == "failed" { "step--fail" } else { "" };
    let what = match &end.reason {
        Some(reason) => format!("{word}: {reason}"),
        None => format!("Run {}", word.to_lowercase()),
    };
    let body = view! {
        <div class="step__line">
            <span class="step__what step__what--text strong">{what}</span>
            <span class="step__meta">{meta}</span>
        </div>
    };
    row(at, Mark::State(shape, word), class, body.into_any())
}

/// Lines an agent printed without structure. The block sticks to its end while it grows.
#[component]
fn Output(
    /// The step.
    step: ArcRwSignal<Step>,
    /// When it began.
    at: Timestamp,
) -> impl IntoView {
    let block = Memo::new(move |_| {
        step.with(|step| match &step.kind {
            StepKind::Output(block) => block.clone(),
            _ => OutputBlock::default(),
        })
    });
    let n_lines = move || block.with(|block| format::count(block.n_lines(), "line", "lines"));
    let cut = move || {
        block.with(|block| {
            (block.cut_bytes > 0).then(|| format!(", {} left out", format::bytes(block.cut_bytes)))
        })
    };
    let body = view! {
        <details open>
            <summary class="step__line">
                <span class="step__what">
                    "Output "
                    <code class="step__tail">
                        {move || block.with(|block| block.last_line().to_owned())}
                    </code>
                </span>
                <span class="step__meta"><span>{n_lines}{cut}</span></span>
            </summary>
            <div class="step__detail">
                <pre class="out out--tail" tabindex="0" role="group" aria-label="Output">
                    <code>{move || block.with(OutputBlock::text)}</code>
                </pre>
            </div>
        </details>
    };
    row(at, Mark::Icon(Glyph::Terminal, "Output"), "", body.into_any())
}
