//! Threads, turns and items, wherever they appear.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Thread {
    pub id: String,
    #[serde(default)]
    pub preview: String,
    #[serde(default)]
    pub name: Option<String>,
    pub cwd: String,
    /// Seconds since the epoch.
    #[serde(default)]
    pub created_at: i64,
    #[serde(default)]
    pub updated_at: i64,
    #[serde(default)]
    pub status: ThreadStatus,
    #[serde(default)]
    pub model: Option<String>,
    /// The client that started it.
    #[serde(default)]
    pub originator: Option<String>,
    /// The file it is kept in.
    #[serde(default)]
    pub path: Option<String>,
}

/// What a thread is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum ThreadStatus {
    #[default]
    NotLoaded,
    Idle,
    SystemError,
    Active {
        active_flags: Vec<ActiveFlag>,
    },
    #[serde(other)]
    Unknown,
}

/// What an active thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum ActiveFlag {
    WaitingOnApproval,
    WaitingOnUserInput,
    #[serde(other)]
    Unknown,
}

impl ThreadStatus {
    /// Whether a turn is running.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// Whether a person is being asked.
    pub fn is_waiting(&self) -> bool {
        matches!(self, Self::Active { active_flags } if !active_flags.is_empty())
    }
}

/// A turn. Which of its items are here depends on where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Turn {
    pub id: String,
    #[serde(default)]
    pub items: Vec<Item>,
    pub status: TurnStatus,
    #[serde(default)]
    pub error: Option<TurnError>,
    /// Seconds since the epoch.
    #[serde(default)]
    pub started_at: Option<i64>,
    #[serde(default)]
    pub completed_at: Option<i64>,
}

/// How far a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum TurnStatus {
    Completed,
    Interrupted,
    Failed,
    InProgress,
    #[serde(other)]
    Unknown,
}

/// Why a turn failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TurnError {
    pub message: String,
    #[serde(default)]
    pub additional_details: Option<String>,
}

/// A step of a turn: one that is known, or whatever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Item {
    Known(KnownItem),
    Other(Value),
}

impl Item {
    /// Its id; empty when it has none.
    pub fn id(&self) -> &str {
        match self {
            Self::Known(
                KnownItem::UserMessage { id, .. }
                | KnownItem::AgentMessage { id, .. }
                | KnownItem::Reasoning { id, .. }
                | KnownItem::CommandExecution { id, .. }
                | KnownItem::FileChange { id, .. }
                | KnownItem::EnteredReviewMode { id, .. }
                | KnownItem::ExitedReviewMode { id, .. }
                | KnownItem::ContextCompaction { id },
            ) => id,
            Self::Other(value) => value["id"].as_str().unwrap_or_default(),
        }
    }
}

/// The steps CAR understands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum KnownItem {
    UserMessage {
        id: String,
        content: Vec<Value>,
        /// What the client that sent it calls it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
    },
    AgentMessage {
        id: String,
        text: String,
    },
    Reasoning {
        id: String,
        #[serde(default)]
        summary: Vec<String>,
    },
    CommandExecution {
        id: String,
        command: String,
        cwd: String,
        status: String,
        #[serde(default)]
        aggregated_output: Option<String>,
        #[serde(default)]
        exit_code: Option<i64>,
    },
    FileChange {
        id: String,
        changes: Vec<FileUpdate>,
        status: String,
    },
    EnteredReviewMode {
        id: String,
        review: String,
    },
    ExitedReviewMode {
        id: String,
        review: String,
    },
    ContextCompaction {
        id: String,
    },
}

/// One changed file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct FileUpdate {
    pub path: String,
    pub kind: ChangeKind,
    #[serde(default)]
    pub diff: String,
}

/// What happens to a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum ChangeKind {
    Add,
    Delete,
    Update {
        #[serde(default)]
        move_path: Option<String>,
    },
    #[serde(other)]
    Unknown,
}

impl ChangeKind {
    /// `add`, `delete` or `update`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Update { .. } | Self::Unknown => "update",
        }
    }
}
