//! What a repository sets: its documents, its agent, the prompt, the loop, git.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::CAR_DIR;

/// Paths of the documents, relative to the root or absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Description of the repository for other chats.
    pub snapshot: String,
    /// What the snapshot was made from.
    pub snapshot_state: String,
    /// Days for which every version of a document is kept.
    pub history_days: u32,
}

impl Default for DocsConfig {
    fn default() -> Self {
        let path = |name: &str| format!("{CAR_DIR}/{name}");
        Self {
            todo: path("TODO.md"),
            progress: path("PROGRESS.md"),
            opinions: path("OPINIONS.md"),
            spec: path("SPEC.md"),
            summary: path("SUMMARY.md"),
            snapshot: path("SNAPSHOT.md"),
            snapshot_state: path("snapshot_state.json"),
            history_days: 30,
        }
    }
}

/// How the agent is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CodexConfig {
    /// Program name or path.
    pub binary: String,
    /// Arguments in front of what CAR adds.
    pub args: Vec<String>,
    /// Arguments of the interactive agent in a terminal.
    pub terminal_args: Vec<String>,
    /// Model, or the agent's own default.
    pub model: Option<String>,
    /// Reasoning effort, or the agent's own default.
    pub reasoning: Option<String>,
    /// Models for particular jobs.
    pub models: Option<ModelsConfig>,
    /// Most memory of the Codex server and what it starts, in MiB, where systemd can limit it; `null` for no limit.
    pub server_memory_mb: Option<u64>,
    /// Hours without a turn after which `car serve` ends the Codex server; 0 for never.
    pub server_idle_hours: u64,
}

impl Default for CodexConfig {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            binary: "codex".to_owned(),
            args: words(&["--yolo", "exec", "--sandbox", "danger-full-access"]),
            terminal_args: words(&["--yolo"]),
            model: None,
            reasoning: None,
            models: Some(ModelsConfig::default()),
            server_memory_mb: None,
            server_idle_hours: 24,
        }
    }
}

impl CodexConfig {
    /// Time without a turn after which the Codex server is ended.
    pub fn server_idle(&self) -> Option<Duration> {
        limit(Some(self.server_idle_hours.saturating_mul(3600)))
    }

    /// Model for small jobs, such as syncing a pull request; `None` for the agent's own default.
    pub fn small_model(&self) -> Option<&str> {
        let small = self.models.as_ref().and_then(|models| models.small.as_deref());
        small.filter(|model| !model.is_empty())
    }

    /// Model for large jobs, such as a snapshot: that of `models.large`, else `model`.
    pub fn large_model(&self) -> Option<&str> {
        let large = self.models.as_ref().and_then(|models| models.large.as_deref());
        large.or(self.model.as_deref()).filter(|model| !model.is_empty())
    }
}

/// Models for particular jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ModelsConfig {
    /// For small jobs, such as syncing a pull request.
    pub small: Option<String>,
    /// For large jobs, such as a snapshot.
    pub large: Option<String>,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self { small: Some("gpt-5.1-codex-mini".to_owned()), large: None }
    }
}

/// What goes into a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PromptConfig {
    /// Characters kept of the previous run's output; 0 for all.
    pub prev_run_max_chars: usize,
    /// Template file, used when it exists.
    pub template: Option<String>,
}

impl Default for PromptConfig {
    fn default() -> Self {
        Self { prev_run_max_chars: 6000, template: Some(format!("{CAR_DIR}/prompt.txt")) }
    }
}

/// How the loop talks to Codex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunnerDriver {
    /// One `codex exec` a run.
    #[default]
    Exec,
    /// The Codex server, whose turns can be steered and ask for approvals.
    AppServer,
}

/// Bounds of the loop. For every limit, 0 and `null` mean none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RunnerConfig {
    /// How the loop talks to Codex.
    pub driver: RunnerDriver,
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
            driver: RunnerDriver::default(),
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

/// What happens in git around a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GitConfig {
    /// Commit what a successful run changed, and nothing else.
    pub auto_commit: bool,
    /// Message of such a commit; `{run_id}` becomes the run's number.
    pub commit_message_template: String,
    /// Keep the working tree before and after each run, so that a run can be shown and undone.
    pub checkpoints: bool,
}

impl Default for GitConfig {
    fn default() -> Self {
        Self {
            auto_commit: false,
            commit_message_template: "[codex] run #{run_id}".to_owned(),
            checkpoints: true,
        }
    }
}

/// What a new worktree of this repository gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WorktreesConfig {
    /// Files git ignores that are copied from the base, as paths or glob patterns relative to the root.
    pub copy: Vec<String>,
    /// Shell command run in a new worktree.
    pub setup: Option<String>,
    /// Longest time it may take.
    pub setup_timeout_seconds: u64,
}

impl Default for WorktreesConfig {
    fn default() -> Self {
        Self { copy: vec![".env".to_owned()], setup: None, setup_timeout_seconds: 600 }
    }
}
