//! The keys CAR understands, with their defaults. Unknown keys are kept out of the way: other versions may know them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EngineError;

/// Whether a root is one repository or a directory of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One repository.
    #[default]
    Repo,
    /// A directory of repositories.
    Hub,
}

/// The effective configuration of a root.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Repository or hub.
    pub mode: Mode,
    /// Where the work documents are.
    pub docs: DocsConfig,
    /// The agent.
    pub codex: CodexConfig,
    /// The prompt.
    pub prompt: PromptConfig,
    /// The loop.
    pub runner: RunnerConfig,
    /// The web server.
    pub server: ServerConfig,
    /// The log all runs share.
    pub log: LogConfig,
    /// A directory of repositories.
    pub hub: HubConfig,
}

/// Paths of the work documents, relative to the root or absolute.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DocsConfig {
    /// Long-horizon tasks.
    pub todo: String,
    /// What was done.
    pub progress: String,
    /// How to do it.
    pub opinions: String,
    /// What is to be built.
    pub spec: String,
    /// Report to the owner.
    pub summary: String,
}

impl Default for DocsConfig {
    fn default() -> Self {
        let path = |name: &str| format!("{}/{name}.md", super::CAR_DIR);
        Self {
            todo: path("TODO"),
            progress: path("PROGRESS"),
            opinions: path("OPINIONS"),
            spec: path("SPEC"),
            summary: path("SUMMARY"),
        }
    }
}

/// How the agent is started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CodexConfig {
    /// Program name or path.
    pub binary: String,
    /// Arguments in front of what CAR adds.
    pub args: Vec<String>,
    /// Model, or the agent's own default.
    pub model: Option<String>,
    /// Reasoning effort, or the agent's own default.
    pub reasoning: Option<String>,
}

impl Default for CodexConfig {
    fn default() -> Self {
        let args = ["--yolo", "exec", "--sandbox", "danger-full-access"];
        Self {
            binary: "codex".to_owned(),
            args: args.map(str::to_owned).to_vec(),
            model: None,
            reasoning: None,
        }
    }
}

/// What goes into a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PromptConfig {
    /// Characters kept of the previous run's output; 0 for all.
    pub prev_run_max_chars: usize,
    /// Template file, used when it exists.
    pub template: Option<String>,
}

impl Default for PromptConfig {
    fn default() -> Self {
        Self { prev_run_max_chars: 6000, template: Some(format!("{}/prompt.txt", super::CAR_DIR)) }
    }
}

/// Bounds of the loop. For every limit, 0 and `null` mean none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RunnerConfig {
    /// Pause between runs.
    pub sleep_seconds: u64,
    /// Runs per start of the loop.
    pub stop_after_runs: Option<u64>,
    /// Time per start of the loop.
    pub max_wallclock_seconds: Option<u64>,
    /// Silence after which a run is ended. Codex waits for a lost network for ever otherwise.
    pub idle_timeout_seconds: Option<u64>,
    /// Time per run.
    pub max_run_seconds: Option<u64>,
    /// Runs in a row that may change nothing.
    pub no_progress_runs: Option<u64>,
    /// Time between asking an agent to end and ending it.
    pub grace_seconds: u64,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            sleep_seconds: 5,
            stop_after_runs: None,
            max_wallclock_seconds: None,
            idle_timeout_seconds: Some(1800),
            max_run_seconds: None,
            no_progress_runs: Some(3),
            grace_seconds: 5,
        }
    }
}

impl RunnerConfig {
    /// Pause between runs.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(self.sleep_seconds)
    }

    /// Time per start of the loop.
    pub fn max_wallclock(&self) -> Option<Duration> {
        limit(self.max_wallclock_seconds)
    }

    /// Silence after which a run is ended.
    pub fn idle_timeout(&self) -> Option<Duration> {
        limit(self.idle_timeout_seconds)
    }

    /// Time per run.
    pub fn max_run(&self) -> Option<Duration> {
        limit(self.max_run_seconds)
    }

    /// Runs per start of the loop.
    pub fn max_runs(&self) -> Option<u64> {
        self.stop_after_runs.filter(|n| *n > 0)
    }

    /// Runs in a row that may change nothing.
    pub fn max_idle_runs(&self) -> Option<u64> {
        self.no_progress_runs.filter(|n| *n > 0)
    }

    /// Time between TERM and KILL.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}

fn limit(seconds: Option<u64>) -> Option<Duration> {
    seconds.filter(|n| *n > 0).map(Duration::from_secs)
}

/// Where the web server listens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerConfig {
    /// Address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Names the server may be called by, besides loopback.
    pub allowed_hosts: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 4173, allowed_hosts: Vec::new() }
    }
}

/// The log all runs share.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// Path, relative to the root or absolute.
    pub path: String,
    /// Size at which it is rotated; 0 for never.
    pub max_bytes: u64,
    /// Old files kept.
    pub backup_count: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            path: format!("{}/codex-autorunner.log", super::CAR_DIR),
            max_bytes: 10_000_000,
            backup_count: 3,
        }
    }
}

/// A directory of repositories.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HubConfig {
    /// Where the repositories are, one level deep.
    pub repos_root: String,
    /// Where worktrees made by CAR are, one level deep.
    pub worktrees_root: String,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self { repos_root: ".".to_owned(), worktrees_root: "worktrees".to_owned() }
    }
}

/// Reads merged layers.
pub(super) fn from_value(mut value: Value) -> Result<Config, EngineError> {
    if let Some(mode) = value["mode"].as_str().filter(|mode| !["repo", "hub"].contains(mode)) {
        return Err(EngineError::config(format!(
            "Invalid mode '{mode}'; expected 'hub' or 'repo'"
        )));
    }
    if value.get("version").is_some_and(|version| version.as_u64() != Some(2)) {
        return Err(EngineError::config("Unsupported config version; expected 2"));
    }
    drop_null_sections(&mut value);
    let config: Config = serde_path_to_error::deserialize(value).map_err(|error| {
        EngineError::config(format!("{}: {}", error.path(), error.inner()))
            .with_hint("fix the value in .codex-autorunner/config.yml or codex-autorunner.yml")
    })?;
    check(&config)?;
    Ok(config)
}

/// `codex:` with nothing below it means the defaults, as in the original.
fn drop_null_sections(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
    }
}

fn check(config: &Config) -> Result<(), EngineError> {
    let docs = &config.docs;
    let paths = [
        ("todo", &docs.todo),
        ("progress", &docs.progress),
        ("opinions", &docs.opinions),
        ("spec", &docs.spec),
        ("summary", &docs.summary),
    ];
    for (key, path) in paths {
        if path.trim().is_empty() {
            return Err(EngineError::config(format!("docs.{key} must be a non-empty string path")));
        }
    }
    if config.codex.binary.trim().is_empty() {
        return Err(EngineError::config("codex.binary must be a non-empty string"));
    }
    Ok(())
}
