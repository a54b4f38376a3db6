//! Everything that is sent leaves through here: one message of a chat after the other, at Telegram's pace, each of them once.
//!
//! A message is a row before it is sent. It is marked before it is handed over, so that afterwards it is known which one may
//! have arrived although nobody said so; [`lost`] looks for that one before it is sent again.

mod lost;
mod pace;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::{EngineError, blocking, now};
use car_store::{BotStore, NewMessage, OutboxRow, Place};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::api::{Telegram, Text, Trouble};
use crate::files::{put_aside, read_without_links};
use crate::payload::{Content, Letter, Payload};
use crate::render;
pub(crate) use lost::counter;
pub(crate) use pace::Pace;

/// Tries before a message is given up; with the pauses below that is more than a day.
const MAX_ATTEMPTS: i64 = 1500;
/// Longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// How often the bot looks again when its token is refused.
const TOKEN_PAUSE: Duration = Duration::from_secs(60);
/// How long messages that are being sent may take when the bot ends.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);
/// How long somebody who pressed a button waits for its message to be known.
const NUMBER_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a file; Telegram takes no larger one from a bot.
const MAX_FILE: u64 = 50 << 20;
/// Chats that are written to at the same time.
const MAX_AT_ONCE: usize = 8;

/// The outbox.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) store: BotStore,
    telegram: Telegram,
    pace: Pace,
    /// Whether everything is sent without markup.
    is_plain: bool,
    wake: Notify,
    /// Changes whenever a message was sent or given up.
    progress: watch::Sender<u64>,
}

impl Outbox {
    pub(crate) fn new(store: BotStore, telegram: Telegram, pace: Pace, is_plain: bool) -> Self {
        Self {
            store,
            telegram,
            pace,
            is_plain,
            wake: Notify::new(),
            progress: watch::Sender::new(0),
        }
    }

    /// Queues messages; nothing more will come of `updates`.
    pub(crate) async fn send(
        &self,
        messages: &[NewMessage],
        updates: &[i64],
    ) -> Result<(), EngineError> {
        self.store.queue(messages, updates, now()).await?;
        self.wake();
        Ok(())
    }

    /// Says that something was queued.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Telegram's number of the message of this name, once that is known. After a restart it may take a moment to find out
    /// whether a message has arrived; somebody may press its buttons before.
    pub(crate) async fn number_of(&self, key: &str) -> Result<Option<i64>, EngineError> {
        let mut progress = self.progress.subscribe();
        let known = async {
            loop {
                progress.borrow_and_update();
                let message = self.store.message(key).await?;
                match message {
                    Some(message) if ["waiting", "sending"].contains(&message.state.as_str()) => {}
                    message => return Ok(message.and_then(|message| message.message_id)),
                }
                if progress.changed().await.is_err() {
                    return Ok(None);
                }
            }
        };
        tokio::time::timeout(NUMBER_PATIENCE, known).await.unwrap_or(Ok(None))
    }

