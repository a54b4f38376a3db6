//! Changes of a text, line by line.

use car_domain::proposal::{Hunk, HunkLine};
use leptos::prelude::*;

/// How many lines come and go.
pub(crate) fn count_lines(hunks: &[Hunk]) -> (u64, u64) {
    let lines = || hunks.iter().flat_map(|hunk| &hunk.lines);
    let added = lines().filter(|line| matches!(line, HunkLine::Added(_))).count() as u64;
    let removed = lines().filter(|line| matches!(line, HunkLine::Removed(_))).count() as u64;
    (added, removed)
}

/// Changes of prose: wrapped, with the numbers of the lines they begin at.
#[component]
pub(crate) fn Diff(
    /// The changes.
    hunks: Vec<Hunk>,
    /// What they are, for those who do not see them.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let hunk = |hunk: Hunk| {
        let lines = hunk.lines.into_iter().map(line).collect_view();
        view! {
            <span class="dl dl--hunk">"Line " {hunk.new_start}</span>
            {lines}
        }
    };
    view! {
        <div class="diff" role="group" aria-label=label>
            {hunks.into_iter().map(hunk).collect_view()}
        </div>
    }
}

fn line(line: HunkLine) -> impl IntoView {
    let (look, sign, spoken, text) = match line {
        HunkLine::Context(text) => ("dl", "", "", text),
        HunkLine::Removed(text) => ("dl dl--del", "−", "removed ", text),
        HunkLine::Added(text) => ("dl dl--add", "+", "added ", text),
    };
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    view! {
        <span class=look>
            <i aria-hidden="true">{sign}</i>
            <span><span class="vh">{spoken}</span>{text}</span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_counted() {
        let text = || "a\n".to_owned();
        let lines = vec![
            HunkLine::Context(text()),
            HunkLine::Added(text()),
            HunkLine::Removed(text()),
            HunkLine::Added(text()),
        ];
        let hunk = Hunk { id: 1, old_start: 1, new_start: 1, lines };
        assert_eq!(count_lines(&[hunk.clone(), hunk]), (4, 2));
    }
}
