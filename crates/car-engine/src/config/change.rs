//! Showing the settings of a root to other people, and changing them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::layers::{self, Origin};
use super::{
    CAR_DIR, CONFIG_FILE, Examined, RootEnv, config_of, edit, examine, must_exist, schema,
};
use crate::files::{lock_file, write_atomic};
use crate::{EngineError, Redactor};

/// Keys that say what kind of root it is.
const FIXED: [&str; 2] = ["mode", "version"];

/// The settings of a root for people elsewhere: without secrets, and without paths of the machine where they are the root's own.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Settings {
    /// Every effective value by its dotted key.
    pub values: BTreeMap<String, Setting>,
    /// Why the configuration cannot be used.
    pub problems: Vec<String>,
    /// What is probably not meant.
    pub warnings: Vec<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Setting {
    /// What holds.
    pub value: Value,
    /// `built-in`, a file, or `$` and a variable.
    pub origin: String,
}

/// What is to become of settings.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// New values by dotted key.
    pub set: BTreeMap<String, Value>,
    /// Dotted keys that get their default again, or what another file says.
    pub unset: Vec<String>,
}

/// The settings of `root`.
///
/// # Errors
/// When a file is missing, cannot be read or is no YAML mapping.
pub fn settings(root: &Path) -> Result<Settings, EngineError> {
    let redactor = Redactor::of(&RootEnv::read(root));
    let Examined { values, problems, warnings, .. } = examine(root)?;
    let tidy = |text: &String| origin_text(root, &redactor.redact(text));
    let setting = |(key, (value, origin)): (String, (Value, Origin))| {
        let origin = origin_text(root, &origin.to_string());
        (key, Setting { value: redacted(value, &redactor), origin })
    };
    Ok(Settings {
        values: values.into_iter().map(setting).collect(),
        problems: problems.iter().map(tidy).collect(),
        warnings: warnings.iter().map(tidy).collect(),
    })
}

/// Changes the root's own `config.yml`, all of it or nothing. Comments and layout stay.
///
/// # Errors
/// When a key is unknown or fixed, a value does not fit, or the file is written in a way that cannot be changed safely; nothing is
/// changed then.
pub fn change(root: &Path, change: &SettingsChange) -> Result<(), EngineError> {
    must_exist(root)?;
    let dir = root.join(CAR_DIR);
    let path = dir.join(CONFIG_FILE);
    let _lock = lock_file(&dir.join(format!("{CONFIG_FILE}.lock")))?;
    let mut text =
        fs::read_to_string(&path).map_err(|error| EngineError::file("read", &path, error))?;
    let unset = change.unset.iter().map(|key| (key, None));
    for (key, value) in unset.chain(change.set.iter().map(|(key, value)| (key, Some(value)))) {
        text = changed(&path, &text, key, value)?;
    }
    let own = layers::mapping(&path, &text)?;
    let merged = layers::merged_with(root, &RootEnv::read(root), own)?;
    let is_set = |unknown: &str| {
        change.set.keys().any(|key| unknown == key || unknown.starts_with(&format!("{key}.")))
    };
    if let Some((key, near)) =
        schema::check(&merged.value).unknown.into_iter().find(|(key, _)| is_set(key))
    {
        let error = EngineError::invalid(format!("{key} is not a known key"));
        return Err(match near {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint("`car config schema` lists the keys"),
        });
    }
    config_of(&merged).map_err(|error| EngineError::invalid(error.to_string()))?;
    write_atomic(&path, text.as_bytes()).map_err(|error| EngineError::file("write", &path, error))
}

