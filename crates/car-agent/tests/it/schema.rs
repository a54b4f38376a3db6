//! The schema the installed Codex prints, and whether a message fits it.
//!
//! Stricter than a validator: a member the schema does not name is a fault, because that is how a renamed one shows.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use car_testkit::codex;
use serde_json::Value;
use tempfile::TempDir;

/// One file of the schema.
pub(crate) struct Schema {
    root: Value,
}

/// The directory the schema is in.
pub(crate) struct Schemas {
    dir: TempDir,
}

impl Schemas {
    /// Asks the installed Codex.
    pub(crate) fn of_installed_codex() -> Self {
        let dir = TempDir::with_prefix("car-schema-").expect("a temporary directory");
        let home = TempDir::with_prefix("car-codex-home-").expect("a temporary directory");
        let status = Command::new(codex::binary())
            .args(["app-server", "generate-json-schema", "--experimental", "--out"])
            .arg(dir.path())
            .env("CODEX_HOME", home.path())
            .output()
            .expect("Codex starts")
            .status;
        assert!(status.success(), "Codex prints its schema");
        Self { dir }
    }

    /// One of its files, without the extension.
    pub(crate) fn file(&self, name: &str) -> Schema {
        let path = self.dir.path().join(format!("{name}.json"));
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Schema { root: serde_json::from_slice(&text).expect("JSON") }
    }
}

impl Schema {
    /// Panics when `value` does not fit; `complete` asks for every required member as well.
    #[track_caller]
    pub(crate) fn assert_fits(&self, value: &Value, complete: bool) {
        let check = Check { root: &self.root, complete };
        if let Err(fault) = check.value(&self.root, value, &BTreeSet::new()) {
            panic!("{fault}\nin {value:#}");
        }
    }
}

struct Check<'a> {
    root: &'a Value,
    complete: bool,
}

type Fault = Result<(), String>;

impl Check<'_> {
    /// `known` are members that are named beside this part of the schema.
    fn value(&self, schema: &Value, value: &Value, known: &BTreeSet<String>) -> Fault {
        if let Some(name) = schema["$ref"].as_str() {
            let target = self.root.pointer(name.trim_start_matches('#'));
            return self.value(target.ok_or(format!("{name} is not defined"))?, value, known);
        }
        let mut known = known.clone();
        known.extend(
            schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()),
        );
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.value(part, value, &known)?;
        }
        for choice in ["oneOf", "anyOf"].iter().filter_map(|word| schema[word].as_array()) {
            let faults: Vec<String> =
                choice.iter().filter_map(|part| self.value(part, value, &known).err()).collect();
            if faults.len() == choice.len() {
                // The one that came furthest is most often the one that was meant.
                let fault = faults.into_iter().max_by_key(|fault| fault.matches(" > ").count());
                return Err(fault.unwrap_or_default());
            }
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{value} is none of {allowed:?}"));
        }
        self.kind(schema, value)?;
        match value {
            Value::Object(members) => self.members(schema, members, &known),
            Value::Array(items) if schema["items"].is_object() => items
                .iter()
                .try_for_each(|item| self.value(&schema["items"], item, &BTreeSet::new())),
            _ => Ok(()),
        }
    }

    fn kind(&self, schema: &Value, value: &Value) -> Fault {
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => return Ok(()),
        };
        let is = |kind: &&str| match *kind {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "integer" => value.is_i64() || value.is_u64(),
            _ => value.is_number(),
        };
        if kinds.iter().any(is) { Ok(()) } else { Err(format!("{value} is no {kinds:?}")) }
    }

    fn members(
        &self,
        schema: &Value,
        members: &serde_json::Map<String, Value>,
        known: &BTreeSet<String>,
    ) -> Fault {
        let properties = &schema["properties"];
        let others = &schema["additionalProperties"];
        let is_open = ["oneOf", "anyOf", "allOf"].iter().any(|word| schema[word].is_array());
        for (name, value) in members {
            let named = &properties[name];
            if !named.is_null() {
                self.value(named, value, &BTreeSet::new())
                    .map_err(|fault| format!("{name} > {fault}"))?;
            } else if others.is_object() {
                self.value(others, value, &BTreeSet::new())?;
            } else if !known.contains(name) && properties.is_object() && !is_open && others != true
            {
                return Err(format!("there is no member `{name}`"));
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if self.complete && !members.contains_key(name) {
                return Err(format!("the member `{name}` is required"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: &Value) -> Fault {
        let root = json!({
            "definitions": {"Word": {"enum": ["yes", "no"], "type": "string"}},
            "properties": {
                "word": {"$ref": "#/definitions/Word"},
                "many": {"type": ["array", "null"], "items": {"type": "integer"}},
            },
            "required": ["word"],
            "type": "object",
        });
        Check { root: &root, complete: true }.value(&root, value, &BTreeSet::new())
    }

    #[test]
    fn a_fault_of_every_kind_is_found() {
        assert_eq!(check(&json!({"word": "yes", "many": [1, 2]})), Ok(()));
        assert_eq!(check(&json!({"word": "yes", "many": null})), Ok(()));
        for wrong in [
            json!({"word": "perhaps"}),
            json!({"word": "yes", "more": 1}),
            json!({"word": "yes", "many": ["1"]}),
            json!({"many": []}),
            json!("yes"),
        ] {
            assert!(check(&wrong).is_err(), "{wrong}");
        }
    }
}
