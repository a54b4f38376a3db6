//! The Telegram bot.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::CAR_DIR;

/// Codex in Telegram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramBotConfig {
    /// Whether the bot runs.
    pub enabled: bool,
    /// How updates arrive; only `polling`.
    pub mode: String,
    /// Name of the variable that holds the bot's token.
    pub bot_token_env: String,
    /// Name of the variable that holds one more allowed chat.
    pub chat_id_env: String,
    /// `HTML`, `Markdown`, `MarkdownV2`, or `null` for plain text.
    pub parse_mode: Option<String>,
    /// For finding faults.
    pub debug: TelegramDebugConfig,
    /// Chats that may use the bot.
    pub allowed_chat_ids: Vec<TelegramId>,
    /// Users that may use the bot.
    pub allowed_user_ids: Vec<TelegramId>,
    /// Answer only in topics.
    pub require_topics: bool,
    /// Policies of new conversations.
    pub defaults: TelegramDefaultsConfig,
    /// How much happens at once.
    pub concurrency: TelegramConcurrencyConfig,
    /// Pictures, voice and files.
    pub media: TelegramMediaConfig,
    /// Shell commands.
    pub shell: TelegramShellConfig,
    /// Commands shown in Telegram's menu.
    pub command_registration: TelegramCommandsConfig,
    /// Where the original kept the bot's state.
    pub state_file: String,
    /// Name of the variable that holds the command of the Codex server.
    pub app_server_command_env: String,
    /// Command of the Codex server, as words or one line.
    pub app_server_command: CommandWords,
    /// The Codex servers.
    pub app_server: TelegramAppServerConfig,
    /// How updates are asked for.
    pub polling: TelegramPollingConfig,
    /// Bot API server; Telegram's own unless set.
    pub api_url: Option<String>,
    /// What users may do, by their id. Somebody who is not named is an operator, and an admin when nobody else is allowed.
    pub roles: BTreeMap<String, TelegramRole>,
    /// Which messages of a group the bot takes; a topic can have its own choice.
    pub trigger: TelegramTrigger,
    /// What becomes of a message while Codex is at work; a topic can have its own choice.
    pub while_busy: TelegramWhileBusy,
    /// Directories a topic may be bound to besides the repositories of the root.
    pub bind_roots: Vec<String>,
    /// What the agent asks.
    pub requests: TelegramRequestsConfig,
    /// Silence of a turn, in seconds, after which it is ended; 0 and less for never.
    pub stall_seconds: i64,
}

impl Default for TelegramBotConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            mode: "polling".to_owned(),
            bot_token_env: "CAR_TELEGRAM_BOT_TOKEN".to_owned(),
            chat_id_env: "CAR_TELEGRAM_CHAT_ID".to_owned(),
            parse_mode: Some("HTML".to_owned()),
            debug: TelegramDebugConfig::default(),
            allowed_chat_ids: Vec::new(),
            allowed_user_ids: Vec::new(),
            require_topics: false,
            defaults: TelegramDefaultsConfig::default(),
            concurrency: TelegramConcurrencyConfig::default(),
            media: TelegramMediaConfig::default(),
            shell: TelegramShellConfig::default(),
            command_registration: TelegramCommandsConfig::default(),
            state_file: format!("{CAR_DIR}/telegram_state.json"),
            app_server_command_env: "CAR_TELEGRAM_APP_SERVER_COMMAND".to_owned(),
            app_server_command: CommandWords::Words(
                ["codex", "app-server"].map(str::to_owned).to_vec(),
            ),
            app_server: TelegramAppServerConfig::default(),
            polling: TelegramPollingConfig::default(),
            api_url: None,
            roles: BTreeMap::new(),
            trigger: TelegramTrigger::All,
            while_busy: TelegramWhileBusy::Ask,
            bind_roots: Vec::new(),
            requests: TelegramRequestsConfig::default(),
            stall_seconds: 1800,
        }
    }
}

/// What somebody may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TelegramRole {
    /// Look.
    Viewer,
    /// Talk with Codex, decide what it asks, start and stop loops.
    Operator,
    /// Everything, also what concerns the whole machine.
    Admin,
}

impl TelegramRole {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.name() == name)
    }
}

/// Which messages of a group are for the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TelegramTrigger {
    /// All.
    All,
    /// Those that name it, and answers to its messages.
    Mention,
    /// Answers to its messages.
    Reply,
    /// Only commands.
    Commands,
}

/// What becomes of a message while Codex is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TelegramWhileBusy {
    /// Its sender is asked.
    Ask,
    /// It is added to the work.
    Steer,
    /// It comes afterwards.
    Queue,
    /// The work is stopped for it.
    Replace,
}

