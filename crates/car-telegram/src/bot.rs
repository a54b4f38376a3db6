//! The bot: what its parts share, how it starts and ends.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::{EngineError, now};
use car_store::{BotStore, InboxRow, Place};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{Telegram, Trouble};
use crate::codexes::Codexes;
use crate::intake::admission::Admission;
use crate::intake::{Incoming, Said, What};
use crate::lanes::Topic;
use crate::outbox::{Outbox, Pace};
use crate::payload::{Letter, Priority};
use crate::settings::Settings;
use crate::{import, instance, lanes, outbox, register, requests};

/// How long everything may take to end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(8);
/// How long what is done is remembered.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often what is older is forgotten.
const CLEANING: Duration = Duration::from_secs(6 * 3600);
/// Longest pause between two tries to reach Telegram at the start.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// How a bot runs.
#[derive(Clone, Debug)]
pub struct BotOptions {
    /// The root it serves.
    pub root: PathBuf,
    /// Command line of this program, to start loops with.
    pub program: Vec<OsString>,
    /// Where Codex servers have their directories, when not where it is usual.
    pub server_dir: Option<PathBuf>,
    /// How long the parts of a message may be apart.
    pub gather: Duration,
    /// Whether messages are sent without limits of our own, for a Bot API that has none.
    pub is_free: bool,
}

impl BotOptions {
    /// As usual.
    pub fn new(root: impl Into<PathBuf>, program: Vec<OsString>) -> Self {
        Self {
            root: root.into(),
            program,
            server_dir: None,
            gather: Duration::from_secs(2),
            is_free: false,
        }
    }
}

/// Who the bot is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// Whether it sees messages of groups that do not name it.
    pub(crate) sees_all: bool,
}

/// What the parts of the bot share.
#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) settings: Settings,
    pub(crate) options: BotOptions,
    pub(crate) store: BotStore,
    pub(crate) telegram: Telegram,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) admission: Admission,
    pub(crate) codexes: Codexes,
    pub(crate) me: Identity,
    /// Turns at work at the same time.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) tasks: TaskTracker,
    pub(crate) cancel: CancellationToken,
    /// Told when a request of the agent is opened.
    pub(crate) requests_changed: Notify,
    topics: Mutex<HashMap<Place, Arc<Topic>>>,
    strangers: Mutex<HashMap<i64, Timestamp>>,
}

/// Runs the bot of a root until `cancel`. Turns that run then go on in the Codex server and are taken up at the next start.
///
/// # Errors
/// When it is not set up, another one with the same token runs on this machine, its database cannot be used, or Telegram does
/// not know its token.
pub async fn run(options: BotOptions, cancel: CancellationToken) -> Result<(), EngineError> {
    let settings = Settings::read(&options.root)?;
    let _instance = instance::lock(&settings)?;
    let store = BotStore::open(&settings.database()).await?;
    import::old_state(&settings, &store).await?;
    let telegram = Telegram::new(&settings, None)?;
    let Some(me) = identity(&telegram, &cancel).await? else { return Ok(()) };
    let pace = if options.is_free { Pace::free() } else { Pace::telegrams() };
    let is_plain = settings.bot().parse_mode.as_deref().unwrap_or_default().is_empty();
    let admission = Admission::new(store.clone(), &settings);
    if admission.is_open_to_nobody() && store.people().await?.is_empty() {
        tracing::warn!("nobody may use the Telegram bot yet: `car telegram pair` prints a code");
    }
    let bot = Arc::new(Bot {
        outbox: Arc::new(Outbox::new(store.clone(), telegram.clone(), pace, is_plain)),
        codexes: Codexes::new(&settings, options.server_dir.clone()),
        places: Arc::new(Semaphore::new(settings.max_turns())),
        tasks: TaskTracker::new(),
        cancel: cancel.child_token(),
        requests_changed: Notify::new(),
        topics: Mutex::default(),
        strangers: Mutex::default(),
        settings,
        options,
        store,
        telegram,
        admission,
        me,
    });
    tracing::info!(bot = bot.me.name, "the Telegram bot runs");
    bot.begin().await?;
    crate::intake::run(Arc::clone(&bot), bot.cancel.clone()).await;
    bot.end().await;
    Ok(())
}

