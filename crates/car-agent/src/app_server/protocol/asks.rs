//! What Codex asks and waits for, and how it is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request of Codex: one that is known, or whatever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Ask {
    #[serde(rename = "item/commandExecution/requestApproval")]
    Command(CommandApproval),
    #[serde(rename = "item/fileChange/requestApproval")]
    Files(FileApproval),
    #[serde(rename = "item/permissions/requestApproval")]
    Permissions(PermissionsApproval),
    #[serde(rename = "item/tool/requestUserInput")]
    Questions(UserInput),
    #[serde(rename = "mcpServer/elicitation/request")]
    Elicitation(Elicitation),
    /// Anything else, kept as it came.
    #[serde(untagged)]
    Other { method: String, params: Value },
}

impl Ask {
    /// Reads one. What is not known, or has another shape than expected, is kept whole.
    pub fn read(method: String, params: Value) -> Self {
        let whole = serde_json::json!({"method": method, "params": params});
        serde_json::from_value(whole).unwrap_or(Self::Other { method, params })
    }
}

/// May this command run?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct CommandApproval {
    pub thread_id: String,
    pub turn_id: String,
    pub item_id: String,
    #[serde(default)]
    pub started_at_ms: i64,
    /// Tells several questions about one item apart.
    #[serde(default)]
    pub approval_id: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub command: Option<String>,
    #[serde(default)]
    pub cwd: Option<String>,
    #[serde(default)]
    pub available_decisions: Option<Vec<ReviewDecision>>,
}

/// May these files be changed? Which ones, the item of the same id tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct FileApproval {
    pub thread_id: String,
    pub turn_id: String,
    pub item_id: String,
    #[serde(default)]
    pub started_at_ms: i64,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub grant_root: Option<String>,
}

/// May the agent have more rights?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct PermissionsApproval {
    pub thread_id: String,
    pub turn_id: String,
    pub item_id: String,
    #[serde(default)]
    pub started_at_ms: i64,
    #[serde(default)]
    pub reason: Option<String>,
    pub permissions: Value,
}

/// Questions to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct UserInput {
    pub thread_id: String,
    pub turn_id: String,
    pub item_id: String,
    pub questions: Vec<UserInputQuestion>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct UserInputQuestion {
    pub id: String,
    #[serde(default)]
    pub header: String,
    pub question: String,
    #[serde(default)]
    pub is_other: bool,
    #[serde(default)]
    pub is_secret: bool,
    #[serde(default)]
    pub options: Option<Vec<UserInputOption>>,
}

/// A choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct UserInputOption {
    pub label: String,
    #[serde(default)]
    pub description: String,
}

/// A tool server asks a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Elicitation {
    pub thread_id: String,
    #[serde(default)]
    pub turn_id: Option<String>,
    pub server_name: String,
    #[serde(default)]
    pub message: String,
}

/// What can be answered to the first two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum ReviewDecision {
    Accept,
    AcceptForSession,
    AcceptWithExecpolicyAmendment {
        execpolicy_amendment: Vec<String>,
    },
    ApplyNetworkPolicyAmendment {
        network_policy_amendment: Value,
    },
    Decline,
    Cancel,
    /// One of a newer Codex; never offered to people.
    #[serde(untagged)]
    Unknown(Value),
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn decisions_are_spelled_as_codex_spells_them() {
        let offered = json!([
            "accept",
            {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["echo", "hi"]}},
            "cancel",
            {"timeTravel": {"years": 3}}
        ]);
        let read: Vec<ReviewDecision> = serde_json::from_value(offered.clone()).expect("readable");
        assert!(matches!(read[3], ReviewDecision::Unknown(_)));
        assert_eq!(serde_json::to_value(read).expect("writable"), offered);
    }

    #[test]
    fn an_unknown_request_is_kept_whole() {
        let ask = Ask::read("item/tool/call".into(), json!({"tool": "x"}));
        assert!(matches!(ask, Ask::Other { params, .. } if params["tool"] == "x"));
    }
}
