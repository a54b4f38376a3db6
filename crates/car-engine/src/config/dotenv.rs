//! The text of a `.env` file, read as the Python version reads it: `NAME=value` lines, `export`, quotes, comments, `${NAME}`.
//!
//! A line that cannot be read costs only itself. A `$` without braces is an ordinary character, so passwords may hold one.

use std::collections::BTreeMap;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dotenv {
    /// Its variables; `${…}` is filled in.
    pub vars: BTreeMap<String, String>,
    /// Numbers of the lines that cannot be read. Their text may hold secrets and stays here.
    pub unreadable: Vec<usize>,
}

/// Reads `text`; `outer` knows the variables the file does not set itself.
pub(super) fn parse(text: &str, outer: impl Fn(&str) -> Option<String>) -> Dotenv {
    let mut found = Dotenv::default();
    let mut cursor = Cursor { rest: text };
    while !cursor.rest.is_empty() {
        let line = 1 + text[..text.len() - cursor.rest.len()].matches('\n').count();
        match cursor.binding() {
            Ok(Some((name, value))) => {
                let known = |name: &str| found.vars.get(name).cloned().or_else(|| outer(name));
                let value = filled_in(&value, known);
                found.vars.insert(name, value);
            }
            Ok(None) => {}
            Err(Unreadable) => {
                found.unreadable.push(line);
                cursor.line_end();
            }
        }
    }
    found
}

/// `value` with `${NAME}` and `${NAME:-default}` replaced; what nobody knows is empty.
fn filled_in(value: &str, known: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let Some((inside, behind)) = after.split_once('}') else {
            text.push_str("${");
            rest = after;
            continue;
        };
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        text.push_str(&known(name).unwrap_or_else(|| default.to_owned()));
        rest = behind;
    }
    text + rest
}

struct Unreadable;

/// What is still to be read.
struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip(&mut self, prefix: &str) -> bool {
        self.rest.strip_prefix(prefix).inspect(|rest| self.rest = rest).is_some()
    }

    fn blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// The rest of the line, and its end.
    fn line_end(&mut self) -> &'t str {
        let line = self.take_while(|c| c != '\n' && c != '\r');
        let _ = self.skip("\r\n") || self.skip("\n") || self.skip("\r");
        line
    }

    /// A variable, or nothing for an empty line, a comment or a name without a value.
    fn binding(&mut self) -> Result<Option<(String, String)>, Unreadable> {
        self.take_while(char::is_whitespace);
        if self.rest.is_empty() || self.rest.starts_with('#') {
            self.line_end();
            return Ok(None);
        }
        if let Some(rest) =
            self.rest.strip_prefix("export").filter(|rest| rest.starts_with(is_blank))
        {
            self.rest = rest;
            self.blanks();
        }
        let name = if self.rest.starts_with('\'') {
            self.quoted('\'')?
        } else {
            self.take_while(|c| !c.is_whitespace() && c != '=' && c != '#').to_owned()
        };
        self.blanks();
        let value = if self.skip("=") { Some(self.value()?) } else { None };
        self.blanks();
        let left = self.take_while(|c| c != '\n' && c != '\r');
        if name.is_empty() || !(left.is_empty() || left.starts_with('#')) {
            return Err(Unreadable);
        }
        self.line_end();
        Ok(value.map(|value| (name, value)))
    }

    fn value(&mut self) -> Result<String, Unreadable> {
        self.blanks();
        match self.rest.chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => {
                let line = self.take_while(|c| c != '\n' && c != '\r');
                Ok(without_comment(line).trim_end().to_owned())
            }
        }
    }

    /// What is between quotes, over several lines if need be.
    fn quoted(&mut self, quote: char) -> Result<String, Unreadable> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => text.push_str(&unescaped(escaped, quote)),
                    None => text.push(c),
                },
                _ => text.push(c),
            }
        }
        Err(Unreadable)
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n' && c != '\r'
}

/// A comment begins with a `#` behind white space.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].ends_with(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

/// The character a backslash and `escaped` stand for between such quotes, or both as they are.
fn unescaped(escaped: char, quote: char) -> String {
    let character = match (quote, escaped) {
        (_, '\\' | '\'') | ('"', '"') => escaped,
        ('"', 'n') => '\n',
        ('"', 't') => '\t',
        ('"', 'r') => '\r',
        ('"', 'a') => '\u{7}',
        ('"', 'b') => '\u{8}',
        ('"', 'f') => '\u{c}',
        ('"', 'v') => '\u{b}',
        _ => return format!("\\{escaped}"),
    };
    character.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(text: &str) -> Vec<(String, String)> {
        let outer = |name: &str| (name == "OUTER").then(|| "out".to_owned());
        let found = parse(text, outer);
        assert_eq!(found.unreadable, [0; 0], "{text:?}");
        found.vars.into_iter().collect()
    }

    fn value(text: &str) -> String {
        let vars = vars(&format!("A={text}\n"));
        assert_eq!(vars.len(), 1, "{text:?}");
        vars[0].1.clone()
    }

    #[test]
    fn values_are_what_the_python_version_makes_of_them() {
        for (text, expected) in [
            ("plain", "plain"),
            ("two words", "two words"),
            ("  padded  ", "padded"),
            ("", ""),
            ("a#b", "a#b"),
            ("a #b", "a"),
            ("'single $x \\n \\'quoted\\''", "single $x \\n 'quoted'"),
            ("\"double \\\"quoted\\\"\\n\\t\" # note", "double \"quoted\"\n\t"),
            ("\"over\ntwo lines\"", "over\ntwo lines"),
            ("pa$$word$", "pa$$word$"),
            ("${OUTER}-${NOBODY}-${NOBODY:-default}-${OUTER:-x}", "out--default-out"),
            ("'${OUTER}'", "out"),
            ("${open", "${open"),
            ("=", "="),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn later_lines_see_earlier_ones_before_what_is_outside() {
        let vars = vars("OUTER=in\r\nexport  B = ${OUTER}!\n\n# comment\n  C='x' # note\nD\n");
        let pairs: Vec<_> =
            vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("B", "in!"), ("C", "x"), ("OUTER", "in")]);
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_only_itself() {
        let found = parse("A=1\nB='x' y\n=nameless\nC=3\nD=\"open\nE=5\n", |_| None);
        let names: Vec<_> = found.vars.keys().map(String::as_str).collect();
        assert_eq!((names, found.unreadable), (vec!["A", "C", "E"], vec![2, 3, 5]));
    }
}