fn changed(
    path: &Path,
    text: &str,
    key: &str,
    value: Option<&Value>,
) -> Result<String, EngineError> {
    let names: Vec<&str> = key.split('.').collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(EngineError::invalid(format!("`{key}` is no key"))
            .with_hint("write names with dots between, as in runner.sleep_seconds"));
    }
    if FIXED.contains(&names[0]) {
        let text = format!("{key} says what kind of root this is and is not changed here");
        return Err(EngineError::invalid(text));
    }
    let now = layers::mapping(path, text)?;
    let wanted = edit::changed(&now, &names, value);
    if wanted == now {
        return Ok(text.to_owned());
    }
    let new = edit::with_value(text, &now, &names, value);
    new.filter(|new| layers::mapping(path, new).is_ok_and(|means| means == wanted)).ok_or_else(
        || {
            let name = format!("{CAR_DIR}/{CONFIG_FILE}");
            EngineError::conflict(format!(
                "{name} is written in a way in which {key} cannot be changed safely"
            ))
            .with_hint("change it there by hand; `car config validate` checks it")
        },
    )
}

fn redacted(value: Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.redact(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(|item| redacted(item, redactor)).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(name, value)| (name, redacted(value, redactor))).collect()
        }
        other => other,
    }
}

/// A text without the place of the root itself.
fn origin_text(root: &Path, text: &str) -> String {
    text.replace(&format!("{}/", root.display()), "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ErrorKind;

    fn root(config: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        fs::write(dir.path().join(CAR_DIR).join(CONFIG_FILE), config).expect("write");
        dir
    }

    fn own(root: &tempfile::TempDir) -> String {
        fs::read_to_string(root.path().join(CAR_DIR).join(CONFIG_FILE)).expect("read")
    }

    fn set(root: &tempfile::TempDir, key: &str, value: Value) -> Result<(), EngineError> {
        let set = BTreeMap::from([(key.to_owned(), value)]);
        change(root.path(), &SettingsChange { set, ..SettingsChange::default() })
    }

    #[test]
    fn a_setting_is_changed_and_given_back_its_default() {
        let root = root("# mine\nrunner:\n  sleep_seconds: 5  # short\n");
        set(&root, "runner.sleep_seconds", json!(7)).expect("changed");
        assert_eq!(own(&root), "# mine\nrunner:\n  sleep_seconds: 7  # short\n");
        let shown = settings(root.path()).expect("readable").values.remove("runner.sleep_seconds");
        let origin = format!("{CAR_DIR}/{CONFIG_FILE}");
        assert_eq!(shown, Some(Setting { value: json!(7), origin }));
        let unset = vec!["runner.sleep_seconds".to_owned()];
        change(root.path(), &SettingsChange { unset, ..SettingsChange::default() })
            .expect("changed");
        assert_eq!(own(&root), "# mine\n");
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let before = "runner:\n  sleep_seconds: 5\n";
        let root = root(before);
        for (key, value) in [
            ("runner.sleep_seconds", json!("soon")),
            ("runner.sleep_second", json!(3)),
            ("codex.binary", json!(" ")),
            ("mode", json!("hub")),
            ("", json!(1)),
            ("runner..x", json!(1)),
        ] {
            let error = set(&root, key, value).expect_err(key);
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
        let (mut good, key) = (SettingsChange::default(), "runner.sleep_seconds".to_owned());
        good.set.insert(key, json!(9));
        good.set.insert("server.port".to_owned(), json!("x"));
        assert!(change(root.path(), &good).is_err());
        assert_eq!(own(&root), before, "all or nothing");
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_to_people() {
        let text = "runner: &r\n  sleep_seconds: 5\ncodex: {binary: codex,\nargs: [exec]}\n";
        let root = root(text);
        let error = set(&root, "codex.model", json!("x")).expect_err("refused");
        assert_eq!((error.kind(), own(&root)), (ErrorKind::Conflict, text.to_owned()));
    }

    #[test]
    fn secrets_of_the_environment_are_not_shown() {
        let root = root("codex:\n  args: [exec, --key=hunter2hunter2]\n");
        fs::write(root.path().join(".env"), "MY_API_KEY=hunter2hunter2\n").expect("write");
        let shown = settings(root.path()).expect("readable");
        assert_eq!(shown.values["codex.args"].value, json!(["exec", "--key=[REDACTED]"]));
    }
}