/// What the agent asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramRequestsConfig {
    /// Time to decide, in seconds; then it is declined.
    #[schemars(range(min = 1))]
    pub timeout_seconds: u64,
    /// How long before that people are reminded, in seconds; 0 for not at all.
    pub remind_seconds: u64,
}

impl Default for TelegramRequestsConfig {
    fn default() -> Self {
        Self { timeout_seconds: 900, remind_seconds: 120 }
    }
}

/// An id, or text with several of them divided by commas or spaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TelegramId {
    /// One id.
    Id(i64),
    /// Several.
    Text(String),
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CommandWords {
    /// Word by word.
    Words(Vec<String>),
    /// As in a shell.
    Line(String),
}

/// For finding faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramDebugConfig {
    /// Begin each message with where it belongs.
    pub prefix_context: bool,
}

/// Policies of new conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramDefaultsConfig {
    /// `safe` or `yolo`.
    pub approval_mode: String,
    /// Approval policy of safe conversations.
    pub approval_policy: Option<String>,
    /// Sandbox of safe conversations.
    pub sandbox_policy: Option<String>,
    /// Approval policy of others.
    pub yolo_approval_policy: String,
    /// Sandbox of others.
    pub yolo_sandbox_policy: String,
}

impl Default for TelegramDefaultsConfig {
    fn default() -> Self {
        Self {
            approval_mode: "safe".to_owned(),
            approval_policy: Some("on-request".to_owned()),
            sandbox_policy: Some("workspaceWrite".to_owned()),
            yolo_approval_policy: "never".to_owned(),
            yolo_sandbox_policy: "dangerFullAccess".to_owned(),
        }
    }
}

/// How much happens at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramConcurrencyConfig {
    /// Turns at work at the same time.
    pub max_parallel_turns: i64,
    /// Whether each topic has a queue of its own.
    pub per_topic_queue: bool,
}

impl Default for TelegramConcurrencyConfig {
    fn default() -> Self {
        Self { max_parallel_turns: 2, per_topic_queue: true }
    }
}

/// Pictures, voice and files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramMediaConfig {
    /// Whether any are taken.
    pub enabled: bool,
    /// Whether pictures are.
    pub images: bool,
    /// Whether voice is.
    pub voice: bool,
    /// Whether files are.
    pub files: bool,
    /// Largest picture.
    #[schemars(range(min = 1))]
    pub max_image_bytes: u64,
    /// Largest recording.
    #[schemars(range(min = 1))]
    pub max_voice_bytes: u64,
    /// Largest file.
    #[schemars(range(min = 1))]
    pub max_file_bytes: u64,
    /// What is asked about a picture without words.
    pub image_prompt: String,
}

impl Default for TelegramMediaConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            images: true,
            voice: true,
            files: true,
            max_image_bytes: 10_000_000,
            max_voice_bytes: 10_000_000,
            max_file_bytes: 10_000_000,
            image_prompt: "Describe the image.".to_owned(),
        }
    }
}

/// Shell commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramShellConfig {
    /// Whether they are run.
    pub enabled: bool,
    /// Longest time one may take, in milliseconds.
    #[schemars(range(min = 1))]
    pub timeout_ms: u64,
    /// Characters of output shown.
    #[schemars(range(min = 1))]
    pub max_output_chars: u64,
}

impl Default for TelegramShellConfig {
    fn default() -> Self {
        Self { enabled: false, timeout_ms: 120_000, max_output_chars: 3800 }
    }
}

/// Commands shown in Telegram's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramCommandsConfig {
    /// Whether they are registered.
    pub enabled: bool,
    /// Where, as words or maps of Telegram's kind.
    pub scopes: Vec<serde_json::Value>,
}

impl Default for TelegramCommandsConfig {
    fn default() -> Self {
        let scope = |kind: &str| serde_json::json!({ "type": kind, "language_code": "" });
        Self { enabled: true, scopes: vec![scope("default"), scope("all_group_chats")] }
    }
}

/// The Codex servers of the original's bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramAppServerConfig {
    /// Conversations held open; 0 and less for any number.
    pub max_handles: Option<i64>,
    /// Time after which an idle one is closed; 0 and less for never.
    pub idle_ttl_seconds: Option<i64>,
}

impl Default for TelegramAppServerConfig {
    fn default() -> Self {
        Self { max_handles: Some(20), idle_ttl_seconds: Some(3600) }
    }
}

/// How updates are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramPollingConfig {
    /// Longest wait of one question.
    #[schemars(range(min = 1))]
    pub timeout_seconds: u64,
    /// Kinds of updates.
    pub allowed_updates: Vec<String>,
}

impl Default for TelegramPollingConfig {
    fn default() -> Self {
        Self {
            timeout_seconds: 30,
            allowed_updates: ["message", "edited_message", "callback_query"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}