    /// The pace, for what is changed outside of the outbox.
    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Sends until `cancel`. What is being sent then is finished.
    pub(crate) async fn run(self: Arc<Self>, cancel: CancellationToken) {
        let mut sending = JoinSet::new();
        let mut busy: HashSet<i64> = HashSet::new();
        while !cancel.is_cancelled() {
            let pause = match self.store.next_messages().await {
                Ok(rows) => self.begin(rows, &mut sending, &mut busy),
                Err(error) => {
                    tracing::error!(error = %EngineError::from(error), "the outbox cannot be read");
                    MAX_PAUSE
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(done) = sending.join_next(), if !sending.is_empty() => {
                    if let Ok(chat) = done {
                        busy.remove(&chat);
                    }
                }
            }
        }
        let finish = async { while sending.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_PATIENCE, finish).await.is_err() {
            // What is cut off is marked; the next start looks whether it has arrived.
            sending.abort_all();
        }
    }

    /// Begins to send what is due, and returns the time until something else is.
    fn begin(
        self: &Arc<Self>,
        rows: Vec<OutboxRow>,
        sending: &mut JoinSet<i64>,
        busy: &mut HashSet<i64>,
    ) -> Duration {
        let mut pause = Duration::from_secs(3600);
        for row in rows {
            if busy.contains(&row.chat) || busy.len() >= MAX_AT_ONCE {
                continue;
            }
            let due = Timestamp::from_millis(row.next_at).since(now());
            let wait = due.max(self.pace.wait(row.chat));
            if !wait.is_zero() {
                pause = pause.min(wait);
                continue;
            }
            self.pace.take(row.chat);
            busy.insert(row.chat);
            let outbox = Arc::clone(self);
            sending.spawn(async move {
                let chat = row.chat;
                let delivered = outbox.deliver(row).await;
                outbox.progress.send_modify(|n| *n += 1);
                if let Err(error) = delivered {
                    tracing::error!(%error, "the outbox cannot be kept");
                    tokio::time::sleep(MAX_PAUSE).await;
                }
                chat
            });
        }
        pause
    }

    async fn deliver(&self, row: OutboxRow) -> Result<(), EngineError> {
        let store = &self.store;
        let Ok(payload) = serde_json::from_str::<Payload>(&row.payload) else {
            return Ok(store.message_failed(row.id, "it cannot be read").await?);
        };
        if row.state == "sending"
            && let Some(id) = self.find_lost(&row, &payload).await?
        {
            return self.arrived(&row, &payload, Some(id)).await;
        }
        let newest = store.newest_message(lost::counter(row.chat)).await?;
        store.message_leaves(row.id, newest).await?;
        match self.hand_over(&row, &payload).await {
            Ok(id) => self.arrived(&row, &payload, id).await,
            Err(trouble) => self.failed(&row, &payload, trouble).await,
        }
    }

    /// Hands a message to Telegram. Returns its number there when it is a new one.
    async fn hand_over(&self, row: &OutboxRow, payload: &Payload) -> Result<Option<i64>, Trouble> {
        let (chat, topic) = (row.chat, row.topic);
        match payload {
            Payload::Text(letter) => {
                let Letter { reply_to, is_silent, .. } = letter;
                let sent = self
                    .telegram
                    .write(chat, topic, self.text(letter), *reply_to, *is_silent)
                    .await;
                sent.map(Some)
            }
            Payload::Edit { of, letter } => {
                let known = self.store.message(of).await;
                let known = known.map_err(|error| Trouble::NotSent(error.to_string()))?;
                let Some(id) = known.and_then(|message| message.message_id) else {
                    return Ok(None);
                };
                match self.telegram.rewrite(chat, id, self.text(letter)).await {
                    Err(Trouble::NotModified | Trouble::NoMessage) | Ok(()) => Ok(None),
                    // An edit done twice is the same edit.
                    Err(Trouble::Uncertain(why)) => Err(Trouble::NotSent(why)),
                    Err(trouble) => Err(trouble),
                }
            }
            Payload::File { name, caption, content, reply_to } => {
                let bytes = match content {
                    Content::Text(text) => text.clone().into_bytes(),
                    Content::Path { path, .. } => {
                        let path = path.clone();
                        let read = blocking(move || read_without_links(path.as_ref(), MAX_FILE));
                        read.await.map_err(|error| Trouble::Refused(error.to_string()))?
                    }
                };
                let sent =
                    self.telegram.send_file(chat, topic, name, bytes, caption, *reply_to).await;
                sent.map(Some)
            }
        }
    }

    fn text<'l>(&self, letter: &'l Letter) -> Text<'l> {
        let Letter { html, plain, buttons, .. } = letter;
        Text { html: html.as_deref().filter(|_| !self.is_plain), plain, buttons }
    }

    async fn arrived(
        &self,
        row: &OutboxRow,
        payload: &Payload,
        id: Option<i64>,
    ) -> Result<(), EngineError> {
        if let Some(id) = id {
            self.store.note_message(lost::counter(row.chat), id).await?;
        }
        if let Payload::File { content: Content::Path { path, sent }, .. } = payload {
            let (path, sent) = (path.clone(), sent.clone());
            let moved = blocking(move || put_aside(path.as_ref(), sent.as_ref())).await;
            if let Err(error) = moved {
                tracing::warn!(%error, "a file that was sent stays where it is");
            }
        }
        Ok(self.store.message_sent(row.id, id).await?)
    }

    async fn failed(
        &self,
        row: &OutboxRow,
        payload: &Payload,
        trouble: Trouble,
    ) -> Result<(), EngineError> {
        let store = &self.store;
        let why = trouble.words();
        let later = |pause: Duration| {
            Timestamp::from_millis(
                now().as_millis() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2),
            )
        };
        let doubling = u32::try_from(row.attempts.clamp(0, 6)).unwrap_or(6);
        let pause = (Duration::from_millis(500) * 2_u32.pow(doubling)).min(MAX_PAUSE);
        match trouble {
            Trouble::RetryAfter(after) => {
                self.pace.block(row.chat, after);
                store.message_waits(row.id, later(after), &why, false, false).await?;
            }
            Trouble::Migrated(to) => {
                tracing::info!(from = row.chat, to, "a group became a supergroup");
                store.message_waits(row.id, now(), &why, true, false).await?;
                store.move_chat(row.chat, to).await?;
            }
            Trouble::Uncertain(_) if row.attempts < MAX_ATTEMPTS => {
                store.message_waits(row.id, later(pause), &why, true, true).await?;
            }
            Trouble::NotSent(_) | Trouble::Conflict if row.attempts < MAX_ATTEMPTS => {
                store.message_waits(row.id, later(pause), &why, true, false).await?;
            }
            Trouble::Token => {
                tracing::error!("Telegram does not know the bot's token; nothing can be sent");
                store.message_waits(row.id, later(TOKEN_PAUSE), &why, false, false).await?;
            }
            Trouble::ChatGone(_) => {
                let n = store.place_gone(row.chat, None, &why).await?;
                tracing::warn!(chat = row.chat, n, why, "a chat cannot be written to any more");
            }
            Trouble::TopicGone(_) => {
                let n = store.place_gone(row.chat, Some(row.topic), &why).await?;
                let (chat, topic) = (row.chat, row.topic);
                tracing::warn!(chat, topic, n, why, "a topic cannot be written to any more");
            }
            _ => match simpler(payload, &why) {
                Some(simpler) => {
                    tracing::warn!(key = row.key, why, "sent in a simpler form");
                    let text = serde_json::to_string(&simpler).unwrap_or_default();
                    store.message_becomes(row.id, &text).await?;
                }
                None => {
                    tracing::warn!(key = row.key, why, "a message is given up");
                    store.message_failed(row.id, &why).await?;
                }
            },
        }
        Ok(())
    }
}

