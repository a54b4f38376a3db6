//! A proposal in pieces a person can take or leave.

use car_domain::proposal::{Hunk, HunkLine};

use super::{Edit, edits, lines};

/// Unchanged lines shown around a change; changes nearer than twice that belong together.
const CONTEXT: usize = 3;

/// The changes from `base` to `proposed`, grouped as a unified diff groups them.
pub fn hunks(base: &str, proposed: &str) -> Vec<Hunk> {
    let old = lines(base);
    let mut shift: isize = 0;
    let mut found = Vec::new();
    for (index, group) in groups(&edits(base, proposed)).into_iter().enumerate() {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let start = first.old.start.saturating_sub(CONTEXT);
        let end = (last.old.end + CONTEXT).min(old.len());
        let mut hunk_lines = Vec::new();
        let mut at = start;
        for edit in &group {
            hunk_lines.extend(
                old[at..edit.old.start].iter().map(|line| HunkLine::Context((*line).to_owned())),
            );
            hunk_lines.extend(
                old[edit.old.clone()].iter().map(|line| HunkLine::Removed((*line).to_owned())),
            );
            hunk_lines.extend(edit.new.iter().map(|line| HunkLine::Added((*line).to_owned())));
            at = edit.old.end;
        }
        hunk_lines.extend(old[at..end].iter().map(|line| HunkLine::Context((*line).to_owned())));
        let new_start = start.saturating_add_signed(shift);
        found.push(Hunk {
            id: index + 1,
            old_start: start + 1,
            new_start: new_start + 1,
            lines: hunk_lines,
        });
        for edit in &group {
            shift += edit.new.len().cast_signed() - edit.old.len().cast_signed();
        }
    }
    found
}

/// `base` with only those hunks of `proposed` whose numbers are in `chosen`.
pub fn with_hunks(base: &str, proposed: &str, chosen: &[usize]) -> String {
    let old = lines(base);
    let mut text = String::with_capacity(proposed.len());
    let mut at = 0;
    for (index, group) in groups(&edits(base, proposed)).into_iter().enumerate() {
        if !chosen.contains(&(index + 1)) {
            continue;
        }
        for edit in group {
            text.extend(old[at..edit.old.start].iter().copied());
            text.extend(edit.new.iter().copied());
            at = edit.old.end;
        }
    }
    text.extend(old[at..].iter().copied());
    text
}

/// Edits that are too near to each other to be shown apart.
fn groups<'t>(edits: &[Edit<'t>]) -> Vec<Vec<Edit<'t>>> {
    let mut groups: Vec<Vec<Edit<'t>>> = Vec::new();
    for edit in edits {
        match groups.last_mut().and_then(|group| group.last().map(|last| last.old.end)) {
            Some(end) if edit.old.start - end <= 2 * CONTEXT => {
                if let Some(group) = groups.last_mut() {
                    group.push(edit.clone());
                }
            }
            _ => groups.push(vec![edit.clone()]),
        }
    }
    groups
}
