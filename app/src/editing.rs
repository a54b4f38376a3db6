//! What keys do in the editor of a Markdown text: lists go on by themselves, Tab moves lines.
//!
//! Pure functions. Places are counted as browsers count them, in UTF-16 code units.

/// Columns of one step to the right.
const STEP: &str = "  ";

/// A part of the text that gives way to another, and what is selected then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replacement {
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What comes in its place.
    pub text: String,
    /// Begin of the selection afterwards.
    pub select_start: usize,
    /// End of it.
    pub select_end: usize,
}

/// What Enter does at a place in a list: begins the next entry, or ends the list when the entry is empty. Nothing elsewhere.
pub(crate) fn enter(text: &str, start: usize, end: usize) -> Option<Replacement> {
    if start != end {
        return None;
    }
    let at = byte_of(text, start);
    let begin = line_start(text, at);
    let line = &text[begin..line_end(text, at)];
    let entry = Entry::read(line)?;
    if at < begin + entry.marker_len {
        return None;
    }
    let (from, new) = if line[entry.marker_len..].trim().is_empty() {
        (begin, String::new())
    } else {
        (at, format!("\n{}", entry.next()))
    };
    let to = if new.is_empty() { begin + line.len() } else { at };
    let caret = units(&text[..from]) + units(&new);
    Some(Replacement {
        start: units(&text[..from]),
        end: units(&text[..to]),
        text: new,
        select_start: caret,
        select_end: caret,
    })
}

/// What Tab does: moves list entries and selected lines a step to the right, or writes the step.
pub(crate) fn tab(text: &str, start: usize, end: usize) -> Replacement {
    let (from, to) = (byte_of(text, start), byte_of(text, end));
    let begin = line_start(text, from);
    if start == end && Entry::read(&text[begin..line_end(text, from)]).is_none() {
        let caret = start + STEP.len();
        let text = STEP.to_owned();
        return Replacement { start, end, text, select_start: caret, select_end: caret };
    }
    move_lines(text, (begin, from, to), |line| {
        if line.is_empty() { line.to_owned() } else { format!("{STEP}{line}") }
    })
}

/// What Shift and Tab do: move lines a step to the left, as far as they go.
pub(crate) fn back_tab(text: &str, start: usize, end: usize) -> Replacement {
    let (from, to) = (byte_of(text, start), byte_of(text, end));
    move_lines(text, (line_start(text, from), from, to), |line| {
        let bare = line.strip_prefix('\t').or_else(|| line.strip_prefix(STEP));
        bare.or_else(|| line.strip_prefix(' ')).unwrap_or(line).to_owned()
    })
}

/// Changes every line the selection touches and keeps the selection on the same letters.
fn move_lines(
    text: &str,
    (begin, from, to): (usize, usize, usize),
    change: impl Fn(&str) -> String,
) -> Replacement {
    // A selection that ends at the beginning of a line does not touch it.
    let last = if to > from && text[..to].ends_with('\n') { to - 1 } else { to };
    let finish = line_end(text, last.max(begin));
    let old = &text[begin..finish];
    let new = old.split('\n').map(change).collect::<Vec<_>>().join("\n");
    let first_line = old.split('\n').next().unwrap_or_default();
    let first_new = new.split('\n').next().unwrap_or_default();
    let moved = |at: usize, by: isize, least: usize| {
        units(&text[..at]).saturating_add_signed(by).max(least)
    };
    let first_by = units(first_new).cast_signed() - units(first_line).cast_signed();
    let all_by = units(&new).cast_signed() - units(old).cast_signed();
    let start = units(&text[..begin]);
    let select_start = moved(from, first_by, start);
    let select_end = if from == to { select_start } else { moved(to, all_by, select_start) };
    Replacement { start, end: units(&text[..finish]), text: new, select_start, select_end }
}

/// The beginning of a list entry.
struct Entry<'t> {
    indent: &'t str,
    bullet: &'t str,
    space: &'t str,
    has_box: bool,
    marker_len: usize,
}