/// The same message in a simpler form, for when Telegram refuses it: without markup, without buttons, and instead of a file the
/// words that it cannot be sent.
fn simpler(payload: &Payload, why: &str) -> Option<Payload> {
    let without = |letter: &Letter| {
        let plain = render::head(&letter.plain, render::MAX_UNITS).to_owned();
        let is_marked = letter.html.is_some() || plain != letter.plain;
        let (is_new, buttons) = match is_marked {
            true => (true, letter.buttons.clone()),
            false => (!letter.buttons.is_empty(), Vec::new()),
        };
        is_new.then(|| Letter { html: None, plain, buttons, ..letter.clone() })
    };
    match payload {
        Payload::Text(letter) => without(letter).map(Payload::Text),
        Payload::Edit { of, letter } => {
            without(letter).map(|letter| Payload::Edit { of: of.clone(), letter })
        }
        Payload::File { name, reply_to, .. } => {
            let letter = Letter::plain(format!("⚠ {name} could not be sent: {why}"));
            Some(Payload::Text(letter.reply_to(*reply_to)))
        }
    }
}

/// A message to a place under a name.
pub(crate) fn letter_to(
    place: Place,
    key: impl Into<String>,
    letter: Letter,
    priority: crate::payload::Priority,
) -> NewMessage {
    Payload::Text(letter).to(place, key, priority)
}
