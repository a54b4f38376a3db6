//! YAML as people wrote it for the Python version: by the rules of YAML 1.1, in which `on` is true and `010` is eight.

use std::path::Path;

use serde_json::Value;

use crate::EngineError;

/// The value of `text`, which came from `path`. A key given twice means its last value, as it always has.
///
/// # Errors
/// When it is no YAML; the text names file, line and column.
pub(crate) fn parse_yaml(path: &Path, text: &str) -> Result<Value, EngineError> {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        EngineError::config(format!("Invalid YAML in {}: {error}", path.display()))
            .with_hint("correct it there; `car config validate` checks it again")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Result<Value, EngineError> {
        parse_yaml(Path::new("config.yml"), text)
    }

    #[test]
    fn files_of_the_original_keep_their_meaning() {
        let value = parse("a: on\nb: no\nc: 010\nd: 0x10\ne: 07\nf: 0\ng: 1.5\n").expect("YAML");
        let expected = json!({ "a": true, "b": false, "c": 8, "d": 16, "e": 7, "f": 0, "g": 1.5 });
        assert_eq!(value, expected);
        assert_eq!(parse("a: 1\nb: 2\na: 3\n").expect("YAML"), json!({ "a": 3, "b": 2 }));
    }

    #[test]
    fn nothing_is_null_also_with_comments() {
        for text in ["", " \n", "# only\n\n  # comments\n"] {
            assert_eq!(parse(text).expect("YAML"), Value::Null, "{text:?}");
        }
    }

    #[test]
    fn an_error_is_one_line_with_file_line_and_column() {
        let error = parse("a: 1\nb: {c: 2\n").expect_err("not closed");
        insta::assert_snapshot!(
            error.to_string(),
            @"Invalid YAML in config.yml: unclosed bracket '{' at line 2, column 4"
        );
        assert!(error.hint().is_some());
    }
}
