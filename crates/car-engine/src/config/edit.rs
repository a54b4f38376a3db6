//! Changing one value in the text of a configuration file, and nothing else in it.
//!
//! People's comments, order and layout stay. The text is changed line by line, as far as mappings are written in lines; the result
//! counts only when it means exactly what was asked for, so a layout that is not understood here is refused and never damaged.

use std::ops::Range;

use serde_json::{Map, Value};

/// `text`, which means `now`, with `value` under the names of `key`; without it when there is no value. `None` when that cannot
/// be done by lines.
pub(super) fn with_value(
    text: &str,
    now: &Map<String, Value>,
    key: &[&str],
    value: Option<&Value>,
) -> Option<String> {
    if text.trim_start().starts_with('{') {
        // All of it is one value, in which only a comment could get lost.
        let wanted = Value::Object(changed(now, key, value));
        return (!text.contains('#')).then(|| format!("{wanted:#}\n"));
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let all = 0..lines.len();
    edit(&mut lines, all, 0, now, key, value)?;
    Some(lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect())
}

/// What a mapping means with that change. A mapping that holds nothing any more goes, too.
pub(super) fn changed(
    now: &Map<String, Value>,
    key: &[&str],
    value: Option<&Value>,
) -> Map<String, Value> {
    let mut map = now.clone();
    let Some((name, rest)) = key.split_first() else { return map };
    let new = match (rest.is_empty(), value) {
        (true, value) => value.cloned(),
        (false, _) => {
            let inner = map.get(*name).and_then(Value::as_object).cloned().unwrap_or_default();
            let inner = changed(&inner, rest, value);
            (value.is_some() || !inner.is_empty()).then_some(Value::Object(inner))
        }
    };
    match new {
        Some(new) => drop(map.insert((*name).to_owned(), new)),
        None => drop(map.remove(*name)),
    }
    map
}

/// Changes the mapping in `lines[range]`, whose names begin at column `indent` and which means `now`.
fn edit(
    lines: &mut Vec<String>,
    range: Range<usize>,
    indent: usize,
    now: &Map<String, Value>,
    key: &[&str],
    value: Option<&Value>,
) -> Option<()> {
    let (name, rest) = key.split_first()?;
    let margin = " ".repeat(indent);
    let Some(at) = range.clone().find(|at| is_entry(&lines[*at], indent, name)) else {
        let Some(value) = value else { return Some(()) };
        let new = entry(indent, key, value);
        // Comments at the end of a part are about what follows it; those at the end of the file about what it has above.
        let end = if indent == 0 { range.end } else { end_of_content(lines, &range) };
        lines.splice(end..end, new);
        return Some(());
    };
    let end = end_of_entry(lines, at, range.end, indent);
    let (written, comment) = after_colon(&lines[at]);
    let after = changed(now, key, value);
    let Some(new) = after.get(*name) else {
        lines.drain(at..end);
        return Some(());
    };
    if !rest.is_empty() && written.is_empty() {
        let inner = now.get(*name).and_then(Value::as_object).cloned().unwrap_or_default();
        let first = (at + 1..end).find_map(|at| column(&lines[at]));
        return edit(lines, at + 1..end, first.unwrap_or(indent + 2), &inner, rest, value);
    }
    let line = format!("{margin}{}: {new}{comment}", quoted(name));
    lines.splice(at..end, [line]);
    Some(())
}

/// Lines for a value that was not there.
fn entry(indent: usize, key: &[&str], value: &Value) -> Vec<String> {
    let last = key.len().saturating_sub(1);
    let line = |(depth, name): (usize, &&str)| {
        let margin = " ".repeat(indent + 2 * depth);
        let value = if depth == last { format!(" {value}") } else { String::new() };
        format!("{margin}{}:{value}", quoted(name))
    };
    key.iter().enumerate().map(line).collect()
}

/// Column at which a line says something.
fn column(line: &str) -> Option<usize> {
    let said = line.trim_start_matches(' ');
    let is_said = !said.trim().is_empty() && !said.starts_with('#');
    is_said.then(|| line.len() - said.len())
}

fn is_entry(line: &str, indent: usize, name: &str) -> bool {
    if column(line) != Some(indent) {
        return false;
    }
    let said = &line[indent..];
    [name.to_owned(), format!("\"{name}\""), format!("'{name}'")].iter().any(|name| {
        let rest = said.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix(':'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    })
}

/// Where the entry that begins at `at` ends. Comments and empty lines behind it belong to what follows.
fn end_of_entry(lines: &[String], at: usize, limit: usize, indent: usize) -> usize {
    let is_inside = |line: &String| match column(line) {
        None => true,
        Some(column) => column > indent || (column == indent && line[indent..].starts_with("- ")),
    };
    let n_inside = lines[at + 1..limit].iter().take_while(|line| is_inside(line)).count();
    end_of_content(lines, &(at..at + 1 + n_inside))
}

/// Behind the last line of a range that says something; its end when none does.
fn end_of_content(lines: &[String], range: &Range<usize>) -> usize {
    let last = range.clone().rev().find(|at| column(&lines[*at]).is_some());
    last.map_or(range.end, |last| last + 1)
}

/// What is written behind the name of an entry, and the comment behind that, with the space before it.
fn after_colon(line: &str) -> (&str, &str) {
    let rest = line.split_once(':').map_or("", |(_, rest)| rest);
    let has_quotes = rest.contains(['"', '\'']);
    let comment = rest.find(" #").filter(|_| !has_quotes).unwrap_or(rest.len());
    let space = rest[..comment].trim_end().len();
    (rest[..space].trim_start(), &rest[space..])
}

/// A name as YAML reads it back.
fn quoted(name: &str) -> String {
    let is_word = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let is_other = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    match is_word && !is_other.contains(&name.to_ascii_lowercase().as_str()) {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::config::layers::mapping;

    const TEXT: &str = "# Ours.\nversion: 2\n\ncodex:   # the agent\n  # which\n  binary: codex  # on the path\n  args:\n  - exec\n  \
                        - --json\n\n# The loop.\nrunner: {sleep_seconds: 5}\n# End.\n";

    #[expect(clippy::needless_pass_by_value, reason = "tests write values where they use them")]
    fn set(text: &str, key: &str, value: Option<Value>) -> String {
        let now = mapping(Path::new("config.yml"), text).expect("YAML");
        let key: Vec<&str> = key.split('.').collect();
        let new = with_value(text, &now, &key, value.as_ref()).expect("by lines");
        let means = mapping(Path::new("config.yml"), &new).expect("YAML");
        assert_eq!(means, changed(&now, &key, value.as_ref()), "{new}");
        new
    }

    #[test]
    fn only_the_line_of_a_value_changes() {
        let new = set(TEXT, "codex.binary", Some(json!("/opt/my codex")));
        assert_eq!(new, TEXT.replace("binary: codex ", "binary: \"/opt/my codex\" "));
        let new = set(TEXT, "codex.args", Some(json!(["exec"])));
        assert_eq!(new, TEXT.replace("args:\n  - exec\n  - --json\n", "args: [\"exec\"]\n"));
        let new = set(TEXT, "runner.max_run_seconds", Some(json!(60)));
        assert_eq!(
            new,
            TEXT.replace("{sleep_seconds: 5}", "{\"sleep_seconds\":5,\"max_run_seconds\":60}")
        );
    }

    #[test]
    fn a_new_value_stands_with_its_own_and_a_new_part_at_the_end() {
        let new = set(TEXT, "codex.models.small", Some(json!("mini")));
        assert_eq!(new, TEXT.replace("--json\n", "--json\n  models:\n    small: \"mini\"\n"));
        let new = set(TEXT, "git.auto_commit", Some(json!(true)));
        assert_eq!(new, format!("{TEXT}git:\n  auto_commit: true\n"));
        assert_eq!(set("# Only\n", "a.b", Some(json!(null))), "# Only\na:\n  b: null\n");
        assert_eq!(set("a:\nb: 1\n", "a.c", Some(json!(2))), "a:\n  c: 2\nb: 1\n");
    }

    #[test]
    fn what_is_taken_away_leaves_no_empty_part() {
        let new = set(TEXT, "codex.args", None);
        assert_eq!(new, TEXT.replace("  args:\n  - exec\n  - --json\n", ""));
        assert_eq!(
            set(TEXT, "runner.sleep_seconds", None),
            TEXT.replace("runner: {sleep_seconds: 5}\n", "")
        );
        assert_eq!(set(TEXT, "codex.nothing", None), TEXT);
        assert_eq!(set("a:\n  b:\n    c: 1\nd: 2\n", "a.b.c", None), "d: 2\n");
    }

    #[test]
    fn json_stays_json() {
        assert_eq!(
            set("{\"a\": {\"b\": 1}}", "a.c", Some(json!(2))),
            "{\n  \"a\": {\n    \"b\": 1,\n    \"c\": 2\n  }\n}\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was_set(text in any::<String>(), key in "[a-z]{1,3}(\\.[a-z]{1,3}){0,2}") {
            let printable = text.chars().all(|c| !c.is_control());
            prop_assume!(printable);
            set("# x\na:\n  b: 1\n  c:\n    d: e\nf: [1]\n", &key, Some(json!(text)));
        }
    }
}
