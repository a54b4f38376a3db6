//! What the bot is set up with. Read once at the start: an agent that changes files later changes nothing here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use car_engine::config::{
    Config, Mode, RootEnv, TelegramBotConfig, TelegramId, TelegramRole, load_with_env,
};
use car_engine::{EngineError, Redactor};
use reqwest::Url;

/// Telegram's own Bot API.
const TELEGRAM: &str = "https://api.telegram.org";

/// The bot's token. Nothing shows it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token itself, for requests.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What the bot is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The served root: a hub or a repository.
    pub root: PathBuf,
    /// The root's configuration.
    pub config: Config,
    /// The root's environment.
    pub env: RootEnv,
    /// The bot's token.
    pub token: Token,
    /// The Bot API.
    pub api_url: Url,
    /// Allowed chats by configuration.
    pub chats: Vec<i64>,
    /// Allowed users by configuration.
    pub users: Vec<i64>,
    /// Roles by configuration.
    pub roles: BTreeMap<i64, TelegramRole>,
}

impl Settings {
    /// Reads those of `root`.
    ///
    /// # Errors
    /// With everything that is wrong at once.
    pub fn read(root: &Path) -> Result<Self, EngineError> {
        let (config, env) = load_with_env(root)?;
        let bot = &config.telegram_bot;
        let mut problems = Vec::new();
        if bot.mode != "polling" {
            problems.push(format!("telegram_bot.mode is {}; there is only polling", bot.mode));
        }
        let token = env.var(&bot.bot_token_env);
        if token.is_none() {
            problems.push(format!(
                "the variable {} is not set; @BotFather in Telegram gives you a token for it",
                bot.bot_token_env
            ));
        }
        let api_url = bot.api_url.as_deref().unwrap_or(TELEGRAM);
        let parsed = Url::parse(api_url).ok().filter(|url| !url.cannot_be_a_base());
        if parsed.is_none() {
            problems.push("telegram_bot.api_url is no address".to_owned());
        }
        let mut chats = ids(&bot.allowed_chat_ids, "allowed_chat_ids", &mut problems);
        let from_env = env.var(&bot.chat_id_env).map(TelegramId::Text);
        chats.extend(ids(from_env.as_slice(), &bot.chat_id_env, &mut problems));
        let users = ids(&bot.allowed_user_ids, "allowed_user_ids", &mut problems);
        let mut roles = BTreeMap::new();
        for (id, role) in &bot.roles {
            match id.trim().parse() {
                Ok(id) => drop(roles.insert(id, *role)),
                Err(_) => problems.push(format!("telegram_bot.roles: {id} is no user id")),
            }
        }
        let (Some(token), Some(api_url), []) = (token, parsed, &problems[..]) else {
            return Err(EngineError::config(format!(
                "the Telegram bot is not set up: {}",
                problems.join("; ")
            ))
            .with_hint("docs/telegram.md shows how to set it up in five minutes"));
        };
        let root = root.to_path_buf();
        Ok(Self { token: Token(token), api_url, root, chats, users, roles, config, env })
    }

    /// The part about the bot.
    pub fn bot(&self) -> &TelegramBotConfig {
        &self.config.telegram_bot
    }

    /// Whether the root is a hub.
    pub fn is_hub(&self) -> bool {
        self.config.mode == Mode::Hub
    }

    /// Knows every secret that must not be said.
    pub fn redactor(&self) -> Redactor {
        Redactor::of(&self.env).with(self.token.reveal())
    }

    /// The bot's database.
    pub fn database(&self) -> PathBuf {
        database(&self.root)
    }

    /// Longest wait of one question for updates.
    pub fn poll_timeout(&self) -> Duration {
        Duration::from_secs(self.bot().polling.timeout_seconds.clamp(1, 600))
    }

    /// Silence after which a turn is ended.
    pub fn stall_after(&self) -> Option<Duration> {
        u64::try_from(self.bot().stall_seconds).ok().filter(|s| *s > 0).map(Duration::from_secs)
    }

    /// Turns at work at the same time.
    pub fn max_turns(&self) -> usize {
        usize::try_from(self.bot().concurrency.max_parallel_turns).unwrap_or(0).max(1)
    }
}

/// Where the bot of `root` has its database.
pub(crate) fn database(root: &Path) -> PathBuf {
    root.join(car_engine::config::CAR_DIR).join("telegram.db")
}

fn ids(list: &[TelegramId], name: &str, problems: &mut Vec<String>) -> Vec<i64> {
    let mut all = Vec::new();
    for id in list {
        match id {
            TelegramId::Id(id) => all.push(*id),
            TelegramId::Text(text) => {
                let parts = text.split([',', ' ', '\n', '\t']).filter(|part| !part.is_empty());
                for part in parts {
                    match part.parse() {
                        Ok(id) => all.push(id),
                        Err(_) => problems.push(format!("{name}: {part} is no id")),
                    }
                }
            }
        }
    }
    all
}
