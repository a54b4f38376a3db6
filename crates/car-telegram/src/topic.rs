//! What a topic is bound to, and how Codex works in it.

use std::path::PathBuf;

use car_engine::config::{TelegramBotConfig, TelegramTrigger, TelegramWhileBusy};
use car_engine::conversation::{ApprovalPolicy, SandboxPolicy};
use car_engine::{EngineError, now};
use car_store::{BotStore, Place, TopicRow};
use serde::{Deserialize, Serialize};

/// When Codex asks, as people choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Asks {
    /// Before every command that is not known to be harmless.
    Untrusted,
    /// When it wants to leave its sandbox.
    OnRequest,
    /// Never.
    Never,
}

/// What Codex may reach, as people choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reach {
    /// Read.
    ReadOnly,
    /// Read everything, write in the repository.
    WorkspaceWrite,
    /// Everything its user may do.
    FullAccess,
}

impl Asks {
    /// The one of this name, in the spellings there are.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match normal(name).as_str() {
            "untrusted" => Some(Self::Untrusted),
            // The second is gone from Codex; asking is the safe meaning.
            "onrequest" | "onfailure" => Some(Self::OnRequest),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::OnRequest => "on-request",
            Self::Never => "never",
        }
    }
}

impl Reach {
    /// The one of this name, in the spellings there are.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match normal(name).as_str() {
            "readonly" => Some(Self::ReadOnly),
            "workspacewrite" => Some(Self::WorkspaceWrite),
            "dangerfullaccess" | "fullaccess" => Some(Self::FullAccess),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::FullAccess => "full-access",
        }
    }

    pub(crate) fn policy(self) -> SandboxPolicy {
        match self {
            Self::ReadOnly => SandboxPolicy::ReadOnly,
            Self::WorkspaceWrite => {
                SandboxPolicy::WorkspaceWrite { writable_roots: Vec::new(), network: false }
            }
            Self::FullAccess => SandboxPolicy::FullAccess,
        }
    }
}

fn normal(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// How Codex works in a topic; what is not chosen is as the bot is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TopicSettings {
    /// Model.
    pub(crate) model: Option<String>,
    /// Reasoning effort.
    pub(crate) effort: Option<String>,
    /// When it asks.
    pub(crate) asks: Option<Asks>,
    /// What it may reach.
    pub(crate) reach: Option<Reach>,
    /// Whether it plans first and may ask questions.
    pub(crate) plans: bool,
    /// What becomes of a message while it works.
    pub(crate) while_busy: Option<TelegramWhileBusy>,
    /// Which messages of a group it takes.
    pub(crate) trigger: Option<TelegramTrigger>,
    /// What the next conversation begins with.
    pub(crate) seed: Option<String>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Where it is.
    pub(crate) place: Place,
    /// The repository.
    pub(crate) workspace: Option<PathBuf>,
    /// Its id in the hub.
    pub(crate) repo_id: Option<String>,
    /// The conversation at present.
    pub(crate) codex_thread: Option<String>,
    /// How Codex works there.
    pub(crate) settings: TopicSettings,
}

impl Bound {
    /// The topic at `place`, as it was kept.
    pub(crate) async fn read(store: &BotStore, place: Place) -> Result<Self, EngineError> {
        let row = store.topic(place).await?;
        Ok(row.map_or_else(
            || Self {
                place,
                workspace: None,
                repo_id: None,
                codex_thread: None,
                settings: TopicSettings::default(),
            },
            |row| Self {
                place,
                workspace: row.workspace.map(PathBuf::from),
                repo_id: row.repo_id,
                codex_thread: row.codex_thread,
                settings: serde_json::from_str(&row.settings).unwrap_or_default(),
            },
        ))
    }

    /// Keeps it.
    pub(crate) async fn keep(&self, store: &BotStore) -> Result<(), EngineError> {
        let row = TopicRow {
            chat: self.place.chat,
            topic: self.place.topic,
            workspace: self.workspace.as_ref().map(|path| path.display().to_string()),
            repo_id: self.repo_id.clone(),
            codex_thread: self.codex_thread.clone(),
            settings: serde_json::to_string(&self.settings).unwrap_or_default(),
        };
        Ok(store.put_topic(&row, now()).await?)
    }

    /// When Codex asks here.
    pub(crate) fn asks(&self, config: &TelegramBotConfig) -> Asks {
        let defaults = &config.defaults;
        let (chosen, usual) = match defaults.approval_mode.as_str() {
            "yolo" => (Some(&defaults.yolo_approval_policy), Asks::Never),
            _ => (defaults.approval_policy.as_ref(), Asks::OnRequest),
        };
        let configured = chosen.and_then(|name| Asks::from_name(name)).unwrap_or(usual);
        self.settings.asks.unwrap_or(configured)
    }

    /// What Codex may reach here.
    pub(crate) fn reach(&self, config: &TelegramBotConfig) -> Reach {
        let defaults = &config.defaults;
        let (chosen, usual) = match defaults.approval_mode.as_str() {
            "yolo" => (Some(&defaults.yolo_sandbox_policy), Reach::FullAccess),
            _ => (defaults.sandbox_policy.as_ref(), Reach::WorkspaceWrite),
        };
        let configured = chosen.and_then(|name| Reach::from_name(name)).unwrap_or(usual);
        self.settings.reach.unwrap_or(configured)
    }

    /// The policy that is sent with every turn.
    pub(crate) fn approval_policy(&self, config: &TelegramBotConfig) -> ApprovalPolicy {
        match self.asks(config) {
            Asks::Untrusted => ApprovalPolicy::Untrusted,
            Asks::OnRequest => ApprovalPolicy::OnRequest,
            Asks::Never => ApprovalPolicy::Never,
        }
    }

    /// Which messages of a group it takes.
    pub(crate) fn trigger(&self, config: &TelegramBotConfig) -> TelegramTrigger {
        self.settings.trigger.unwrap_or(config.trigger)
    }

    /// What becomes of a message while Codex works.
    pub(crate) fn while_busy(&self, config: &TelegramBotConfig) -> TelegramWhileBusy {
        self.settings.while_busy.unwrap_or(config.while_busy)
    }

    /// Begins anew: the next message starts a new conversation.
    pub(crate) fn forget_thread(&mut self) {
        self.codex_thread = None;
        self.settings.seed = None;
    }
}
