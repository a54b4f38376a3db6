//! Configuration: built-in defaults, the root's own files and variables, and what they add up to.
//!
//! One type, [`Config`], says which keys there are, what they mean and what they are by default; the JSON schema, the checks,
//! and `car config show` all come from it. Reading never writes.

mod change;
mod dotenv;
mod edit;
mod environment;
mod layers;
mod model;
mod schema;
#[cfg(test)]
mod tests;
mod variables;

pub use change::{Setting, Settings, SettingsChange, change, settings};
pub use environment::RootEnv;
pub use layers::Origin;
pub use model::*;
pub use schema::schema;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::EngineError;
use layers::Merged;

/// Directory of everything CAR keeps in a repository.
pub const CAR_DIR: &str = ".codex-autorunner";
/// Name of the configuration inside it.
pub const CONFIG_FILE: &str = "config.yml";

/// A root's configuration with everything there is to say about it.
#[derive(Debug)]
pub struct Examined {
    /// What holds; `None` when there are problems.
    pub config: Option<Config>,
    /// Every effective value by dotted key, with its origin.
    pub values: BTreeMap<String, (Value, Origin)>,
    /// Why it cannot be used.
    pub problems: Vec<String>,
    /// What is probably not meant.
    pub warnings: Vec<String>,
}

/// Reads the effective configuration of the root `root`.
///
/// # Errors
/// When a file cannot be read, is no YAML mapping, or a value does not fit; the text names file and key.
pub fn load(root: &Path) -> Result<Config, EngineError> {
    load_with_env(root).map(|(config, _)| config)
}

/// Reads the effective configuration and the environment of the root `root`.
///
/// # Errors
/// As [`load`].
pub fn load_with_env(root: &Path) -> Result<(Config, RootEnv), EngineError> {
    must_exist(root)?;
    let mut env = RootEnv::read(root);
    let merged = layers::merged(root, &env)?;
    let config = config_of(&merged)?;
    env.withhold(&config.server.auth_token_env);
    env.withhold(&config.telegram_bot.bot_token_env);
    Ok((config, env))
}

/// Looks at the configuration of `root` without stopping at the first problem.
///
/// # Errors
/// When a file is missing, cannot be read or is no YAML mapping.
pub fn examine(root: &Path) -> Result<Examined, EngineError> {
    must_exist(root)?;
    let env = RootEnv::read(root);
    let merged = layers::merged(root, &env)?;
    let findings = schema::check(&merged.value);
    let mut warnings = env.warnings().to_vec();
    warnings.extend(merged.warnings.iter().cloned());
    warnings.extend(findings.unknown.iter().map(|(key, near)| match near {
        Some(near) => format!("{key} is not a known key; did you mean `{near}`?"),
        None => format!("{key} is not a known key"),
    }));
    let mut problems = findings.problems;
    let config = match config_of(&merged) {
        Ok(config) => {
            warnings.extend(without_effect(&merged, &config));
            Some(config)
        }
        Err(error) => {
            if problems.is_empty() {
                problems.push(error.to_string());
            }
            None
        }
    };
    let values = config.as_ref().map(|config| values_of(config, &merged)).unwrap_or_default();
    Ok(Examined { config, values, problems, warnings })
}

fn must_exist(root: &Path) -> Result<(), EngineError> {
    if root.join(CAR_DIR).join(CONFIG_FILE).is_file() {
        return Ok(());
    }
    Err(EngineError::config(format!(
        "Missing config file; expected to find {CAR_DIR}/{CONFIG_FILE} in {} or parents",
        root.display()
    ))
    .with_hint("run `car init` in the repository first"))
}

fn config_of(merged: &Merged) -> Result<Config, EngineError> {
    let value = &merged.value;
    let fix_key = |key: &str, problem: String| {
        let hint = match merged.origins.get(key) {
            Some(origin) => format!("fix the value in {origin}"),
            None => "`car config validate` lists all problems".to_owned(),
        };
        EngineError::config(problem).with_hint(hint)
    };
    let fix = |problem: String| {
        let key = problem.split(' ').next().unwrap_or_default().to_owned();
        fix_key(&key, problem)
    };
    if let Some(mode) = value["mode"].as_str().filter(|mode| !["repo", "hub"].contains(mode)) {
        return Err(fix_key("mode", format!("Invalid mode '{mode}'; expected 'hub' or 'repo'")));
    }
    if value.get("version").is_some_and(|version| version.as_u64() != Some(2)) {
        return Err(fix_key("version", "Unsupported config version; expected 2".to_owned()));
    }
    if let Some(problem) = schema::check(value).problems.into_iter().next() {
        return Err(fix(problem));
    }
    let config: Config = serde_path_to_error::deserialize(value.clone())
        .map_err(|error| fix(format!("{} {}", error.path(), error.inner())))?;
    match problem_of(&config) {
        Some(problem) => Err(fix(problem)),
        None => Ok(config),
    }
}

