//! Three texts into one: what was proposed and what others wrote meanwhile, on a common base.

use std::ops::Range;

use car_domain::proposal::MergePiece;

use super::{Edit, edits, lines};

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Everything of both sides.
    Clean(String),
    /// Both sides changed the same place differently.
    Conflict(Vec<MergePiece>),
}

/// Brings `proposed` and `live` together, which both come from `base`.
pub fn merge(base: &str, live: &str, proposed: &str) -> Merged {
    let pieces = pieces(base, live, proposed);
    let is_clean = pieces.iter().all(|piece| matches!(piece, MergePiece::Clean { .. }));
    if !is_clean {
        return Merged::Conflict(pieces);
    }
    let texts = pieces.iter().map(|piece| match piece {
        MergePiece::Clean { text } => text.as_str(),
        MergePiece::Conflict { .. } => "",
    });
    Merged::Clean(texts.collect())
}

fn pieces(base: &str, live: &str, proposed: &str) -> Vec<MergePiece> {
    let old = lines(base);
    let (theirs, ours) = (edits(base, live), edits(base, proposed));
    let mut result = Pieces::default();
    let (mut i, mut j, mut at) = (0, 0, 0);
    while i < theirs.len() || j < ours.len() {
        let start = match (theirs.get(i), ours.get(j)) {
            (Some(a), Some(b)) => a.old.start.min(b.old.start),
            (Some(one), None) | (None, Some(one)) => one.old.start,
            (None, None) => break,
        };
        // The region grows as long as a change of either side reaches into it.
        let mut region = start..start;
        let (from_i, from_j) = (i, j);
        loop {
            let before = (i, j);
            take(&theirs, &mut i, &mut region);
            take(&ours, &mut j, &mut region);
            if before == (i, j) {
                break;
            }
        }
        result.clean(&old[at..region.start]);
        let base = &old[region.clone()];
        let live = side(base, &region, &theirs[from_i..i]);
        let proposed = side(base, &region, &ours[from_j..j]);
        match (from_i == i, from_j == j) {
            (true, _) => result.clean(&proposed),
            (_, true) => result.clean(&live),
            _ if live == proposed => result.clean(&live),
            _ => result.conflict(base, &live, &proposed),
        }
        at = region.end;
    }
    result.clean(&old[at..]);
    result.0
}

/// Moves `next` over the edit that touches the region, if one does, and widens the region by it.
fn take(edits: &[Edit<'_>], next: &mut usize, region: &mut Range<usize>) {
    let Some(edit) = edits.get(*next) else { return };
    let is_first = region.start == region.end && edit.old.start == region.start;
    if is_first || edit.old.start < region.end || touches(edit, region) {
        region.end = region.end.max(edit.old.end);
        *next += 1;
    }
}

/// Whether an insertion and a change meet: in which order they belong only a person knows.
fn touches(edit: &Edit<'_>, region: &Range<usize>) -> bool {
    edit.old.start == region.end && (edit.old.start == edit.old.end || region.start == region.end)
}

/// The region as one side has it.
fn side<'t>(base: &[&'t str], region: &Range<usize>, edits: &[Edit<'t>]) -> Vec<&'t str> {
    let mut text = Vec::new();
    let mut at = region.start;
    for edit in edits {
        text.extend(&base[at - region.start..edit.old.start - region.start]);
        text.extend(&edit.new);
        at = edit.old.end;
    }
    text.extend(&base[at - region.start..]);
    text
}

#[derive(Default)]
struct Pieces(Vec<MergePiece>);

impl Pieces {
    fn clean(&mut self, lines: &[&str]) {
        let more: String = lines.concat();
        if more.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(MergePiece::Clean { text }) => {
                // A last line without newline that stays is followed by lines of the other side only in a merge.
                if !text.ends_with('\n') && !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(&more);
            }
            _ => self.0.push(MergePiece::Clean { text: more }),
        }
    }

    fn conflict(&mut self, base: &[&str], live: &[&str], proposed: &[&str]) {
        self.0.push(MergePiece::Conflict {
            base: base.concat(),
            live: live.concat(),
            proposed: proposed.concat(),
        });
    }
}
