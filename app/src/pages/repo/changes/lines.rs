//! Lines of a change, numbered and paired.

use car_domain::changes::PatchHunk;
use car_domain::proposal::HunkLine;

/// One line of a file before or after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// Its number.
    pub number: u64,
    /// Its text before the part that differs, that part, and what follows it.
    pub text: [String; 3],
}

/// A row: a line that stays, goes, comes, or is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The line before.
    pub old: Option<Side>,
    /// The line after.
    pub new: Option<Side>,
}

impl Row {
    /// Whether nothing differs.
    pub(super) fn is_context(&self) -> bool {
        self.old.is_some() && self.new.is_some() && self.old_text() == self.new_text()
    }

    fn old_text(&self) -> Option<String> {
        self.old.as_ref().map(|side| side.text.concat())
    }

    fn new_text(&self) -> Option<String> {
        self.new.as_ref().map(|side| side.text.concat())
    }
}

/// The rows of a hunk. Lines that go and lines that come in their place are paired in their order.
pub(super) fn rows(hunk: &PatchHunk) -> Vec<Row> {
    let (mut old, mut new) = (hunk.old_start, hunk.new_start);
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    let mut rows = Vec::new();
    for line in &hunk.lines {
        match line {
            HunkLine::Removed(text) => {
                if !came.is_empty() {
                    pair(&mut gone, &mut came, &mut rows);
                }
                gone.push((old, text.as_str()));
                old += 1;
            }
            HunkLine::Added(text) => {
                came.push((new, text.as_str()));
                new += 1;
            }
            HunkLine::Context(text) => {
                pair(&mut gone, &mut came, &mut rows);
                let side =
                    |number| Side { number, text: [text.clone(), String::new(), String::new()] };
                rows.push(Row { old: Some(side(old)), new: Some(side(new)) });
                old += 1;
                new += 1;
            }
        }
    }
    pair(&mut gone, &mut came, &mut rows);
    rows
}

fn pair<'a>(gone: &mut Vec<(u64, &'a str)>, came: &mut Vec<(u64, &'a str)>, rows: &mut Vec<Row>) {
    // Only where each line has its counterpart is a part of a line worth marking.
    let is_even = gone.len() == came.len();
    let (mut gone, mut came) = (gone.drain(..), came.drain(..));
    loop {
        let (old, new) = (gone.next(), came.next());
        if old.is_none() && new.is_none() {
            return;
        }
        let parts = match (old, new) {
            (Some((_, old)), Some((_, new))) if is_even => differing(old, new),
            _ => None,
        };
        let side = |line: Option<(u64, &str)>, part: Option<[&str; 3]>| {
            line.map(|(number, text)| {
                let text = part.unwrap_or([text, "", ""]).map(str::to_owned);
                Side { number, text }
            })
        };
        let (old_part, new_part) = parts.unzip();
        rows.push(Row { old: side(old, old_part), new: side(new, new_part) });
    }
}

/// Both lines cut where they begin and end to differ; nothing when they have too little in common for that to help.
fn differing<'a>(old: &'a str, new: &'a str) -> Option<([&'a str; 3], [&'a str; 3])> {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(old, new)| old == new).map(|(same, _)| same.len_utf8()).sum()
    };
    let before = same(&mut old.chars().zip(new.chars()));
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let after = same(&mut old_rest.chars().rev().zip(new_rest.chars().rev()));
    let longest = old.trim().len().max(new.trim().len());
    if (before + after) * 2 < longest {
        return None;
    }
    let cut = |line: &'a str| {
        let end = line.len() - after;
        [&line[..before], &line[before..end], &line[end..]]
    };
    Some((cut(old), cut(new)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(lines: &[&str]) -> PatchHunk {
        let line = |line: &&str| {
            let text = line[1..].to_owned();
            match &line[..1] {
                "+" => HunkLine::Added(text),
                "-" => HunkLine::Removed(text),
                _ => HunkLine::Context(text),
            }
        };
        let lines = lines.iter().map(line).collect();
        PatchHunk { old_start: 7, new_start: 9, section: String::new(), lines }
    }

    fn numbers(rows: &[Row]) -> Vec<(Option<u64>, Option<u64>)> {
        let number = |side: &Option<Side>| side.as_ref().map(|side| side.number);
        rows.iter().map(|row| (number(&row.old), number(&row.new))).collect()
    }

    #[test]
    fn lines_are_numbered_on_both_sides_and_replacements_paired() {
        let rows = rows(&hunk(&[" a", "-b", "-c", "+B", " d", "+e"]));
        let expected = [
            (Some(7), Some(9)),
            (Some(8), Some(10)),
            (Some(9), None),
            (Some(10), Some(11)),
            (None, Some(12)),
        ];
        assert_eq!(numbers(&rows), expected);
        assert!(rows[0].is_context() && !rows[1].is_context());
    }

    #[test]
    fn what_differs_within_a_line_is_marked_also_between_wide_letters() {
        let rows = rows(&hunk(&["-let größe = alt();", "+let größe = älter();"]));
        let texts = |side: &Option<Side>| side.as_ref().map(|side| side.text.clone());
        let parts = |parts: [&str; 3]| Some(parts.map(str::to_owned));
        assert_eq!(texts(&rows[0].old), parts(["let größe = ", "alt", "();"]));
        assert_eq!(texts(&rows[0].new), parts(["let größe = ", "älter", "();"]));
    }

    #[test]
    fn lines_that_have_little_in_common_are_marked_as_a_whole() {
        let rows = rows(&hunk(&["-fn main() {", "+struct Other;"]));
        assert!(rows[0].old.as_ref().is_some_and(|side| side.text[1].is_empty()));
    }
}
