//! Choosing among proposed changes and bringing them together with what others wrote meanwhile.
//!
//! Pure functions on texts; lines keep their endings, so that nothing changes that nobody changed.

mod hunks;
mod merge;
#[cfg(test)]
mod tests;

pub use hunks::{hunks, with_hunks};
pub use merge::{Merged, merge};

use std::ops::Range;

/// A changed region: lines of the old text, and what comes in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit<'t> {
    old: Range<usize>,
    new: Vec<&'t str>,
}

/// The text's lines, each with its newline.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What makes `new` out of `old`, in order.
fn edits<'t>(old: &str, new: &'t str) -> Vec<Edit<'t>> {
    let patch = diffy::DiffOptions::new().set_context_len(0).create_patch(old, new);
    let new_lines = lines(new);
    let edit = |hunk: &diffy::Hunk<'_, str>| {
        let (old, new) = (zero_based(hunk.old_range()), zero_based(hunk.new_range()));
        Edit { old, new: new_lines.get(new).map(<[&str]>::to_vec).unwrap_or_default() }
    };
    patch.hunks().iter().map(edit).collect()
}

/// Unified diffs count lines from 1, and name the line before an empty range.
fn zero_based(range: diffy::HunkRange) -> Range<usize> {
    let start = if range.is_empty() { range.start() } else { range.start() - 1 };
    start..start + range.len()
}
