//! Where messages of a root go, by its configuration and environment.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Event;
use crate::config::{NotificationsConfig, RootEnv};
use crate::{Redactor, Repo};

/// The Bot API unless `telegram.api_url` says otherwise.
const TELEGRAM_API: &str = "https://api.telegram.org";

/// A service messages go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A Discord webhook.
    Discord,
    /// A Telegram bot.
    Telegram,
}

impl Channel {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discord => "discord",
            Self::Telegram => "telegram",
        }
    }
}

/// A chat and the bot that writes there. Holds a secret, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct TelegramChat {
    pub api_url: String,
    pub token: String,
    pub chat_id: String,
    pub thread_id: Option<i64>,
}

/// Every receiver that is set up.
#[derive(Clone, Default)]
pub(super) struct Targets {
    pub discord: Option<String>,
    pub telegram: Option<TelegramChat>,
}

impl Targets {
    pub(super) fn of(repo: &Repo) -> Self {
        let (config, env) = (&repo.config().notifications, repo.env());
        let value = |name: &str, is_wanted: bool| {
            let value = env.var(name);
            if value.is_none() && is_wanted {
                warn_once(&format!("notifications: the variable {name} is not set"));
            }
            value
        };
        let discord = match config.discord.enabled {
            Some(false) => None,
            wanted => value(&config.discord.webhook_url_env, wanted == Some(true)),
        };
        let wanted = config.telegram.enabled;
        let telegram = (wanted != Some(false)).then(|| {
            let token = value(&config.telegram.bot_token_env, wanted == Some(true));
            let chat_id = value(&config.telegram.chat_id_env, wanted == Some(true));
            let (token, chat_id) = token.zip(chat_id)?;
            let api_url = config.telegram.api_url.as_deref().unwrap_or(TELEGRAM_API);
            let api_url = api_url.trim_end_matches('/').to_owned();
            Some(TelegramChat { api_url, token, chat_id, thread_id: thread_id(repo) })
        });
        Self { discord, telegram: telegram.flatten() }
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        let discord = self.discord.is_some().then_some(Channel::Discord);
        let telegram = self.telegram.is_some().then_some(Channel::Telegram);
        discord.into_iter().chain(telegram).collect()
    }

    /// The topic a message to `channel` goes to.
    pub(super) fn thread_id(&self, channel: Channel) -> Option<i64> {
        match channel {
            Channel::Discord => None,
            Channel::Telegram => self.telegram.as_ref()?.thread_id,
        }
    }

    /// Whether anybody wants to hear of `event`.
    pub(super) fn wants(&self, config: &NotificationsConfig, event: Event) -> bool {
        let available = !self.channels().is_empty();
        if !config.enabled.is_on(available) {
            return false;
        }
        let names: Vec<&str> = config.events.iter().map(|name| name.trim()).collect();
        let is_known =
            |name: &&str| name.is_empty() || *name == "all" || Event::from_name(name).is_some();
        let unknown: Vec<&str> = names.iter().copied().filter(|name| !is_known(name)).collect();
        if !unknown.is_empty() {
            warn_once(&format!("Unknown notification events configured: {}", unknown.join(", ")));
        }
        let is_wanted = names.iter().any(|name| *name == "all" || *name == event.name());
        if is_wanted && !available {
            warn_once("Notifications enabled but no targets configured");
        }
        is_wanted && available
    }

    /// Knows every secret that is used to reach them.
    pub(super) fn redactor(&self, env: &RootEnv) -> Redactor {
        let mut redactor = Redactor::of(env);
        if let Some(url) = &self.discord {
            redactor = redactor.with(url);
            // The part behind the host is what must stay unknown, also where only a path is told.
            if let Some((_, secret)) = url.rsplit_once('/') {
                redactor = redactor.with(secret);
            }
        }
        match &self.telegram {
            Some(telegram) => redactor.with(&telegram.token),
            None => redactor,
        }
    }
}

/// The topic for `repo`: by its path, else the one for all, else the variable's.
fn thread_id(repo: &Repo) -> Option<i64> {
    let config = &repo.config().notifications.telegram;
    let root = real_path(repo.root());
    let map = config.thread_id_map.iter().flatten();
    let mapped = map.filter(|(path, _)| !path.trim().is_empty()).find(|(path, _)| {
        real_path(&repo.root().join(without_tilde(repo.env(), path.trim()))) == root
    });
    let variable = || repo.env().var(config.thread_id_env.as_deref()?)?.parse().ok();
    mapped.map(|(_, id)| *id).or(config.thread_id).or_else(variable)
}

fn without_tilde(env: &RootEnv, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env.var("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Warns about the same thing once in the life of this process.
fn warn_once(text: &str) {
    static TOLD: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned()) {
        tracing::warn!("{text}");
    }
}
