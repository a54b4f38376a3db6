//! The keys CAR understands, with their defaults. Their documentation here is what the JSON schema says about them.
//!
//! Unknown keys are kept out of the way: other versions may know them.

mod housekeeping;
mod repo;
mod server;
mod services;
mod telegram;

pub use housekeeping::{HousekeepingConfig, HousekeepingKind, HousekeepingRule};
pub use repo::{
    CodexConfig, DocsConfig, GitConfig, ModelsConfig, PromptConfig, RunnerConfig, RunnerDriver,
    WorktreesConfig,
};
pub use server::{
    AuthMode, HubConfig, LogConfig, ServerConfig, StaticAssetsConfig, TerminalConfig,
    base_path_problem, normal_base_path,
};
pub use services::{
    DiscordConfig, GithubConfig, NotificationsConfig, PushToTalkConfig,
    TelegramNotificationsConfig, VoiceConfig, VoiceProviderConfig,
};
pub use telegram::{
    CommandWords, TelegramAppServerConfig, TelegramBotConfig, TelegramCommandsConfig,
    TelegramConcurrencyConfig, TelegramDebugConfig, TelegramDefaultsConfig, TelegramId,
    TelegramMediaConfig, TelegramPollingConfig, TelegramRequestsConfig, TelegramRole,
    TelegramShellConfig, TelegramTrigger, TelegramWhileBusy,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// Whether a root is one repository or a directory of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One repository.
    #[default]
    Repo,
    /// A directory of repositories.
    Hub,
}

impl Mode {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Hub => "hub",
        }
    }
}

/// The effective configuration of a root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Version of the format; only 2.
    pub version: u64,
    /// Repository or hub.
    pub mode: Mode,
    /// Where the documents are.
    pub docs: DocsConfig,
    /// The agent.
    pub codex: CodexConfig,
    /// The prompt.
    pub prompt: PromptConfig,
    /// The loop.
    pub runner: RunnerConfig,
    /// Git around a run.
    pub git: GitConfig,
    /// Worktrees of this repository.
    pub worktrees: WorktreesConfig,
    /// GitHub.
    pub github: GithubConfig,
    /// Messages about what happened.
    pub notifications: NotificationsConfig,
    /// Speech to text.
    pub voice: VoiceConfig,
    /// The web server.
    pub server: ServerConfig,
    /// Terminals in the browser.
    pub terminal: TerminalConfig,
    /// The log all runs share.
    pub log: LogConfig,
    /// The server's log; in a hub, `null` means the hub's own.
    pub server_log: Option<LogConfig>,
    /// Copies of the interface's files.
    pub static_assets: StaticAssetsConfig,
    /// What gets deleted when it is old.
    pub housekeeping: HousekeepingConfig,
    /// The Telegram bot.
    pub telegram_bot: TelegramBotConfig,
    /// A directory of repositories.
    pub hub: HubConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: 2,
            mode: Mode::default(),
            docs: DocsConfig::default(),
            codex: CodexConfig::default(),
            prompt: PromptConfig::default(),
            runner: RunnerConfig::default(),
            git: GitConfig::default(),
            worktrees: WorktreesConfig::default(),
            github: GithubConfig::default(),
            notifications: NotificationsConfig::default(),
            voice: VoiceConfig::default(),
            server: ServerConfig::default(),
            terminal: TerminalConfig::default(),
            log: LogConfig::default(),
            server_log: None,
            static_assets: StaticAssetsConfig::default(),
            housekeeping: HousekeepingConfig::default(),
            telegram_bot: TelegramBotConfig::default(),
            hub: HubConfig::default(),
        }
    }
}

impl Config {
    /// Sections that mean nothing to a root of the other kind.
    pub(crate) const REPO_ONLY: [&str; 9] =
        ["docs", "codex", "prompt", "runner", "git", "worktrees", "github", "notifications", "log"];
    /// Sections only a hub has.
    pub(crate) const HUB_ONLY: [&str; 1] = ["hub"];

    /// The server's log.
    pub fn effective_server_log(&self) -> LogConfig {
        self.server_log.clone().unwrap_or_else(|| match self.mode {
            Mode::Repo => LogConfig::named("codex-server.log"),
            Mode::Hub => self.hub.log.clone(),
        })
    }
}

/// On, off, or whatever fits. In YAML `true`, `false`, and `auto` or `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
    /// When what it needs is there.
    #[default]
    Auto,
}

impl Switch {
    /// Whether it is on, where `auto` means `when_auto`.
    pub fn is_on(self, when_auto: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Auto => when_auto,
        }
    }
}

impl Serialize for Switch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(true) => Ok(Self::On),
            Value::Bool(false) => Ok(Self::Off),
            Value::Null => Ok(Self::Auto),
            Value::String(word) if word.eq_ignore_ascii_case("auto") => Ok(Self::Auto),
            _ => Err(D::Error::custom("must be boolean, null, or 'auto'")),
        }
    }
}

impl JsonSchema for Switch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Switch".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, null, "auto"] })
    }
}
