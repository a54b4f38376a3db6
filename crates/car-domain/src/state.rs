//! `state.json` and `lock`, the two small files that say who runs what in a repository.
//!
//! Names and types of the original's keys stay; keys of ours are additions it ignores. Keys this version does not know
//! survive a rewrite.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;
use crate::run::{Outcome, Usage};

/// The original's three words for what a runner is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunnerStatus {
    /// Nothing runs.
    #[default]
    Idle,
    /// A loop is at work, or was when its process died.
    Running,
    /// The last run did not end well.
    Error,
}

impl RunnerStatus {
    /// The word in `state.json` and in `car status`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Error => "error",
        }
    }
}

/// A process that can be told from a later one with the same pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Process id.
    pub pid: i32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`); 0 where the system does not tell.
    #[serde(default)]
    pub start_ticks: u64,
}

/// Content of `state.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunnerState {
    /// Number of the last run; absent before the first.
    pub last_run_id: Option<u64>,
    /// What is going on, in the original's words.
    pub status: RunnerStatus,
    /// Exit code of the last run; 128 + signal when a signal ended it, 137 after `car kill`.
    pub last_exit_code: Option<i32>,
    /// Start of the last run.
    pub last_run_started_at: Option<Timestamp>,
    /// End of the last run.
    pub last_run_finished_at: Option<Timestamp>,
    /// The process of the loop.
    pub runner_pid: Option<i32>,
    /// Start of that process in clock ticks since boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner_start_ticks: Option<u64>,
    /// The process that leads the running agent's group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<ProcessId>,
    /// The turn of a run over the Codex server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<RunningTurn>,
    /// Until when the loop pauses before its next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
    /// How the last run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<Outcome>,
    /// Signal that ended the last run's agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_signal: Option<i32>,
    /// Why the last run or the loop ended, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reason: Option<String>,
    /// The agent's conversation of the last run and what it had used by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_thread: Option<ThreadUsage>,
    /// Everything else that is in the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The turn a run consists of, to steer it, to answer it and to end it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTurn {
    /// Codex's id of the conversation.
    pub thread_id: String,
    /// Codex's id of the turn.
    pub turn_id: String,
    /// What the agent asks a person and waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// Whether that is a question, not something to be allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_question: bool,
}

/// What an agent's thread had used at some point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadUsage {
    /// The agent's id of the thread.
    pub id: String,
    /// Running total.
    pub usage: Usage,
}

impl RunnerState {
    /// The runner as a process, when one is named.
    pub fn runner(&self) -> Option<ProcessId> {
        let pid = self.runner_pid?;
        Some(ProcessId { pid, start_ticks: self.runner_start_ticks.unwrap_or(0) })
    }

    /// The file's text: two spaces, trailing newline.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Content of `lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The owner's process.
    #[serde(flatten)]
    pub process: ProcessId,
    /// When it took the lock.
    pub started_at: Option<Timestamp>,
    /// Name of the machine.
    pub host: Option<String>,
}

impl LockOwner {
    /// Reads the file: our JSON, the original's JSON (pid as number or digits), or a bare pid.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(pid) = text.parse() {
            let process = ProcessId { pid, start_ticks: 0 };
            return Some(Self { process, started_at: None, host: None });
        }
        let value: Value = serde_json::from_str(text).ok()?;
        let pid = value.get("pid")?;
        let pid = pid.as_i64().or_else(|| pid.as_str()?.trim().parse().ok())?;
        let word = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            process: ProcessId {
                pid: i32::try_from(pid).ok()?,
                start_ticks: value.get("start_ticks").and_then(Value::as_u64).unwrap_or(0),
            },
            started_at: word("started_at").as_deref().and_then(Timestamp::parse),
            host: word("host"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_file_of_the_original_keeps_what_we_do_not_know() {
        let text = r#"{"last_run_id": 3, "status": "error", "last_exit_code": 1, "last_run_started_at": "2026-01-02T03:04:05Z",
            "last_run_finished_at": null, "runner_pid": null, "sessions": {"a": {"repo_path": "/x"}}, "repo_to_session": {}}"#;
        let state: RunnerState = serde_json::from_str(text).expect("readable");
        assert_eq!(state.last_run_id, Some(3));
        let rewritten: Value = serde_json::from_str(&state.to_text()).expect("json");
        assert_eq!(rewritten["sessions"]["a"]["repo_path"], "/x");
        assert_eq!(rewritten["last_run_started_at"], "2026-01-02T03:04:05Z");
        assert!(rewritten.get("paused_until").is_none());
    }

    #[test]
    fn every_shape_of_lock_is_read() {
        assert_eq!(LockOwner::parse("123\n").map(|owner| owner.process.pid), Some(123));
        let original = LockOwner::parse(
            r#"{"pid": "77", "started_at": "2026-01-02T03:04:05Z", "host": "box"}"#,
        );
        assert_eq!(original.as_ref().map(|owner| owner.process.pid), Some(77));
        assert_eq!(original.and_then(|owner| owner.host).as_deref(), Some("box"));
        assert_eq!(LockOwner::parse("garbage"), None);
        let ours = LockOwner {
            process: ProcessId { pid: 5, start_ticks: 99 },
            started_at: None,
            host: Some("box".into()),
        };
        let text = serde_json::to_string(&ours).expect("json");
        assert_eq!(LockOwner::parse(&text), Some(ours));
    }
}
