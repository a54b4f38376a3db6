//! The part of the app-server protocol that CAR uses, as types.
//!
//! Written by hand; a test compares every name and value with the schema that the installed Codex prints. Members not listed
//! here are ignored, enum values not listed are kept, so that a newer Codex does not break an older CAR.

mod asks;
mod calls;
mod notices;
mod parts;
mod services;

pub use asks::{
    Ask, CommandApproval, Elicitation, FileApproval, PermissionsApproval, ReviewDecision,
    UserInput, UserInputOption, UserInputQuestion,
};
pub use calls::{
    ApprovalPolicy, Capabilities, ClientInfo, CollaborationMode, CollaborationSettings, Empty,
    Initialize, Initialized, Input, ItemEntry, ItemPage, LoadedThreads, Method, ReviewStart,
    ReviewStarted, ReviewTarget, SandboxMode, SandboxPolicy, ThreadCompactStart, ThreadItemsList,
    ThreadList, ThreadLoadedList, ThreadOpened, ThreadPage, ThreadRead, ThreadReadReply,
    ThreadResume, ThreadSetName, ThreadStart, ThreadTurnsList, ThreadUnsubscribe, TurnInterrupt,
    TurnPage, TurnStart, TurnStarted, TurnSteer,
};
pub use notices::{Notification, TokenCount, TokenUsage};
pub use parts::{
    ActiveFlag, ChangeKind, FileUpdate, Item, KnownItem, Thread, ThreadStatus, Turn, TurnError,
    TurnStatus,
};
pub use services::{
    AccountLogout, CommandExec, CommandResult, ConfigValueWrite, ExperimentalFeatureList, Feature,
    FeaturePage, FeedbackUpload, FeedbackUploaded, McpServer, McpServerPage, McpServerStatusList,
    Model, ModelEffort, ModelList, ModelPage, RateLimitSnapshot, RateLimitWindow, RateLimits,
    RateLimitsRead, Skill, SkillsList, SkillsOf, SkillsPage,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Id of a request. Codex counts from 0; 0 is an id like any other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// The usual kind.
    Number(i64),
    /// Also allowed.
    Text(String),
}

/// One message of the other side.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// It asks and waits.
    Request {
        /// To answer under.
        id: RequestId,
        /// What it wants.
        method: String,
        /// Details.
        params: Value,
    },
    /// It tells.
    Notification {
        /// What.
        method: String,
        /// Details.
        params: Value,
    },
    /// It answers a request of ours.
    Reply {
        /// The request's id.
        id: RequestId,
        /// The result, or the error's text.
        result: Result<Value, String>,
    },
}

impl Message {
    /// Reads a message; `None` when the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let Value::Object(mut members) = serde_json::from_str(text).ok()? else { return None };
        let id = members.remove("id").and_then(|id| serde_json::from_value(id).ok());
        let params = members.remove("params").unwrap_or_default();
        let method = match members.remove("method") {
            Some(Value::String(method)) => Some(method),
            _ => None,
        };
        Some(match (method, id) {
            (Some(method), Some(id)) => Self::Request { id, method, params },
            (Some(method), None) => Self::Notification { method, params },
            (None, Some(id)) => {
                let result = match members.remove("error") {
                    Some(error) => Err(error_text(&error)),
                    None => Ok(members.remove("result").unwrap_or_default()),
                };
                Self::Reply { id, result }
            }
            (None, None) => return None,
        })
    }
}

/// Every error of Codex has the same code; only its text tells them apart.
fn error_text(error: &Value) -> String {
    error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_id_zero_is_a_request() {
        let text = r#"{"id":0,"method":"x","params":{"a":1}}"#;
        let message = Message::parse(text).expect("a message");
        assert!(matches!(message, Message::Request { id: RequestId::Number(0), .. }));
    }

    #[test]
    fn replies_errors_and_notifications_are_told_apart() {
        let reply = Message::parse(r#"{"id":"a","result":{}}"#).expect("a message");
        assert!(matches!(reply, Message::Reply { id: RequestId::Text(_), result: Ok(_) }));
        let error = r#"{"id":1,"error":{"code":-32600,"message":"no"}}"#;
        let expected = Message::Reply { id: RequestId::Number(1), result: Err("no".into()) };
        assert_eq!(Message::parse(error), Some(expected));
        let told = Message::parse(r#"{"method":"x","emittedAtMs":1}"#).expect("a message");
        assert!(matches!(told, Message::Notification { params: Value::Null, .. }));
        assert_eq!(Message::parse("[]"), None);
        assert_eq!(Message::parse("{}"), None);
    }
}
