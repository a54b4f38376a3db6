//! What the command line asks about a bot: is it well, and who may use it.

use std::path::Path;
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::config::TelegramRole;
use car_engine::{EngineError, ErrorKind};
use car_store::BotStore;
use serde::Serialize;

use crate::api::{Telegram, Trouble};
use crate::intake::admission::new_code;
use crate::settings::{Settings, database};

/// How a bot is.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Its name in Telegram.
    pub name: String,
    /// Whether it sees messages of groups that do not name it.
    pub sees_all_group_messages: bool,
    /// Whether it runs on this machine.
    pub is_running: bool,
    /// Users that may use it.
    pub users: usize,
    /// Messages that wait to be sent.
    pub waiting: i64,
    /// Messages that were given up.
    pub given_up: i64,
}

/// Asks Telegram about the bot of `root`, once.
///
/// # Errors
/// When it is not enabled or not set up, or Telegram does not answer.
pub async fn health(root: &Path, timeout: Duration) -> Result<Health, EngineError> {
    let settings = Settings::read(root)?;
    if !settings.bot().enabled {
        return Err(EngineError::config("the Telegram bot is not enabled")
            .with_hint("set telegram_bot.enabled: true"));
    }
    let telegram = Telegram::new(&settings, Some(timeout.max(Duration::from_millis(100))))?;
    let me = telegram.me().await.map_err(|trouble| match trouble {
        Trouble::Uncertain(why) | Trouble::NotSent(why) => {
            EngineError::new(ErrorKind::Unavailable, format!("Telegram does not answer: {why}"))
        }
        trouble => trouble.into(),
    })?;
    let store = BotStore::open(&settings.database()).await?;
    let (waiting, given_up) = store.outbox_counts().await?;
    let people = store.people().await?;
    store.close().await;
    let is_running = crate::instance::is_running(&settings);
    Ok(Health {
        name: me.username().to_owned(),
        sees_all_group_messages: me.can_read_all_group_messages,
        is_running,
        users: settings.users.len() + people.len(),
        waiting,
        given_up,
    })
}

/// A code that lets one person and one chat in.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// To be typed.
    pub code: String,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// What the person will be.
    pub role: TelegramRole,
    /// A link that brings the code to the bot, when Telegram says the bot's name.
    pub link: Option<String>,
}

/// Makes a code. Without a role the first person is an admin and every other one an operator.
///
/// # Errors
/// When the bot is not set up or its database cannot be used.
pub async fn pair(root: &Path, role: Option<TelegramRole>) -> Result<NewCode, EngineError> {
    let settings = Settings::read(root)?;
    let store = BotStore::open(&settings.database()).await?;
    let is_first = settings.users.is_empty() && store.people().await?.is_empty();
    let usual = if is_first { TelegramRole::Admin } else { TelegramRole::Operator };
    let role = role.unwrap_or(usual);
    let (code, expires_at) = new_code(&store, role).await?;
    store.close().await;
    let telegram = Telegram::new(&settings, Some(Duration::from_secs(5)))?;
    // Without the link the code is typed.
    let name = telegram.me().await.ok().map(|me| me.username().to_owned());
    let link = name.map(|name| format!("https://t.me/{name}?start={}", code.replace('-', "")));
    Ok(NewCode { code, expires_at, role, link })
}

/// Somebody who was let in by a code.
#[derive(Clone, Debug, Serialize)]
pub struct Paired {
    /// Telegram's id of them.
    pub user_id: i64,
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: String,
}

/// Everybody who was let in by a code.
///
/// # Errors
/// When the bot's database cannot be used.
pub async fn paired(root: &Path) -> Result<Vec<Paired>, EngineError> {
    let store = BotStore::open(&database(root)).await?;
    let people = store.people().await?;
    store.close().await;
    let paired = people.into_iter().map(|person| Paired {
        user_id: person.user_id,
        name: person.name,
        role: person.role,
    });
    Ok(paired.collect())
}

/// Shuts somebody out again who was let in by a code.
///
/// # Errors
/// When nobody of this id was, or the bot's database cannot be used.
pub async fn unpair(root: &Path, user_id: i64) -> Result<(), EngineError> {
    let store = BotStore::open(&database(root)).await?;
    let gone = store.remove_person(user_id).await?;
    store.close().await;
    if gone {
        return Ok(());
    }
    Err(EngineError::not_found(format!("nobody with the id {user_id} was let in by a code"))
        .with_hint("who stands in telegram_bot.allowed_user_ids is taken off that list"))
}

/// Something somebody did.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub user_id: i64,
    /// Their name.
    pub user_name: String,
    /// In which chat.
    pub chat: i64,
    /// In which topic of it.
    pub topic: i64,
    /// What.
    pub action: String,
    /// Details.
    pub detail: String,
}

/// What was done in Telegram, the newest first.
///
/// # Errors
/// When the bot's database cannot be used.
pub async fn audit(root: &Path, limit: u32) -> Result<Vec<AuditEntry>, EngineError> {
    let store = BotStore::open(&database(root)).await?;
    let rows = store.audit(limit).await?;
    store.close().await;
    let entries = rows.into_iter().map(|row| AuditEntry {
        at: Timestamp::from_millis(row.at),
        user_id: row.user_id,
        user_name: row.user_name,
        chat: row.chat,
        topic: row.topic,
        action: row.action,
        detail: row.detail,
    });
    Ok(entries.collect())
}
