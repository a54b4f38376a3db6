//! Tells code from comments, text and tests, by blanking what is not code.
//!
//! Line numbers stay what they are. A small scanner, not a parser: it knows comments, string and
//! character literals and counts braces, which is all the rules need.

/// `source` with comments and literals blanked.
pub(super) fn without_text(source: &str) -> String {
    let mut output = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = literal_or_comment(rest, output.chars().next_back());
        let (skipped, after) = rest.split_at(length.unwrap_or(first.len_utf8()));
        if length.is_some() {
            output.extend(skipped.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
        } else {
            output.push_str(skipped);
        }
        rest = after;
    }
    output
}

/// The length of the comment or literal `rest` begins with.
fn literal_or_comment(rest: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let raw = rest.trim_start_matches(['b', 'c']);
    if rest.starts_with("//") {
        Some(rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        Some(block_comment(rest))
    } else if rest.starts_with('"') {
        Some(quoted(rest, '"'))
    } else if !in_word && rest.len() - raw.len() <= 1 && raw.starts_with('r') {
        let hashes = raw[1..].chars().take_while(|letter| *letter == '#').count();
        let start = rest.len() - raw.len() + 1 + hashes;
        let end = format!("\"{}", "#".repeat(hashes));
        let body = rest[start..].strip_prefix('"')?;
        Some(body.find(&end).map_or(rest.len(), |at| start + 1 + at + end.len()))
    } else if rest.starts_with("'\\") {
        Some(quoted(rest, '\''))
    } else if rest.starts_with('\'') {
        // `'a'` is a character, `'a` a lifetime.
        let letter = rest.chars().nth(1)?.len_utf8();
        rest[1 + letter..].starts_with('\'').then_some(2 + letter)
    } else {
        None
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if letter == quote && !escaped {
            return at + letter.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    rest.len()
}

/// `code` (without text) with the modules under `#[cfg(test)]` blanked.
pub(super) fn without_tests(code: &str) -> String {
    let mut output = String::with_capacity(code.len());
    let mut announced = false;
    let mut depth = 0_usize;
    for line in code.lines() {
        let trimmed = line.trim_start();
        let begins = announced && trimmed.contains("mod ") && trimmed.contains('{');
        if depth > 0 || begins {
            depth += line.matches('{').count();
            depth = depth.saturating_sub(line.matches('}').count());
        } else {
            output.push_str(line);
        }
        output.push('\n');
        announced = trimmed.starts_with("#[cfg(test)]") || (announced && trimmed.starts_with("#["));
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let code = |source| without_text(source).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code("a // b\nc"), "a c");
        assert_eq!(code("a /* b /* c */ d */ e"), "a e");
        assert_eq!(code(r#"a("b \" c")"#), "a( )");
        assert_eq!(code(r##"a(r#"b " c"#, br"d\")"##), "a( , )");
        assert_eq!(code("a('\"', '\\'', b\"c\")"), "a( , , b )");
        assert_eq!(code("fn a<'b>(c: &'b D, r: E)"), "fn a<'b>(c: &'b D, r: E)");
        assert_eq!(code("for \"b\""), "for");
    }

    #[test]
    fn lines_keep_their_numbers() {
        assert_eq!(without_text("a\n/*\n\n*/ b").lines().count(), 4);
        assert_eq!(
            without_tests("a\n#[cfg(test)]\nmod t {\n  b {}\n}\nc"),
            "a\n#[cfg(test)]\n\n\n\nc\n"
        );
    }
}
