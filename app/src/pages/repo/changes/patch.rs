//! One changed file: its lines, the comments on it, and the form for another one.

use car_domain::changes::{FilePatch, PatchHunk, ReviewComment};
use leptos::prelude::*;

use super::Place;
use super::files::Count;
use super::lines::{Row, Side, rows};
use super::review::{Comment, CommentForm, ReviewActions};
use crate::platform;

/// The file.
#[component]
pub(super) fn FileSection(
    /// Its place in the list.
    index: usize,
    /// What changed.
    patch: FilePatch,
    /// What the owner says about it.
    comments: Vec<ReviewComment>,
    /// Where the reader is.
    place: Place,
    /// Id of the repository.
    repo: String,
    /// What can be done with comments.
    actions: ReviewActions,
) -> impl IntoView {
    let FilePatch { file, hunks, n_left_out } = patch;
    let line = RwSignal::new(String::new());
    let is_open = RwSignal::new(false);
    let choose = move |event: leptos::ev::MouseEvent| {
        if let Some(number) = platform::clicked_value(&event, "data-b") {
            line.set(number);
            is_open.set(true);
        }
    };
    let only = Place { file: Some(file.path.clone()), ..place.clone() };
    let is_split = place.is_split;
    let label = format!("Changes of {}", file.path);
    let is_binary = file.insertions.is_none();
    let has_lines = !hunks.is_empty();
    let body = hunks.iter().map(|hunk| hunk_view(hunk, is_split)).collect_view();
    let look = if is_split { "lines lines--split" } else { "lines" };
    let notes = comments
        .into_iter()
        .map(|comment| view! { <Comment comment repo=repo.clone() place=place.clone() actions is_here=true/> })
        .collect_view();
    let heading = format!("file-{index}");
    let labelled = heading.clone();
    view! {
        <section class="file" aria-labelledby=labelled>
            <div class="file__head">
                <h3 class="clip mono" id=heading>
                    {file.from.map(|from| view! { <span class="muted">{from} " → "</span> })}
                    {file.path.clone()}
                </h3>
                <Count insertions=file.insertions deletions=file.deletions/>
            </div>
            {has_lines.then(|| view! {
                <div class=look role="group" tabindex="0" aria-label=label on:click=choose>
                    <code class="lines__rows">{body}</code>
                </div>
            })}
            {(n_left_out > 0).then(|| view! {
                <p class="file__fold">
                    <a href=only.link()>"Show " {n_left_out} " lines"</a>
                </p>
            })}
            {(!has_lines && n_left_out == 0).then(|| view! {
                <p class="file__fold muted">
                    {if is_binary { "A binary file." } else { "No line of it changed." }}
                </p>
            })}
            {notes}
            <CommentForm path=file.path line is_open place repo actions/>
        </section>
    }
}

fn hunk_view(hunk: &PatchHunk, is_split: bool) -> AnyView {
    let head = format!("Line {}  {}", hunk.new_start.max(1), hunk.section);
    let rows = rows(hunk);
    let lines = match is_split {
        true => rows.into_iter().map(split_row).collect_view().into_any(),
        false => unified(rows),
    };
    view! {
        <span class="ln ln--hunk"><span>{head.trim().to_owned()}</span></span>
        {lines}
    }
    .into_any()
}

/// What goes before what comes, as far as both belong together.
fn unified(rows: Vec<Row>) -> AnyView {
    let mut lines = Vec::new();
    let mut came = Vec::new();
    for row in rows {
        if row.is_context() {
            lines.append(&mut came);
            let (old, new) = (row.old.map(|side| side.number), row.new);
            lines.extend(new.map(|new| line("ln", "", "", old, Some(new.number), new.text)));
            continue;
        }
        if let Some(old) = row.old {
            lines.push(line("ln ln--del", "−", "removed ", Some(old.number), None, old.text));
        }
        if let Some(new) = row.new {
            came.push(line("ln ln--add", "+", "added ", None, Some(new.number), new.text));
        }
    }
    lines.append(&mut came);
    lines.collect_view().into_any()
}

fn line(
    look: &'static str,
    sign: &'static str,
    spoken: &'static str,
    old: Option<u64>,
    new: Option<u64>,
    text: [String; 3],
) -> AnyView {
    let shown = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    view! {
        <span class=look data-a=shown(old) data-b=shown(new) data-m=shown(new.or(old))>
            <i aria-hidden="true">{sign}</i>
            <span>
                {(!spoken.is_empty()).then(|| view! { <span class="vh">{spoken}</span> })}
                {marked(text)}
            </span>
        </span>
    }
    .into_any()
}

fn split_row(row: Row) -> AnyView {
    let is_context = row.is_context();
    let half = |side: Option<Side>, look: &'static str| match side {
        None => view! { <span class="half half--none"></span> }.into_any(),
        Some(side) => {
            let look = if is_context { "half" } else { look };
            view! {
                <span class=look data-n=side.number.to_string()><span>{marked(side.text)}</span></span>
            }
            .into_any()
        }
    };
    let new = row.new.as_ref().map(|side| side.number.to_string()).unwrap_or_default();
    view! {
        <span class="ln2" data-b=new>
            {half(row.old, "half half--del")}
            {half(row.new, "half half--add")}
        </span>
    }
    .into_any()
}

fn marked([before, differs, after]: [String; 3]) -> AnyView {
    match differs.is_empty() {
        true => (before + &after).into_any(),
        // An empty text would be a space on the page.
        false => {
            let shown = |text: String| (!text.is_empty()).then_some(text);
            view! { {shown(before)} <b>{differs}</b> {shown(after)} }.into_any()
        }
    }
}