impl<'t> Entry<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let rest = line.trim_start_matches([' ', '\t']);
        let (indent, _) = line.split_at(line.len() - rest.len());
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let n_bullet = match (n_digits, rest.as_bytes().get(n_digits)) {
            (0, Some(b'-' | b'*' | b'+')) => 1,
            (1..=9, Some(b'.' | b')')) => n_digits + 1,
            _ => return None,
        };
        let (bullet, rest) = rest.split_at(n_bullet);
        let words = rest.trim_start_matches([' ', '\t']);
        let (space, _) = rest.split_at(rest.len() - words.len());
        if space.is_empty() {
            return None;
        }
        let marks = ["[ ]", "[x]", "[X]", "[]"];
        let mark = marks.into_iter().find(|mark| words.starts_with(mark));
        let behind = mark.map_or(words, |mark| words[mark.len()..].trim_start_matches(' '));
        let marker_len = line.len() - behind.len();
        Some(Self { indent, bullet, space, has_box: mark.is_some(), marker_len })
    }

    /// The beginning of the entry that follows.
    fn next(&self) -> String {
        let n_digits = self.bullet.len() - 1;
        let (number, sign) = self.bullet.split_at(n_digits);
        let bullet = match number.parse::<u64>() {
            Ok(number) => format!("{}{sign}", number + 1),
            Err(_) => self.bullet.to_owned(),
        };
        let mark = if self.has_box { "[ ] " } else { "" };
        format!("{}{bullet}{}{mark}", self.indent, self.space)
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline)
}

/// UTF-16 code units of a text.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The byte at a place, counted in UTF-16 code units.
fn byte_of(text: &str, place: usize) -> usize {
    let mut seen = 0;
    for (at, letter) in text.char_indices() {
        if seen >= place {
            return at;
        }
        seen += letter.len_utf16();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does what a key does at `|`, or with the selection between two of them, and marks the selection the same way.
    fn played(
        marked: &str,
        key: impl Fn(&str, usize, usize) -> Option<Replacement>,
    ) -> Option<String> {
        let parts: Vec<&str> = marked.split('|').collect();
        let text = parts.concat();
        let start = units(parts[0]);
        let end = if parts.len() > 2 { start + units(parts[1]) } else { start };
        let done = key(&text, start, end)?;
        let mut new = text.clone();
        new.replace_range(byte_of(&text, done.start)..byte_of(&text, done.end), &done.text);
        let (from, to) = (byte_of(&new, done.select_start), byte_of(&new, done.select_end));
        if from != to {
            new.insert(to, '|');
        }
        new.insert(from, '|');
        Some(new)
    }

    #[test]
    fn enter_goes_on_with_a_list() {
        for (before, after) in [
            ("- [ ] a|", "- [ ] a\n- [ ] |"),
            ("é🦀\n  * [x] b|c\nd", "é🦀\n  * [x] b\n  * [ ] |c\nd"),
            ("9. a|", "9. a\n10. |"),
            ("1) a|\n2) b", "1) a\n2) |\n2) b"),
            ("- a\n- |", "- a\n|"),
            ("- [ ] a\n  - [ ] |\nb", "- [ ] a\n|\nb"),
        ] {
            assert_eq!(played(before, enter).as_deref(), Some(after), "{before}");
        }
    }

    #[test]
    fn elsewhere_enter_is_enter() {
        for text in ["a|", "|- a", "- |[ ] a", "-a|", "- a|b|", "12345678901. a|", "|"] {
            assert_eq!(played(text, enter), None, "{text}");
        }
    }

    #[test]
    fn tab_moves_entries_and_selected_lines() {
        for (before, after) in [
            ("- [ ] a|", "  - [ ] a|"),
            ("a|b", "a  |b"),
            ("x\n|a\n\nb|\nc", "x\n  |a\n\n  b|\nc"),
            ("|a\n|b", "  |a\n|b"),
        ] {
            assert_eq!(
                played(before, |t, s, e| Some(tab(t, s, e))).as_deref(),
                Some(after),
                "{before}"
            );
        }
    }

    #[test]
    fn shift_and_tab_move_them_back() {
        for (before, after) in [
            ("    - é|", "  - é|"),
            (" a|", "a|"),
            ("\ta|", "a|"),
            ("a|", "a|"),
            (" | a", "|a"),
            ("  |a\n    b|", "|a\n  b|"),
        ] {
            assert_eq!(
                played(before, |t, s, e| Some(back_tab(t, s, e))).as_deref(),
                Some(after),
                "{before}"
            );
        }
    }
}
