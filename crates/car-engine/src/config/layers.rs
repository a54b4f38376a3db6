//! Reading and merging the YAML layers.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value};

use crate::EngineError;

/// Merges the layers of `root` in order of precedence.
pub(super) fn merged(root: &Path, config_path: &Path) -> Result<Value, EngineError> {
    let own = read(config_path)?.unwrap_or_default();
    let mode = own.get("mode").and_then(Value::as_str).unwrap_or("repo").to_owned();
    let mut base = read(&root.join("codex-autorunner.yml"))?.unwrap_or_default();
    let override_path = root.join("codex-autorunner.override.yml");
    let over = read(&override_path).map_err(|error| {
        EngineError::config(format!(
            "Invalid override config {}; fix or delete it",
            override_path.display()
        ))
        .with_source(error)
    })?;
    merge(&mut base, over.unwrap_or_default());
    let mut base = section(base, &mode);
    merge(&mut base, own);
    Ok(Value::Object(base))
}

/// A root file with a top-level `repo` or `hub` key is divided by mode; only the section of the mode counts.
fn section(mut map: Map<String, Value>, mode: &str) -> Map<String, Value> {
    if !map.contains_key("repo") && !map.contains_key("hub") {
        return map;
    }
    match map.remove(mode) {
        Some(Value::Object(section)) => section,
        _ => Map::new(),
    }
}

fn read(path: &Path) -> Result<Option<Map<String, Value>>, EngineError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("Failed to read config file {}", path.display());
            return Err(EngineError::config(message).with_source(error));
        }
    };
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Some(Map::new()));
    }
    let value: Value = serde_saphyr::from_str(&text).map_err(|error| {
        EngineError::config(format!("Invalid YAML in {}: {error}", path.display()))
    })?;
    match value {
        Value::Object(map) => Ok(Some(map)),
        Value::Null => Ok(Some(Map::new())),
        _ => Err(EngineError::config(format!("Config file must be a mapping: {}", path.display()))),
    }
}

fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
