//! Requests of ours, and what is answered.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::parts::{Item, Thread, Turn};
use super::services::{
    AccountLogout, CommandExec, CommandResult, ConfigValueWrite, ExperimentalFeatureList,
    FeaturePage, FeedbackUpload, FeedbackUploaded, McpServerPage, McpServerStatusList, ModelList,
    ModelPage, RateLimits, RateLimitsRead, SkillsList, SkillsPage,
};

/// A request of ours: its members are the parameters.
pub trait Method: Serialize + Send {
    /// Name on the wire.
    const NAME: &'static str;
    /// What is answered.
    type Reply: DeserializeOwned + Send;
}

/// Ties parameters to a method's name and reply.
macro_rules! methods {
    ($($params:ident = $name:literal -> $reply:ty;)*) => {
        $(impl Method for $params {
            const NAME: &'static str = $name;
            type Reply = $reply;
        })*
    };
}

methods! {
    Initialize = "initialize" -> Initialized;
    ThreadStart = "thread/start" -> ThreadOpened;
    ThreadResume = "thread/resume" -> ThreadOpened;
    ThreadList = "thread/list" -> ThreadPage;
    ThreadRead = "thread/read" -> ThreadReadReply;
    ThreadLoadedList = "thread/loaded/list" -> LoadedThreads;
    ThreadTurnsList = "thread/turns/list" -> TurnPage;
    ThreadItemsList = "thread/items/list" -> ItemPage;
    ThreadSetName = "thread/name/set" -> Empty;
    ThreadUnsubscribe = "thread/unsubscribe" -> Empty;
    ThreadCompactStart = "thread/compact/start" -> Empty;
    TurnStart = "turn/start" -> TurnStarted;
    TurnSteer = "turn/steer" -> Empty;
    TurnInterrupt = "turn/interrupt" -> Empty;
    ReviewStart = "review/start" -> ReviewStarted;
    ModelList = "model/list" -> ModelPage;
    SkillsList = "skills/list" -> SkillsPage;
    McpServerStatusList = "mcpServerStatus/list" -> McpServerPage;
    ExperimentalFeatureList = "experimentalFeature/list" -> FeaturePage;
    ConfigValueWrite = "config/value/write" -> Empty;
    FeedbackUpload = "feedback/upload" -> FeedbackUploaded;
    AccountLogout = "account/logout" -> Empty;
    RateLimitsRead = "account/rateLimits/read" -> RateLimits;
    CommandExec = "command/exec" -> CommandResult;
}

/// An answer without anything CAR reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Empty {}

/// The first request of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Initialize {
    pub client_info: ClientInfo,
    pub capabilities: Capabilities,
}

/// Who we are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ClientInfo {
    pub name: String,
    pub title: Option<String>,
    pub version: String,
}

/// What we can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Capabilities {
    pub experimental_api: bool,
    pub request_attestation: bool,
}

/// Who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct Initialized {
    pub user_agent: String,
    pub codex_home: PathBuf,
}

/// When the agent asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum ApprovalPolicy {
    Untrusted,
    OnRequest,
    Never,
}

/// The sandbox as `thread/start` wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum SandboxMode {
    ReadOnly,
    WorkspaceWrite,
    DangerFullAccess,
}

/// The sandbox as `turn/start` wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum SandboxPolicy {
    ReadOnly {
        network_access: bool,
    },
    WorkspaceWrite {
        writable_roots: Vec<PathBuf>,
        network_access: bool,
        exclude_tmpdir_env_var: bool,
        exclude_slash_tmp: bool,
    },
    DangerFullAccess,
}

/// What a person says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Input {
    Text {
        text: String,
        #[serde(default)]
        text_elements: Vec<Value>,
    },
    LocalImage {
        path: PathBuf,
    },
}

impl Input {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), text_elements: Vec::new() }
    }
}

/// Starts a thread. Its file appears with the first turn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadStart {
    pub cwd: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_policy: Option<ApprovalPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Configuration on top of the user's, with dotted names.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer_instructions: Option<String>,
}

/// Loads a thread, or joins one that is loaded, and subscribes this connection to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadResume {
    pub thread_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    pub exclude_turns: bool,
}

/// The answer to both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadOpened {
    pub thread: Thread,
    pub model: String,
    #[serde(default)]
    pub reasoning_effort: Option<String>,
    /// Only when a thread is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration_mode: Option<CollaborationMode>,
}

/// Lists threads, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadList {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_kinds: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_key: Option<String>,
}

/// A page of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadPage {
    pub data: Vec<Thread>,
    pub next_cursor: Option<String>,
}

/// Reads a thread without loading it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadRead {
    pub thread_id: String,
    pub include_turns: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadReadReply {
    pub thread: Thread,
}

/// Lists the threads in the server's memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadLoadedList {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Their ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct LoadedThreads {
    pub data: Vec<String>,
    pub next_cursor: Option<String>,
}

/// Lists turns, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadTurnsList {
    pub thread_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of turns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TurnPage {
    pub data: Vec<Turn>,
    pub next_cursor: Option<String>,
}

/// Lists finished items, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadItemsList {
    pub thread_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ItemPage {
    pub data: Vec<ItemEntry>,
    pub next_cursor: Option<String>,
}

/// An item and its turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ItemEntry {
    pub turn_id: String,
    pub item: Item,
}

/// Names a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadSetName {
    pub thread_id: String,
    pub name: String,
}

/// Stops hearing of a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadUnsubscribe {
    pub thread_id: String,
}

/// Shortens a thread's history; ends a running turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ThreadCompactStart {
    pub thread_id: String,
}

/// Starts a turn, or adds to the running one. Policies stick to the thread, so they are always sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TurnStart {
    pub thread_id: String,
    pub input: Vec<Input>,
    pub cwd: PathBuf,
    pub approval_policy: ApprovalPolicy,
    pub sandbox_policy: SandboxPolicy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration_mode: Option<CollaborationMode>,
    /// Ours; it comes back as [`super::KnownItem::UserMessage`]'s `client_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_user_message_id: Option<String>,
}

/// `plan` lets the agent ask questions; `default` does not. Sticks to the thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct CollaborationMode {
    pub mode: String,
    pub settings: CollaborationSettings,
}

/// What a mode needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct CollaborationSettings {
    pub model: String,
    pub reasoning_effort: Option<String>,
    pub developer_instructions: Option<String>,
}

/// The turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TurnStarted {
    pub turn: Turn,
}

/// Adds to the running turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TurnSteer {
    pub thread_id: String,
    pub expected_turn_id: String,
    pub input: Vec<Input>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_user_message_id: Option<String>,
}

/// Ends the running turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct TurnInterrupt {
    pub thread_id: String,
    pub turn_id: String,
}

/// Starts a review in a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ReviewStart {
    pub thread_id: String,
    pub target: ReviewTarget,
    /// Always `inline`.
    pub delivery: String,
}

/// What is reviewed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum ReviewTarget {
    UncommittedChanges,
    BaseBranch { branch: String },
    Commit { sha: String, title: Option<String> },
    Custom { instructions: String },
}

/// The review's turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub struct ReviewStarted {
    pub turn: Turn,
    pub review_thread_id: String,
}
