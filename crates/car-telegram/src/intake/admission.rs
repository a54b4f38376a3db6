//! Who is heard: only allowed users, only in allowed chats. Both lists come from the configuration and from codes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::config::TelegramRole;
use car_engine::{EngineError, now};
use car_store::BotStore;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::Incoming;
use crate::settings::Settings;

/// Digits of a code: without letters that look like others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH: usize = 8;
/// How long a code works.
pub const CODE_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Wrong codes one user may try in an hour, and all of them together.
const MAX_TRIES: usize = 5;
const MAX_ALL_TRIES: usize = 50;
const TRIES_WINDOW: Duration = Duration::from_secs(3600);

/// Who may do what.
#[derive(Debug)]
pub(crate) struct Admission {
    store: BotStore,
    chats: Vec<i64>,
    users: Vec<i64>,
    roles: std::collections::BTreeMap<i64, TelegramRole>,
    require_topics: bool,
    tries: Mutex<HashMap<i64, Vec<Instant>>>,
}

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is heard.
    Heard(TelegramRole),
    /// A stranger begins; they are told how to be let in.
    Stranger,
    /// It is not heard.
    Ignored(&'static str),
}

impl Admission {
    pub(crate) fn new(store: BotStore, settings: &Settings) -> Self {
        Self {
            store,
            chats: settings.chats.clone(),
            users: settings.users.clone(),
            roles: settings.roles.clone(),
            require_topics: settings.bot().require_topics,
            tries: Mutex::default(),
        }
    }

    /// Whether and as whom somebody is heard.
    pub(crate) async fn verdict(&self, incoming: &Incoming) -> Result<Verdict, EngineError> {
        let role = self.role(incoming.user.id).await?;
        let is_chat_known = self.knows_chat(incoming.chat).await?;
        let begins = match &incoming.what {
            super::What::Said(said) => {
                said.command.as_ref().is_some_and(|c| ["start", "pair"].contains(&c.name.as_str()))
            }
            _ => false,
        };
        Ok(match (role, is_chat_known) {
            (Some(_), true) if self.require_topics && incoming.topic == 0 => {
                Verdict::Ignored("it is outside of topics")
            }
            (Some(role), true) => Verdict::Heard(role),
            _ if begins => Verdict::Stranger,
            (Some(_), false) => Verdict::Ignored("the chat is not allowed"),
            (None, _) => Verdict::Ignored("the user is not allowed"),
        })
    }

    /// What somebody may do; `None` for strangers.
    pub(crate) async fn role(&self, user: i64) -> Result<Option<TelegramRole>, EngineError> {
        if self.users.contains(&user) {
            let alone = self.users.len() == 1;
            let usual = if alone { TelegramRole::Admin } else { TelegramRole::Operator };
            return Ok(Some(self.roles.get(&user).copied().unwrap_or(usual)));
        }
        let people = self.store.people().await?;
        let person = people.into_iter().find(|person| person.user_id == user);
        Ok(person.map(|person| {
            let paired = TelegramRole::from_name(&person.role).unwrap_or(TelegramRole::Viewer);
            self.roles.get(&user).copied().unwrap_or(paired)
        }))
    }

    async fn knows_chat(&self, chat: i64) -> Result<bool, EngineError> {
        if self.chats.contains(&chat) || self.store.paired_chats().await?.contains(&chat) {
            return Ok(true);
        }
        // A group that became a supergroup stays allowed.
        let moved = self.store.moved_chats().await?;
        Ok(moved.iter().any(|(from, to)| *to == chat && self.chats.contains(from)))
    }

    /// Whether nobody is let in without a code.
    pub(crate) fn is_open_to_nobody(&self) -> bool {
        self.users.is_empty()
    }

    /// Lets somebody in who brings a code that works. Returns what they may do now.
    pub(crate) async fn pair(
        &self,
        incoming: &Incoming,
        code: &str,
    ) -> Result<Option<TelegramRole>, EngineError> {
        let user = (incoming.user.id, incoming.user.name.as_str());
        if !self.may_try(user.0) {
            tracing::warn!(user = user.0, "too many wrong codes; the code was not looked at");
            return Ok(None);
        }
        let Some(code) = normal(code) else { return Ok(None) };
        match self.store.use_code(&hash(&code), user, incoming.chat, now()).await? {
            Some(_) => self.role(user.0).await,
            None => Ok(None),
        }
    }

    fn may_try(&self, user: i64) -> bool {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        tries.retain(|_, times| {
            times.retain(|at| now.duration_since(*at) < TRIES_WINDOW);
            !times.is_empty()
        });
        let all: usize = tries.values().map(Vec::len).sum();
        let own = tries.entry(user).or_default();
        if own.len() >= MAX_TRIES || all >= MAX_ALL_TRIES {
            return false;
        }
        own.push(now);
        true
    }
}

/// A new code for somebody who will have this role; it is kept as a hash.
pub(crate) async fn new_code(
    store: &BotStore,
    role: TelegramRole,
) -> Result<(String, Timestamp), EngineError> {
    let mut bytes = [0; CODE_LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| {
        EngineError::new(car_engine::ErrorKind::Other, "the system has no random numbers")
            .with_hint(error.to_string())
    })?;
    let code: String =
        bytes.iter().map(|byte| char::from(DIGITS[usize::from(byte % 32)])).collect();
    let lifetime = i64::try_from(CODE_LIFETIME.as_millis()).unwrap_or_default();
    let expires_at = Timestamp::from_millis(now().as_millis() + lifetime);
    store.add_code(&hash(&code), role.name(), expires_at).await?;
    let (first, second) = code.split_at(CODE_LENGTH / 2);
    Ok((format!("{first}-{second}"), expires_at))
}

fn normal(text: &str) -> Option<String> {
    let digit = |letter: char| match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    };
    let typed = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    let code: String = typed.take(CODE_LENGTH + 1).map(digit).collect();
    let known = |letter: char| u8::try_from(letter).is_ok_and(|byte| DIGITS.contains(&byte));
    (code.chars().count() == CODE_LENGTH && code.chars().all(known)).then_some(code)
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}
