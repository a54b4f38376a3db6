//! Conversations with an agent as every door shows them: how a turn ended, and what the agent asks a person.
//!
//! Ids of requests are CAR's own. A decision may be given only when it was offered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::run::Usage;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// The agent finished.
    Completed,
    /// Somebody ended it: a person, the stall watchdog, or the end of the agent's server.
    Interrupted,
    /// It failed; [`TurnOutcome::error`] says why.
    Failed,
}

impl TurnStatus {
    /// The word screens show.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Interrupted => "Interrupted",
            Self::Failed => "Failed",
        }
    }
}

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnOutcome {
    /// How it ended.
    pub status: TurnStatus,
    /// The agent's last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_message: Option<String>,
    /// Tokens of this turn.
    pub usage: Usage,
    /// Tokens of the whole thread so far.
    pub thread_usage: Usage,
    /// Why it failed or was ended, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a person may decide about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Allow it this once.
    Accept,
    /// Allow it, and the same again in this session.
    AcceptForSession,
    /// Allow it, and every command that begins with these words, for ever and in all sessions.
    AcceptAlways(Vec<String>),
    /// Allow or deny this network host for ever, as the agent proposed it.
    ApplyNetworkRule(Value),
    /// Refuse it; the agent goes on without.
    Decline,
    /// Refuse it and end the turn.
    Cancel,
    /// The answers to questions, by the question's id.
    Answers(BTreeMap<String, Vec<String>>),
}

impl Decision {
    /// The word a person types or a button carries: `accept`, `session`, `always`, `network`, `decline`, `cancel`, `answer`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptForSession => "session",
            Self::AcceptAlways(_) => "always",
            Self::ApplyNetworkRule(_) => "network",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
            Self::Answers(_) => "answer",
        }
    }
}

/// One file an agent wants to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedChange {
    /// Path as the agent gave it.
    pub path: String,
    /// `add`, `update` or `delete`.
    pub kind: String,
    /// Unified diff, or the whole text of a new file.
    pub diff: String,
}

/// A question of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id within the request.
    pub id: String,
    /// A word or two above it.
    pub header: String,
    /// The question.
    pub text: String,
    /// What can be chosen; empty when any text is an answer.
    pub options: Vec<QuestionOption>,
    /// Whether a text of one's own is an answer, too.
    pub allows_other: bool,
    /// Whether the answer must not be shown or logged.
    pub is_secret: bool,
}

/// One answer to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    /// The answer itself.
    pub label: String,
    /// What it means.
    pub description: String,
}

/// What an agent asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestSubject {
    /// To run a command.
    Command {
        /// Command line.
        command: String,
        /// Where it would run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
    },
    /// To change files.
    Files {
        /// What would change, as far as the agent said.
        changes: Vec<ProposedChange>,
    },
    /// For rights beyond the sandbox.
    Permissions {
        /// As the agent put it.
        permissions: Value,
    },
    /// For an answer.
    Questions {
        /// One or more.
        questions: Vec<Question>,
    },
    /// On behalf of a tool server.
    Tool {
        /// The server's name.
        server: String,
        /// What it says.
        message: String,
    },
}

/// Something an agent waits for until a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRequest {
    /// CAR's own id, a UUID: the same in every process and after a reconnect.
    pub id: String,
    /// The conversation.
    pub thread_id: String,
    /// The turn that waits.
    pub turn_id: String,
    /// The step it belongs to.
    pub item_id: String,
    /// When the agent asked.
    pub asked_at: Timestamp,
    /// Why, in the agent's words. Untrusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What for.
    #[serde(flatten)]
    pub subject: RequestSubject,
    /// What may be decided. For questions it is [`Decision::Answers`] with the answers left empty.
    pub offered: Vec<Decision>,
}

impl AgentRequest {
    /// What it is about in one line, for lists, logs and search.
    pub fn headline(&self) -> String {
        match &self.subject {
            RequestSubject::Command { command, .. } => command.clone(),
            RequestSubject::Files { changes } if changes.is_empty() => "change files".to_owned(),
            RequestSubject::Files { changes } => {
                changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>().join(", ")
            }
            RequestSubject::Permissions { permissions } => format!("more rights: {permissions}"),
            RequestSubject::Questions { questions } => questions
                .iter()
                .map(|question| question.text.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            RequestSubject::Tool { server, message } => format!("{server}: {message}"),
        }
    }
}

/// Who decided what about a request, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's id.
    pub request_id: String,
    /// What was decided.
    pub decision: Decision,
    /// Who, for people: `telegram:anna`, `cli`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
