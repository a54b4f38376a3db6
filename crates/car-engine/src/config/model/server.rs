//! What a served root sets: the web server, logs, terminals, the hub.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::config::CAR_DIR;

/// Whether the server asks who you are. In YAML `on` and `off`, which are also the words for yes and no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// Browsers log in, scripts send the token.
    #[default]
    On,
    /// Anybody on this machine may do everything. Only on loopback.
    Off,
}

impl Serialize for AuthMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl<'de> Deserialize<'de> for AuthMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(true) => Ok(Self::On),
            Value::Bool(false) => Ok(Self::Off),
            Value::String(word) if word == "on" => Ok(Self::On),
            Value::String(word) if word == "off" => Ok(Self::Off),
            _ => Err(D::Error::custom("must be 'on' or 'off'")),
        }
    }
}

impl JsonSchema for AuthMode {
    fn schema_name() -> Cow<'static, str> {
        "AuthMode".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["on", "off", true, false] })
    }
}

/// Where the web server listens and whom it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerConfig {
    /// Address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path in front of every address, for a server behind a proxy.
    pub base_path: String,
    /// Log every request.
    pub access_log: bool,
    /// Whether the server asks who you are: `on` or `off`.
    pub auth: AuthMode,
    /// Name of the variable that holds the access token; without one CAR makes a token.
    pub auth_token_env: String,
    /// Addresses of proxies in front of the server that terminate TLS and tell whom they speak for.
    pub trusted_proxies: Vec<String>,
    /// Names the server may be called by, besides loopback.
    pub allowed_hosts: Vec<String>,
    /// Other origins that may send requests that change something.
    pub allowed_origins: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 4173,
            base_path: String::new(),
            access_log: false,
            auth: AuthMode::default(),
            auth_token_env: String::new(),
            trusted_proxies: Vec::new(),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

impl ServerConfig {
    /// The base path with one leading slash and none at the end; empty for none.
    pub fn normal_base_path(&self) -> String {
        normal_base_path(&self.base_path)
    }
}

/// A base path with one leading slash and none at the end; empty for none.
pub fn normal_base_path(path: &str) -> String {
    match path.trim().trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

/// What is wrong with a base path: it becomes part of links, cookies and headers.
pub fn base_path_problem(path: &str) -> Option<String> {
    let path = normal_base_path(path);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let is_fine = path.bytes().all(is_plain)
        && path.split('/').skip(1).all(|part| !["", ".", ".."].contains(&part));
    (!is_fine).then(|| {
        "server.base_path may have letters, digits and - . _ ~ between its slashes".to_owned()
    })
}

/// A log that is rotated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogConfig {
    /// Path, relative to the root or absolute.
    #[serde(default = "log_path")]
    pub path: String,
    /// Size in bytes at which it is rotated; 0 for never.
    #[serde(default = "log_max_bytes")]
    pub max_bytes: u64,
    /// Old files kept.
    #[serde(default = "log_backup_count")]
    pub backup_count: u32,
}

impl LogConfig {
    /// The log called `name` in CAR's directory.
    pub(crate) fn named(name: &str) -> Self {
        Self { path: format!("{CAR_DIR}/{name}"), max_bytes: 10_000_000, backup_count: 3 }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self::named("codex-autorunner.log")
    }
}

fn log_path() -> String {
    LogConfig::default().path
}

fn log_max_bytes() -> u64 {
    LogConfig::default().max_bytes
}

fn log_backup_count() -> u32 {
    LogConfig::default().backup_count
}

/// Copies of the interface's files that the original kept. CAR carries them in its program and keeps none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StaticAssetsConfig {
    /// Directory of the copies.
    pub cache_root: String,
    /// Copies kept; 0 for any number.
    pub max_cache_entries: u64,
    /// Days for which copies are kept.
    pub max_cache_age_days: Option<u64>,
}

impl Default for StaticAssetsConfig {
    fn default() -> Self {
        Self {
            cache_root: format!("{CAR_DIR}/static-cache"),
            max_cache_entries: 5,
            max_cache_age_days: Some(30),
        }
    }
}

/// Terminals in the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TerminalConfig {
    /// Idle time after which a terminal is ended; 0 and `null` for never.
    pub idle_timeout_seconds: Option<u64>,
}

impl Default for TerminalConfig {
    fn default() -> Self {
        Self { idle_timeout_seconds: Some(12 * 60 * 60) }
    }
}

/// A directory of repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HubConfig {
    /// Where the repositories are, one level deep.
    pub repos_root: String,
    /// Where worktrees made by CAR are, one level deep.
    pub worktrees_root: String,
    /// The list of repositories.
    pub manifest: String,
    /// How deep repositories are looked for; only 1.
    pub discover_depth: Option<u64>,
    /// Prepare repositories that are found for CAR.
    pub auto_init_missing: bool,
    /// Where updates of the original came from. CAR updates itself from its releases.
    pub update_repo_url: String,
    /// Branch of those updates.
    pub update_repo_ref: String,
    /// The hub's log.
    pub log: LogConfig,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            repos_root: ".".to_owned(),
            worktrees_root: "worktrees".to_owned(),
            manifest: format!("{CAR_DIR}/manifest.yml"),
            discover_depth: Some(1),
            auto_init_missing: true,
            update_repo_url: "https://github.com/Git-on-my-level/codex-autorunner.git".to_owned(),
            update_repo_ref: "main".to_owned(),
            log: LogConfig::named("codex-autorunner-hub.log"),
        }
    }
}
