//! Reading and merging the layers, and remembering where each value came from.
//!
//! Precedence, lowest first: built-ins, `codex-autorunner.yml`, `codex-autorunner.override.yml`,
//! `.codex-autorunner/config.yml`, named environment variables. Maps merge key by key, everything else replaces.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::model::Mode;
use super::{CAR_DIR, CONFIG_FILE, RootEnv, schema, variables};
use crate::EngineError;
use crate::files::parse_yaml;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// CAR's own default.
    BuiltIn,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// All layers of a root, merged.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub value: Value,
    /// Origins of the values that are not built in, by dotted key.
    pub origins: BTreeMap<String, Origin>,
    /// Variables that are set to something that cannot be used.
    pub warnings: Vec<String>,
}

/// Merges the layers of `root`.
pub(super) fn merged(root: &Path, env: &RootEnv) -> Result<Merged, EngineError> {
    let own = read(&root.join(CAR_DIR).join(CONFIG_FILE))?.unwrap_or_default();
    merged_with(root, env, own)
}

/// Merges the layers of `root` as if `own` were the content of its own file.
pub(super) fn merged_with(
    root: &Path,
    env: &RootEnv,
    own: Map<String, Value>,
) -> Result<Merged, EngineError> {
    let own_path = root.join(CAR_DIR).join(CONFIG_FILE);
    let mode = match own.get("mode").and_then(Value::as_str) {
        Some("hub") => Mode::Hub,
        _ => Mode::Repo,
    };
    let base_path = root.join("codex-autorunner.yml");
    let base = read(&base_path)?.unwrap_or_default();
    let over_path = root.join("codex-autorunner.override.yml");
    let over = read(&over_path).map_err(|error| {
        let path = over_path.display();
        let message = format!("Invalid override config {path}; fix or delete it");
        let hint = error.hint().unwrap_or_default();
        EngineError::config(message).with_source(error).with_hint(hint)
    })?;
    // Both root files together decide whether they are divided by mode.
    let over = over.unwrap_or_default();
    let divided = is_divided(&base) || is_divided(&over);
    let part = |map| if divided { section(map, mode) } else { map };
    let mut all = Map::new();
    let mut origins = BTreeMap::new();
    let layers = [(base_path, part(base)), (over_path, part(over)), (own_path, own)];
    for (path, mut layer) in layers {
        // `codex:` with nothing below it means the defaults, as in the original.
        layer.retain(|_, value| !value.is_null());
        merge(&mut all, layer, "", &Origin::File(path), &mut origins);
    }
    let (variables, warnings) = variables::layers(env);
    for layer in variables {
        let origin = Origin::Variable(layer.name.to_owned());
        merge(&mut all, layer.values, "", &origin, &mut origins);
    }
    Ok(Merged { value: Value::Object(all), origins, warnings })
}

/// Whether a root file has a part for repositories and one for hubs. A flat file of a hub has a `hub` key as well, so that one
/// alone counts only when what is in it belongs to the top level.
fn is_divided(map: &Map<String, Value>) -> bool {
    if map.contains_key("repo") {
        return true;
    }
    match map.get("hub") {
        Some(Value::Object(hub)) => hub.keys().any(|key| key != "log" && schema::is_section(key)),
        _ => false,
    }
}

fn section(mut map: Map<String, Value>, mode: Mode) -> Map<String, Value> {
    match map.remove(mode.name()) {
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
    mapping(path, &text).map(Some)
}

/// The mapping that `text` of the file at `path` is.
pub(super) fn mapping(path: &Path, text: &str) -> Result<Map<String, Value>, EngineError> {
    match parse_yaml(path, text)? {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => {
            let message = format!("Config file must be a mapping: {}", path.display());
            Err(EngineError::config(message)
                .with_hint("write `key: value` lines; `car config schema` lists the keys"))
        }
    }
}

fn merge(
    base: &mut Map<String, Value>,
    over: Map<String, Value>,
    above: &str,
    origin: &Origin,
    origins: &mut BTreeMap<String, Origin>,
) {
    for (name, value) in over {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        if let Value::Object(above) = value {
            let below = base.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(Map::new());
                origins.remove(&key);
            }
            if let Value::Object(below) = below {
                merge(below, above, &key, origin, origins);
            }
        } else {
            let inside = format!("{key}.");
            origins.retain(|other, _| !other.starts_with(&inside));
            origins.insert(key, origin.clone());
            base.insert(name, value);
        }
    }
}