/// Asks who the bot is until Telegram answers; `None` when it is to end meanwhile.
async fn identity(
    telegram: &Telegram,
    cancel: &CancellationToken,
) -> Result<Option<Identity>, EngineError> {
    let mut pause = Duration::from_secs(1);
    loop {
        let asked = tokio::select! {
            () = cancel.cancelled() => return Ok(None),
            asked = telegram.me() => asked,
        };
        match asked {
            Ok(me) => {
                return Ok(Some(Identity {
                    id: i64::try_from(me.user.id.0).unwrap_or_default(),
                    name: me.username().to_owned(),
                    sees_all: me.can_read_all_group_messages,
                }));
            }
            Err(Trouble::Token) => return Err(Trouble::Token.into()),
            Err(trouble) => {
                tracing::warn!(why = trouble.words(), "Telegram does not answer yet");
                tokio::select! {
                    () = cancel.cancelled() => return Ok(None),
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
}

impl Bot {
    /// Starts everything beside the polling, and takes up what was left.
    async fn begin(self: &Arc<Self>) -> Result<(), EngineError> {
        self.tasks.spawn(Arc::clone(&self.outbox).run(self.cancel.clone()));
        self.tasks.spawn(requests::deadlines(Arc::clone(self)));
        self.tasks.spawn(clean(Arc::clone(self)));
        if self.settings.bot().command_registration.enabled {
            self.tasks.spawn(register::commands(Arc::clone(self)));
        }
        let turns = self.store.open_turns().await?;
        let mut places: Vec<Place> = turns.iter().map(car_store::TurnRow::place).collect();
        places.dedup();
        for place in places {
            self.topic(place).work.notify_one();
        }
        for row in self.store.open_updates().await? {
            self.hand_on(row).await;
        }
        Ok(())
    }

    async fn end(&self) {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN_PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!("parts of the Telegram bot did not end in time");
        }
        self.codexes.close().await;
        self.store.close().await;
    }

    /// The topic of a place, with its two lanes.
    pub(crate) fn topic(self: &Arc<Self>, place: Place) -> Arc<Topic> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(topics.entry(place).or_insert_with(|| lanes::start(self, place)))
    }

    /// Whether a turn is at work anywhere.
    pub(crate) fn n_running(&self) -> usize {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.values().filter(|topic| topic.running().is_some()).count()
    }

    /// Gives an update that is stored to whoever handles it.
    pub(crate) async fn hand_on(self: &Arc<Self>, row: InboxRow) {
        let Ok(mut incoming) = serde_json::from_str::<Incoming>(&row.incoming) else {
            tracing::error!(update = row.update_id, "a stored update cannot be read");
            let _ = self.store.updates_done(&[row.update_id]).await;
            return;
        };
        // The chat may have moved since.
        incoming.chat = row.chat;
        let topic = self.topic(incoming.place());
        if lanes::is_urgent(&topic, &incoming) {
            let bot = Arc::clone(self);
            self.tasks.spawn(async move { lanes::handle(&bot, &topic, vec![incoming]).await });
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(incoming)) = topic.control.try_send(incoming) {
            // A flood in one topic must not hold up the others.
            self.tasks.spawn(async move { topic.control.send(incoming).await });
        }
    }

    /// Says something in a place as the answer to an update, and says that the update is done.
    pub(crate) async fn answer(
        &self,
        incoming: &Incoming,
        letter: Letter,
    ) -> Result<(), EngineError> {
        let letter = letter.reply_to(Some(incoming.message_id));
        let key = format!("u:{}", incoming.update_id);
        let message = outbox::letter_to(incoming.place(), key, letter, Priority::First);
        self.outbox.send(&[message], &[incoming.update_id]).await
    }

    /// Somebody who is not allowed begins: with a code they are let in, without one they are told how.
    pub(crate) async fn greet_stranger(&self, incoming: &Incoming) -> Result<(), EngineError> {
        let What::Said(Said { command: Some(command), .. }) = &incoming.what else {
            return Ok(());
        };
        let role = match command.rest.trim() {
            "" => None,
            code => self.admission.pair(incoming, code).await?,
        };
        let text = match role {
            Some(role) => {
                let user = (incoming.user.id, incoming.user.name.as_str());
                let place = incoming.place();
                self.store.record(user, place, "paired", role.name(), now()).await?;
                tracing::info!(user = user.0, chat = incoming.chat, role = role.name(), "paired");
                crate::commands::welcome(self, role)
            }
            None => {
                if !self.may_greet(incoming.chat) {
                    return Ok(());
                }
                "This bot is private. Its owner can let you in: `car telegram pair` prints a code, \
                 and `/start CODE` brings it here."
                    .to_owned()
            }
        };
        let key = format!("greet:{}", incoming.update_id);
        let letter = Letter::markdown(&text);
        let message = outbox::letter_to(incoming.place(), key, letter, Priority::First);
        self.outbox.send(&[message], &[]).await
    }

    /// Strangers are told once an hour.
    fn may_greet(&self, chat: i64) -> bool {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.retain(|_, at| now().since(*at) < Duration::from_secs(3600));
        if strangers.len() > 100 || strangers.contains_key(&chat) {
            return false;
        }
        strangers.insert(chat, now());
        true
    }
}

/// Forgets what is long done.
async fn clean(bot: Arc<Bot>) {
    loop {
        let memory = i64::try_from(MEMORY.as_millis()).unwrap_or_default();
        let before = Timestamp::from_millis(now().as_millis() - memory);
        if let Err(error) = bot.store.forget(before).await {
            tracing::warn!(error = %EngineError::from(error), "the bot's database cannot be cleaned");
        }
        tokio::select! {
            () = bot.cancel.cancelled() => return,
            () = tokio::time::sleep(CLEANING) => {}
        }
    }
}
