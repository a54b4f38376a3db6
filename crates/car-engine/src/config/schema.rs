//! The JSON schema of the configuration, and checking values against it.
//!
//! Editors complete and check `config.yml` with it. CAR checks with the same schema, so what an editor accepts and what CAR
//! accepts cannot differ. All problems are found at once, each named by its key.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::Config;

static SCHEMA: LazyLock<Value> = LazyLock::new(generate);

/// The JSON schema of a configuration file.
pub fn schema() -> &'static Value {
    &SCHEMA
}

/// Whether `key` is one of the top level.
pub(super) fn is_section(key: &str) -> bool {
    SCHEMA["properties"].get(key).is_some()
}

fn generate() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    schema["title"] = "Configuration of CAR".into();
    schema
}

/// What is wrong with a configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    /// Sentences about values that do not fit.
    pub problems: Vec<String>,
    /// Dotted keys nobody knows, each with the known one it resembles.
    pub unknown: Vec<(String, Option<String>)>,
}

/// Checks `value` against the schema.
pub(super) fn check(value: &Value) -> Findings {
    let mut findings = Findings::default();
    walk(value, schema(), "", &mut findings);
    findings
}

fn walk(value: &Value, schema: &Value, key: &str, findings: &mut Findings) {
    if let Some(wanted) = misfit(value, schema) {
        let what = if key.is_empty() { "the configuration" } else { key };
        findings.problems.push(format!("{what} must be {wanted}"));
        return;
    }
    match value {
        Value::Object(map) => walk_map(map, schema, key, findings),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, branch(&schema["items"], item), &format!("{key}[{at}]"), findings);
            }
        }
        _ => {}
    }
}

fn walk_map(map: &Map<String, Value>, schema: &Value, key: &str, findings: &mut Findings) {
    let schema = branch_for_map(schema);
    let known = schema["properties"].as_object();
    let any = &schema["additionalProperties"];
    for (name, value) in map {
        let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        match known.and_then(|known| known.get(name)) {
            Some(schema) => walk(value, branch(schema, value), &path, findings),
            None if any.is_object() => walk(value, any, &path, findings),
            None if known.is_none() => {}
            None => {
                let names = known.into_iter().flat_map(Map::keys);
                findings.unknown.push((path, nearest(name, names)));
            }
        }
    }
}

/// Of alternatives the one that fits the value, else the schema itself.
fn branch<'s>(schema: &'s Value, value: &Value) -> &'s Value {
    let alternatives = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
    let fits = |schema: &&Value| misfit(value, schema).is_none();
    alternatives.iter().find(fits).unwrap_or(schema)
}

fn branch_for_map(schema: &Value) -> &Value {
    branch(schema, &Value::Object(Map::new()))
}

/// What the value should have been; `None` when it fits so far.
fn misfit(value: &Value, schema: &Value) -> Option<String> {
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let misfits: Option<Vec<String>> =
            alternatives.iter().map(|schema| misfit(value, schema)).collect();
        return misfits.map(|words| words.join(" or "));
    }
    if let Some(choices) = schema["enum"].as_array() {
        let words: Vec<String> = choices.iter().map(word).collect();
        return (!choices.contains(value)).then(|| format!("one of {}", words.join(", ")));
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        let words: Vec<&Value> = alternatives.iter().map(|schema| &schema["const"]).collect();
        let list: Vec<String> = words.iter().map(|value| word(value)).collect();
        return (!words.contains(&value)).then(|| format!("one of {}", list.join(", ")));
    }
    let types = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    if !types.iter().any(|name| is_a(value, name)) {
        return Some(types.iter().map(|name| spoken(name)).collect::<Vec<_>>().join(" or "));
    }
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    let number = value.as_f64()?;
    match (least, most) {
        (Some(least), _) if number < least => Some(format!(">= {least}")),
        (_, Some(most)) if number > most => Some(format!("<= {most}")),
        _ => None,
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// The type in the words of the original's messages.
fn spoken(name: &str) -> &str {
    match name {
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |word| format!("'{word}'"))
}

/// The known name that was probably meant.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> Option<String> {
    let distance = |known: &str| strsim::damerau_levenshtein(&name.to_lowercase(), known);
    let nearest = known.min_by_key(|known| distance(known))?;
    (distance(nearest) <= 1 + name.len() / 4).then(|| nearest.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_is_named_by_its_key() {
        let findings = check(&json!({
            "runner": { "sleep_seconds": "5", "stop_after_runs": "x" },
            "codex": { "args": "exec", "models": { "small": 3 } },
            "git": { "auto_commit": "no" },
            "terminal": { "idle_timeout_seconds": -1 },
            "housekeeping": { "interval_seconds": 0, "rules": [{ "kind": "pile" }] },
            "notifications": { "enabled": "sometimes", "tui_idle_seconds": "x" },
            "docs": [],
        }));
        assert_eq!(
            findings.problems,
            [
                "runner.sleep_seconds must be an integer",
                "runner.stop_after_runs must be an integer or null",
                "codex.args must be a list",
                "codex.models.small must be a string or null",
                "git.auto_commit must be boolean",
                "terminal.idle_timeout_seconds must be >= 0",
                "housekeeping.interval_seconds must be >= 1",
                "housekeeping.rules[0].kind must be one of 'directory', 'file'",
                "notifications.enabled must be one of true, false, null, 'auto'",
                "notifications.tui_idle_seconds must be a number or null",
                "docs must be a mapping",
            ]
        );
    }

    #[test]
    fn unknown_keys_name_what_was_probably_meant() {
        let findings = check(&json!({
            "runer": {}, "runner": { "sleep_second": 1, "banana": 2 },
            "voice": { "providers": { "mine": { "modell": "x" } } },
        }));
        let found: Vec<_> =
            findings.unknown.iter().map(|(key, near)| (key.as_str(), near.as_deref())).collect();
        assert_eq!(
            found,
            [
                ("runer", Some("runner")),
                ("runner.sleep_second", Some("sleep_seconds")),
                ("runner.banana", None),
                ("voice.providers.mine.modell", Some("model")),
            ]
        );
        assert_eq!(findings.problems, [""; 0]);
    }

    #[test]
    fn the_defaults_fit_their_own_schema() {
        let defaults = serde_json::to_value(Config::default()).expect("serialises");
        assert_eq!(check(&defaults), Findings::default());
    }

    #[test]
    fn the_schema_is_what_editors_were_given() {
        let text = format!("{:#}\n", schema());
        insta::assert_snapshot!("config-schema", text);
    }
}
