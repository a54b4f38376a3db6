//! What a person may rely on when several write the same document.

use car_domain::proposal::{HunkLine, MergePiece};
use proptest::prelude::*;

use super::*;

/// Texts of few different lines, so that edits meet often.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof!["[a-d]{1,2}\n", Just("\n".to_owned()), Just("é\r\n".to_owned())];
    let end = prop_oneof![3 => Just(String::new()), 1 => "[x-z]".prop_map(|end| end)];
    (prop::collection::vec(line, 0..14), end).prop_map(|(lines, end)| lines.concat() + &end)
}

/// A text made from `base` by changing, dropping or adding some lines, each marked so that it can be found again.
fn edited(base: &str, ops: &[(usize, u8)], mark: &str) -> String {
    let mut lines: Vec<String> = lines(base).into_iter().map(str::to_owned).collect();
    for (n, (at, op)) in ops.iter().enumerate() {
        let at = at % (lines.len() + 1);
        let new = format!("{mark}{n}\n");
        match op % 3 {
            0 => lines.insert(at, new),
            1 if at < lines.len() => lines[at] = new,
            2 if at < lines.len() => drop(lines.remove(at)),
            _ => {}
        }
    }
    lines.concat()
}

#[test]
fn a_hunk_shows_three_lines_around_a_change() {
    let base = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n";
    let proposed = base.replace("5\n", "five\n").replace("14\n", "");
    let found = hunks(base, &proposed);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].old_start, found[0].lines.len()), (2, 8));
    assert!(found[0].lines.contains(&HunkLine::Added("five\n".into())));
    assert_eq!(with_hunks(base, &proposed, &[1]), base.replace("5\n", "five\n"));
    assert_eq!(with_hunks(base, &proposed, &[2]), base.replace("14\n", ""));
}

#[test]
fn changes_in_different_places_go_together() {
    let base = "# TODO\n- [ ] a\n- [ ] b\n- [ ] c\n";
    let live = "# TODO\n- [x] a\n- [ ] b\n- [ ] c\n";
    let proposed = "# TODO\n- [ ] a\n- [ ] b\n- [ ] c\n- [ ] d\n";
    let expected = "# TODO\n- [x] a\n- [ ] b\n- [ ] c\n- [ ] d\n";
    assert_eq!(merge(base, live, proposed), Merged::Clean(expected.into()));
}

#[test]
fn changes_of_the_same_line_are_shown_and_not_guessed() {
    let Merged::Conflict(pieces) = merge("a\nb\nc\n", "a\nB1\nc\n", "a\nB2\nc\n") else {
        panic!("guessed");
    };
    let clean = |text: &str| MergePiece::Clean { text: text.into() };
    let conflict =
        MergePiece::Conflict { base: "b\n".into(), live: "B1\n".into(), proposed: "B2\n".into() };
    assert_eq!(pieces, [clean("a\n"), conflict, clean("c\n")]);
}

#[test]
fn two_insertions_at_one_place_are_a_question() {
    assert!(matches!(merge("a\n", "a\nx\n", "a\ny\n"), Merged::Conflict(_)));
    assert_eq!(merge("a\n", "a\nx\n", "a\nx\n"), Merged::Clean("a\nx\n".into()));
}

proptest! {
    #[test]
    fn all_hunks_make_the_proposal_and_none_leave_the_text(base in text(), proposed in text()) {
        let all: Vec<usize> = hunks(&base, &proposed).iter().map(|hunk| hunk.id).collect();
        prop_assert_eq!(with_hunks(&base, &proposed, &all), proposed.clone());
        prop_assert_eq!(with_hunks(&base, &proposed, &[]), base);
    }

    #[test]
    fn a_side_that_changed_nothing_does_not_matter(base in text(), other in text()) {
        prop_assert_eq!(merge(&base, &base, &other), Merged::Clean(other.clone()));
        prop_assert_eq!(merge(&base, &other, &base), Merged::Clean(other.clone()));
        prop_assert_eq!(merge(&base, &other, &other), Merged::Clean(other));
    }

    #[test]
    fn no_line_that_either_side_wrote_is_lost(
        base in text(),
        live_ops in prop::collection::vec((0..20_usize, 0..3_u8), 0..6),
        proposed_ops in prop::collection::vec((0..20_usize, 0..3_u8), 0..6),
    ) {
        let live = edited(&base, &live_ops, "L");
        let proposed = edited(&base, &proposed_ops, "P");
        let (live_part, proposed_part) = match merge(&base, &live, &proposed) {
            Merged::Clean(text) => (text.clone(), text),
            Merged::Conflict(pieces) => {
                let side = |ours: bool| pieces.iter().map(|piece| match piece {
                    MergePiece::Clean { text } => text.as_str(),
                    MergePiece::Conflict { live, proposed, .. } => if ours { proposed } else { live },
                }).collect::<String>();
                (side(false), side(true))
            }
        };
        for line in live.lines().filter(|line| line.starts_with('L')) {
            prop_assert!(live_part.lines().any(|there| there == line), "{} is lost in {:?}", line, live_part);
        }
        for line in proposed.lines().filter(|line| line.starts_with('P')) {
            prop_assert!(proposed_part.lines().any(|there| there == line), "{} is lost in {:?}", line, proposed_part);
        }
        // Lines both sides kept are there as well, unless one of them removed them.
        let kept = |text: &str, line: &str| text.lines().filter(|other| *other == line).count();
        for line in ["a", "b", "c", "d"] {
            let least = kept(&live, line).min(kept(&proposed, line));
            let removed = kept(&base, line) * 2 - kept(&live, line).min(kept(&base, line)) - kept(&proposed, line).min(kept(&base, line));
            prop_assert!(kept(&live_part, line) + removed >= least);
        }
    }
}