/// What no schema can say.
fn problem_of(config: &Config) -> Option<String> {
    let docs = &config.docs;
    let paths = [
        ("todo", &docs.todo),
        ("progress", &docs.progress),
        ("opinions", &docs.opinions),
        ("spec", &docs.spec),
        ("summary", &docs.summary),
        ("snapshot", &docs.snapshot),
        ("snapshot_state", &docs.snapshot_state),
    ];
    let empty = paths.into_iter().find(|(_, path)| path.trim().is_empty());
    if let Some((key, _)) = empty {
        return Some(format!("docs.{key} must be a non-empty string path"));
    }
    if config.codex.binary.trim().is_empty() {
        return Some("codex.binary must be a non-empty string".to_owned());
    }
    if config.hub.discover_depth.is_some_and(|depth| depth != 1) {
        return Some("hub.discover_depth is fixed to 1 for now".to_owned());
    }
    let server = &config.server;
    if !is_loopback(&server.host) && server.allowed_hosts.is_empty() {
        return Some(
            "server.allowed_hosts must be set when binding to a non-loopback host".to_owned(),
        );
    }
    if let Some(problem) = base_path_problem(&server.base_path) {
        return Some(problem);
    }
    let mode = config.telegram_bot.parse_mode.as_deref().unwrap_or_default().to_lowercase();
    (!["", "html", "markdown", "markdownv2"].contains(&mode.as_str()))
        .then(|| "telegram_bot.parse_mode must be HTML, Markdown, MarkdownV2, or null".to_owned())
}

/// Whether only this machine reaches what listens on `host`.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Keys that are set and do nothing.
fn without_effect(merged: &Merged, config: &Config) -> Vec<String> {
    let set = |key: &str| {
        let inside = format!("{key}.");
        merged.origins.keys().any(|other| other == key || other.starts_with(&inside))
    };
    let dead = [
        ("static_assets", "CAR carries its interface in its program"),
        ("hub.update_repo_url", "CAR updates itself from its releases"),
        ("hub.update_repo_ref", "CAR updates itself from its releases"),
        ("telegram_bot.mode", "there is only polling"),
        ("telegram_bot.debug.prefix_context", "/debug tells it"),
        ("telegram_bot.concurrency.per_topic_queue", "every topic has its own queue"),
        ("telegram_bot.app_server_command", "codex.binary names the Codex that is used"),
        ("telegram_bot.app_server_command_env", "codex.binary names the Codex that is used"),
        ("telegram_bot.app_server.idle_ttl_seconds", "one Codex server serves all topics"),
    ];
    let mut warnings: Vec<String> = dead
        .into_iter()
        .filter(|(key, _)| set(key) && !is_default(merged, key))
        .map(|(key, why)| format!("{key} has no effect: {why}"))
        .collect();
    let foreign: &[&str] = match config.mode {
        Mode::Repo => &Config::HUB_ONLY,
        Mode::Hub => &[],
    };
    let mode = config.mode.name();
    let foreign = foreign.iter().filter(|key| set(key));
    warnings.extend(foreign.map(|key| format!("{key} has no effect in {mode} mode")));
    warnings
}

/// Whether the merged value is the built-in one, as in a file in which the original wrote down every default.
fn is_default(merged: &Merged, key: &str) -> bool {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let pointer = format!("/{}", key.replace('.', "/"));
    let same = |given: &Value, default: &Value| match (given, default) {
        (Value::Object(given), Value::Object(default)) => {
            given.iter().all(|(name, value)| default.get(name) == Some(value))
        }
        _ => given == default,
    };
    match (merged.value.pointer(&pointer), defaults.pointer(&pointer)) {
        (Some(given), Some(default)) => same(given, default),
        _ => false,
    }
}

fn values_of(config: &Config, merged: &Merged) -> BTreeMap<String, (Value, Origin)> {
    let mut values = BTreeMap::new();
    let all = serde_json::to_value(config).unwrap_or_default();
    let foreign: &[&str] = match config.mode {
        Mode::Repo => &Config::HUB_ONLY,
        Mode::Hub => &Config::REPO_ONLY,
    };
    for (section, value) in all.as_object().into_iter().flatten() {
        if !foreign.contains(&section.as_str()) {
            leaves(value, section.clone(), merged, &mut values);
        }
    }
    values
}

fn leaves(
    value: &Value,
    key: String,
    merged: &Merged,
    values: &mut BTreeMap<String, (Value, Origin)>,
) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                leaves(value, format!("{key}.{name}"), merged, values);
            }
        }
        _ => {
            let origin = merged.origins.get(&key).cloned().unwrap_or(Origin::BuiltIn);
            values.insert(key, (value.clone(), origin));
        }
    }
}
