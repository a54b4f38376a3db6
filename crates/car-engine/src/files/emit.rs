//! Writing YAML that YAML 1.1 readers, the original among them, understand as it was meant.

use serde_json::Value;

/// Words a YAML 1.1 reader takes for something else than text.
const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];

/// `value` in block style, two spaces a level, lists not indented, ending with a line break.
pub(crate) fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("{indent}{}:", scalar_text(key)));
                nested(value, depth, out);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for item in list {
                let mut text = String::new();
                block(item, depth + 1, &mut text);
                // The dash stands where the item's first line has its last step of indentation.
                out.push_str(&format!("{indent}- {}", &text[indent.len() + 2..]));
            }
        }
        other => out.push_str(&format!("{indent}{}\n", scalar(other))),
    }
}

/// What follows the colon of a key.
fn nested(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(value, depth + 1, out);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            block(value, depth, out);
        }
        other => out.push_str(&format!(" {}\n", scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => scalar_text(text),
        other => other.to_string(), // Numbers, booleans, null, `[]` and `{}` are the same in both.
    }
}

fn scalar_text(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./@+".contains(c))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Double quotes; everything YAML 1.1 does not print is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' => out.push(c),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::parse_yaml;
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn a_manifest_looks_as_the_original_writes_it() {
        let value = json!({ "version": 2, "repos": [
            { "id": "demo", "path": "demo", "enabled": true, "auto_run": false, "kind": "base" },
            { "id": "on", "path": "a b", "labels": ["x", "1.0"], "more": { "sum": null } },
        ], "empty": [] });
        insta::assert_snapshot!(to_yaml(&value), @r#"
        version: 2
        repos:
        - id: demo
          path: demo
          enabled: true
          auto_run: false
          kind: base
        - id: "on"
          path: "a b"
          labels:
          - x
          - "1.0"
          more:
            sum: null
        empty: []
        "#);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            "[a-z0-9:#~-]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z0-9 _-]{1,5}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_the_same(value in any_value()) {
            let value = json!({ "key": value });
            let text = to_yaml(&value);
            let read = parse_yaml(Path::new("x"), &text);
            assert_eq!(read.map_err(|error| error.to_string()), Ok(value), "{text}");
        }
    }
}
