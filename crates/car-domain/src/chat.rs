//! A conversation about documents, as every door shows it.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::proposal::Proposal;
use crate::run::Usage;
use crate::state::ProcessId;

/// Everything that is kept of a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Chat {
    /// The agent's conversation.
    pub thread_id: Option<String>,
    /// What was said, oldest first.
    pub turns: Vec<ChatTurn>,
    /// What is proposed and not decided yet.
    pub proposal: Option<Proposal>,
    /// The turn that is at work.
    pub running: Option<RunningTurn>,
}

/// One question and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatTurn {
    /// Its id.
    pub id: String,
    /// When it was asked.
    pub at: Timestamp,
    /// What the person said.
    pub message: String,
    /// How it ended.
    pub outcome: ChatOutcome,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Tokens, as far as the agent says.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub usage: Usage,
}

/// How a turn of a chat ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", content = "text", rename_all = "snake_case")]
pub enum ChatOutcome {
    /// The agent answered.
    Answered(String),
    /// It failed, was cancelled, or its process died; says why.
    Failed(String),
}

/// A turn that is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningTurn {
    /// Its id.
    pub id: String,
    /// When it was asked.
    pub at: Timestamp,
    /// What the person said.
    pub message: String,
    /// The process that waits for the agent.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub process: ProcessId,
}
