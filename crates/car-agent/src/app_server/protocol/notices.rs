//! What Codex tells without being asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RequestId;
use super::parts::{Item, Thread, ThreadStatus, Turn, TurnError};

/// A notification: one that is known, or whatever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Notification {
    #[serde(rename = "thread/started")]
    ThreadStarted { thread: Thread },
    #[serde(rename = "thread/status/changed")]
    ThreadStatusChanged { thread_id: String, status: ThreadStatus },
    #[serde(rename = "thread/tokenUsage/updated")]
    TokenUsageUpdated { thread_id: String, turn_id: String, token_usage: TokenUsage },
    #[serde(rename = "turn/started")]
    TurnStarted { thread_id: String, turn: Turn },
    #[serde(rename = "turn/completed")]
    TurnCompleted { thread_id: String, turn: Turn },
    #[serde(rename = "turn/diff/updated")]
    TurnDiffUpdated { thread_id: String, turn_id: String, diff: String },
    #[serde(rename = "item/started")]
    ItemStarted { thread_id: String, turn_id: String, item: Item },
    #[serde(rename = "item/completed")]
    ItemCompleted { thread_id: String, turn_id: String, item: Item },
    #[serde(rename = "item/agentMessage/delta")]
    AgentMessageDelta { thread_id: String, turn_id: String, item_id: String, delta: String },
    #[serde(rename = "item/reasoning/summaryTextDelta")]
    ReasoningDelta { thread_id: String, turn_id: String, item_id: String, delta: String },
    #[serde(rename = "item/commandExecution/outputDelta")]
    CommandOutputDelta { thread_id: String, turn_id: String, item_id: String, delta: String },
    #[serde(rename = "serverRequest/resolved")]
    RequestResolved { thread_id: String, request_id: RequestId },
    #[serde(rename = "error")]
    Error { thread_id: String, turn_id: String, error: TurnError, will_retry: bool },
    #[serde(rename = "warning")]
    Warning { thread_id: Option<String>, message: String },
    /// Anything else, kept as it came.
    #[serde(untagged)]
    Other { method: String, params: Value },
}

impl Notification {
    /// Reads one. What is not known, or has another shape than expected, is kept whole.
    pub fn read(method: String, params: Value) -> Self {
        let whole = serde_json::json!({"method": method, "params": params});
        serde_json::from_value(whole).unwrap_or(Self::Other { method, params })
    }

    /// The thread it is about.
    pub fn thread_id(&self) -> Option<&str> {
        match self {
            Self::ThreadStarted { thread } => Some(&thread.id),
            Self::ThreadStatusChanged { thread_id, .. }
            | Self::TokenUsageUpdated { thread_id, .. }
            | Self::TurnStarted { thread_id, .. }
            | Self::TurnCompleted { thread_id, .. }
            | Self::TurnDiffUpdated { thread_id, .. }
            | Self::ItemStarted { thread_id, .. }
            | Self::ItemCompleted { thread_id, .. }
            | Self::AgentMessageDelta { thread_id, .. }
            | Self::ReasoningDelta { thread_id, .. }
            | Self::CommandOutputDelta { thread_id, .. }
            | Self::RequestResolved { thread_id, .. }
            | Self::Error { thread_id, .. } => Some(thread_id),
            Self::Warning { thread_id, .. } => thread_id.as_deref(),
            Self::Other { params, .. } => params["threadId"].as_str(),
        }
    }
}

/// Tokens of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Of the whole thread.
    pub total: TokenCount,
    /// Of the last answer of the model.
    pub last: TokenCount,
}

/// Counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TokenCount {
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    pub reasoning_output_tokens: u64,
}

impl From<TokenCount> for car_domain::run::Usage {
    fn from(count: TokenCount) -> Self {
        Self {
            input_tokens: count.input_tokens,
            cached_input_tokens: count.cached_input_tokens,
            output_tokens: count.output_tokens,
            reasoning_output_tokens: count.reasoning_output_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_notification_is_kept_whole() {
        let read = Notification::read("hologram/shown".into(), json!({"threadId": "t", "size": 3}));
        assert_eq!(read.thread_id(), Some("t"));
        assert!(matches!(read, Notification::Other { params, .. } if params["size"] == 3));
    }

    #[test]
    fn a_known_one_of_another_shape_is_kept_whole() {
        let read = Notification::read("turn/started".into(), json!({"turn": 1}));
        assert!(matches!(read, Notification::Other { method, .. } if method == "turn/started"));
    }

    #[test]
    fn an_unknown_item_is_kept_in_its_notification() {
        let params = json!({"threadId": "t", "turnId": "u", "item": {"type": "sleep", "id": "i"}});
        let read = Notification::read("item/completed".into(), params);
        let Notification::ItemCompleted { item, .. } = read else { panic!("known: {read:?}") };
        assert!(matches!(&item, Item::Other(value) if value["type"] == "sleep"));
        assert_eq!(item.id(), "i");
    }
}
