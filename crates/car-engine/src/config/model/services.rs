//! What CAR talks to: GitHub, those who want to be notified, a service that writes down speech.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Switch;

/// GitHub through the `gh` program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GithubConfig {
    /// Ask GitHub at all.
    pub enabled: bool,
    /// Open pull requests as drafts.
    pub pr_draft_default: bool,
    /// What happens to uncommitted changes before a pull request is synced: `none`, `auto` or `always`.
    pub sync_commit_mode: String,
    /// Time the agent has to prepare a pull request.
    pub sync_agent_timeout_seconds: u64,
    /// The `gh` program, when it is not on `PATH`.
    pub gh_path: Option<String>,
}

impl Default for GithubConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            pr_draft_default: true,
            sync_commit_mode: "auto".to_owned(),
            sync_agent_timeout_seconds: 1800,
            gh_path: None,
        }
    }
}

/// Messages about what happened, to Discord and Telegram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NotificationsConfig {
    /// Whether to send any; `auto` sends when a receiver is set up.
    pub enabled: Switch,
    /// Events that are told, or `all`.
    pub events: Vec<String>,
    /// Silence of a terminal that is told; 0 for never.
    pub tui_idle_seconds: Option<f64>,
    /// Discord.
    pub discord: DiscordConfig,
    /// Telegram.
    pub telegram: TelegramNotificationsConfig,
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        Self {
            enabled: Switch::Auto,
            events: [
                "run_finished",
                "run_error",
                "loop_stopped",
                "limit_reached",
                "no_progress",
                "loop_crashed",
                "run_interrupted",
                "needs_approval",
                "tui_idle",
            ]
            .map(str::to_owned)
            .to_vec(),
            tui_idle_seconds: Some(60.0),
            discord: DiscordConfig::default(),
            telegram: TelegramNotificationsConfig::default(),
        }
    }
}

/// Messages to a Discord channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DiscordConfig {
    /// `false` sends nothing there.
    pub enabled: Option<bool>,
    /// Name of the variable that holds the webhook's address.
    pub webhook_url_env: String,
}

impl Default for DiscordConfig {
    fn default() -> Self {
        Self { enabled: None, webhook_url_env: "CAR_DISCORD_WEBHOOK_URL".to_owned() }
    }
}

/// Messages to a Telegram chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TelegramNotificationsConfig {
    /// `false` sends nothing there.
    pub enabled: Option<bool>,
    /// Name of the variable that holds the bot's token.
    pub bot_token_env: String,
    /// Name of the variable that holds the chat's id.
    pub chat_id_env: String,
    /// Name of the variable that holds the topic's id.
    pub thread_id_env: Option<String>,
    /// Topic of the chat.
    pub thread_id: Option<i64>,
    /// Topics by path of a repository.
    pub thread_id_map: Option<BTreeMap<String, i64>>,
    /// Bot API server; Telegram's own unless set.
    pub api_url: Option<String>,
}

impl Default for TelegramNotificationsConfig {
    fn default() -> Self {
        Self {
            enabled: None,
            bot_token_env: "CAR_TELEGRAM_BOT_TOKEN".to_owned(),
            chat_id_env: "CAR_TELEGRAM_CHAT_ID".to_owned(),
            thread_id_env: None,
            thread_id: None,
            thread_id_map: None,
            api_url: None,
        }
    }
}

/// Speech to text, with a key of one's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct VoiceConfig {
    /// Whether voice is offered; `auto` offers it when there is a key.
    pub enabled: Switch,
    /// Name of the provider; only `openai_whisper`.
    pub provider: String,
    /// Told to clients.
    pub latency_mode: String,
    /// Length of a piece of sound in milliseconds.
    pub chunk_ms: u64,
    /// Samples per second.
    pub sample_rate: u64,
    /// Whether to warn that speech leaves the machine; by default only while there is no key.
    pub warn_on_remote_api: bool,
    /// Bounds of holding the button.
    pub push_to_talk: PushToTalkConfig,
    /// Settings of each provider.
    pub providers: BTreeMap<String, VoiceProviderConfig>,
}

impl Default for VoiceConfig {
    fn default() -> Self {
        Self {
            enabled: Switch::Auto,
            provider: "openai_whisper".to_owned(),
            latency_mode: "balanced".to_owned(),
            chunk_ms: 600,
            sample_rate: 16_000,
            warn_on_remote_api: true,
            push_to_talk: PushToTalkConfig::default(),
            providers: BTreeMap::new(),
        }
    }
}

impl VoiceConfig {
    /// Settings of the chosen provider.
    pub fn chosen_provider(&self) -> VoiceProviderConfig {
        self.providers.get(&self.provider).cloned().unwrap_or_default()
    }
}

/// Bounds of holding the button, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PushToTalkConfig {
    /// Longest recording.
    pub max_ms: u64,
    /// Silence that ends it.
    pub silence_auto_stop_ms: u64,
    /// Shortest press that counts.
    pub min_hold_ms: u64,
}

impl Default for PushToTalkConfig {
    fn default() -> Self {
        Self { max_ms: 15_000, silence_auto_stop_ms: 1_200, min_hold_ms: 150 }
    }
}

/// A service compatible with OpenAI's transcriptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct VoiceProviderConfig {
    /// Name of the variable that holds the key.
    pub api_key_env: String,
    /// Model.
    pub model: String,
    /// Address of the service; OpenAI's own unless set.
    pub base_url: Option<String>,
    /// Sampling temperature.
    pub temperature: f64,
    /// Language of the speech, as a code such as `en`.
    pub language: Option<String>,
    /// Of the original; requests are never logged.
    pub redact_request: bool,
    /// Time a transcription may take.
    pub timeout_s: f64,
}

impl Default for VoiceProviderConfig {
    fn default() -> Self {
        Self {
            api_key_env: "OPENAI_API_KEY".to_owned(),
            model: "whisper-1".to_owned(),
            base_url: None,
            temperature: 0.0,
            language: None,
            redact_request: true,
            timeout_s: 60.0,
        }
    }
}

impl VoiceProviderConfig {
    /// Time a transcription may take.
    pub fn timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout_s).unwrap_or(Duration::from_secs(60))
    }
}
