//! Emptying the outbox: one process at a time, oldest message first, each until it is accepted, refused or too old.
//!
//! Accepted messages are marked before anything else happens, so a death in between repeats at most the one message that was
//! on its way; the services offer nothing to prevent that.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use car_domain::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outbox::{MAX_AGE, Outbox};
use super::receipts::{self, Receipt, Status};
use super::targets::Targets;
use super::transport::{Answer, Transport};
use super::{Channel, Message};
use crate::served::blocking;
use crate::{EngineError, Repo, now};

/// A message is tried this often; with the pauses between, for about three hours.
const MAX_ATTEMPTS: u32 = 20;
/// Longest pause between two attempts, unless the service asks for more.
const MAX_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Longest pause a service may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How long a process that is about to end goes on sending.
const BRIEFLY: Duration = Duration::from_secs(3);

/// What a delivery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Accepted by their service.
    pub delivered: usize,
    /// Given up.
    pub given_up: usize,
    /// Still waiting.
    pub pending: usize,
    /// When the next of them is tried.
    pub next_at: Option<Timestamp>,
    /// Whether another process is delivering; it takes care of everything.
    pub is_busy: bool,
}

/// Sends everything that is due in the outbox of `root`, each message once. Ends early, between two messages, on `cancel`.
///
/// # Errors
/// When files cannot be read or written, or the configuration is wrong.
pub async fn deliver(root: &Path, cancel: &CancellationToken) -> Result<Delivery, EngineError> {
    Sending::new(root, cancel.clone(), None).work().await
}

/// As [`deliver`] without regard to when a message was to be tried again, and trying again until `patience` is over.
///
/// # Errors
/// As [`deliver`].
pub async fn deliver_all(root: &Path, patience: Duration) -> Result<Delivery, EngineError> {
    let mut sending = Sending::new(root, CancellationToken::new(), Some(Instant::now() + patience));
    sending.at_once = true;
    sending.work().await
}

/// Delivers for a few seconds what a process that is about to end has written. Trouble is logged; the messages stay.
pub async fn deliver_briefly(root: &Path) {
    let until = Some(Instant::now() + BRIEFLY);
    if let Err(error) = Sending::new(root, CancellationToken::new(), until).work().await {
        tracing::warn!(%error, "notifications wait in the outbox");
    }
}

struct Sending {
    outbox: Outbox,
    cancel: CancellationToken,
    /// Until when messages that failed are tried again.
    until: Option<Instant>,
    /// Whether the first attempts disregard `next_attempt_at`.
    at_once: bool,
    done: Delivery,
}

impl Sending {
    fn new(root: &Path, cancel: CancellationToken, until: Option<Instant>) -> Self {
        let outbox = Outbox::of(root);
        Self { outbox, cancel, until, at_once: false, done: Delivery::default() }
    }

    async fn work(mut self) -> Result<Delivery, EngineError> {
        let mut seen: HashSet<String> = HashSet::new();
        loop {
            let waiting = self.waiting().await?;
            // What came while we held the lock: its writer found the lock taken and relies on us.
            if waiting.iter().all(|message| seen.contains(&message.id))
                && self.sent_is_empty().await?
            {
                return Ok(self.finished(&waiting));
            }
            let outbox = self.outbox.clone();
            let Some(lock) = blocking(move || outbox.lock()).await? else {
                self.done.is_busy = true;
                return Ok(self.finished(&waiting));
            };
            self.rounds(&mut seen).await?;
            drop(lock);
            if self.cancel.is_cancelled() {
                let waiting = self.waiting().await?;
                return Ok(self.finished(&waiting));
            }
        }
    }

    /// Goes through the outbox, again and again while there is time.
    async fn rounds(&mut self, seen: &mut HashSet<String>) -> Result<(), EngineError> {
        let root = self.outbox.root().to_path_buf();
        let transport = blocking(move || {
            let repo = Repo::open(&root)?;
            let targets = Targets::of(&repo);
            let redactor = targets.redactor(repo.env());
            Transport::new(targets, redactor)
        })
        .await?;
        self.finish_sent().await?;
        loop {
            let waiting = self.waiting().await?;
            seen.extend(waiting.iter().map(|message| message.id.clone()));
            self.round(&transport, waiting).await?;
            self.at_once = false;
            let waiting = self.waiting().await?;
            let next = waiting.iter().filter_map(|message| message.next_attempt_at).min();
            let wait = next.map(|next| next.since(now()));
            match (wait, self.until) {
                (Some(wait), Some(until)) if Instant::now() + wait < until => {
                    tokio::time::sleep(wait).await;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Channels do not wait for each other.
    async fn round(
        &mut self,
        transport: &Transport,
        waiting: Vec<Message>,
    ) -> Result<(), EngineError> {
        let of = |channel| waiting.iter().filter(move |message| message.channel == channel);
        let (discord, telegram) = (of(Channel::Discord), of(Channel::Telegram));
        let (discord, telegram) = futures::join!(
            self.channel(transport, discord.cloned().collect()),
            self.channel(transport, telegram.cloned().collect()),
        );
        for (delivered, given_up) in [discord?, telegram?] {
            self.done.delivered += delivered;
            self.done.given_up += given_up;
        }
        Ok(())
    }

    /// Sends the messages of one channel until one has to wait. Counts what was delivered and what was given up.
    async fn channel(
        &self,
        transport: &Transport,
        messages: Vec<Message>,
    ) -> Result<(usize, usize), EngineError> {
        let (mut delivered, mut given_up) = (0, 0);
        for mut message in messages {
            let is_over = self.until.is_some_and(|until| Instant::now() >= until);
            if is_over || self.cancel.is_cancelled() {
                break;
            }
            if now().since(message.created_at) > MAX_AGE {
                self.give_up(message, Status::Expired).await?;
                given_up += 1;
                continue;
            }
            if !transport.reaches(message.channel) || !(self.at_once || message.is_due(now())) {
                break;
            }
            message.attempts += 1;
            match transport.send(&message).await {
                Answer::Accepted => {
                    self.accepted(message).await?;
                    delivered += 1;
                }
                Answer::Never(why) => {
                    tracing::warn!(channel = message.channel.name(), why, "refuses a notification");
                    message.last_error = Some(why);
                    self.give_up(message, Status::Refused).await?;
                    given_up += 1;
                }
                Answer::Later { why, .. } if message.attempts >= MAX_ATTEMPTS => {
                    message.last_error = Some(why);
                    self.give_up(message, Status::Expired).await?;
                    given_up += 1;
                }
                Answer::Later { why, after } => {
                    message.last_error = Some(why);
                    message.next_attempt_at = Some(later(pause(message.attempts, after)));
                    let outbox = self.outbox.clone();
                    blocking(move || outbox.write(&message)).await?;
                    break;
                }
            }
        }
        Ok((delivered, given_up))
    }

    async fn accepted(&self, message: Message) -> Result<(), EngineError> {
        let outbox = self.outbox.clone();
        blocking(move || {
            outbox.mark_sent(&message.id)?;
            receipts::add(outbox.root(), &Receipt::of(&message, Status::Delivered, None))?;
            outbox.remove(&message.id, "sent")
        })
        .await
    }

    async fn give_up(&self, message: Message, status: Status) -> Result<(), EngineError> {
        let outbox = self.outbox.clone();
        blocking(move || {
            let receipt = Receipt::of(&message, status, message.last_error.clone());
            receipts::add(outbox.root(), &receipt)?;
            outbox.remove(&message.id, "json")
        })
        .await
    }

    /// Writes the receipts that a sender which died could not write.
    async fn finish_sent(&self) -> Result<(), EngineError> {
        let outbox = self.outbox.clone();
        blocking(move || {
            for message in outbox.sent()? {
                let root = outbox.root();
                if !receipts::read(root)?.iter().any(|receipt| receipt.id == message.id) {
                    receipts::add(root, &Receipt::of(&message, Status::Delivered, None))?;
                }
                outbox.remove(&message.id, "sent")?;
            }
            Ok(())
        })
        .await
    }

    async fn waiting(&self) -> Result<Vec<Message>, EngineError> {
        let outbox = self.outbox.clone();
        blocking(move || outbox.messages()).await
    }

    async fn sent_is_empty(&self) -> Result<bool, EngineError> {
        let outbox = self.outbox.clone();
        blocking(move || outbox.sent().map(|sent| sent.is_empty())).await
    }

    fn finished(mut self, waiting: &[Message]) -> Delivery {
        self.done.pending = waiting.len();
        self.done.next_at = waiting.iter().filter_map(|message| message.next_attempt_at).min();
        self.done
    }
}

/// One second, two, four … or what the service asks for, when that is longer.
fn pause(attempts: u32, asked: Option<Duration>) -> Duration {
    let own = Duration::from_secs(1 << (attempts - 1).min(10)).min(MAX_PAUSE);
    asked.map_or(own, |asked| asked.clamp(Duration::ZERO, MAX_RETRY_AFTER).max(own))
}

fn later(pause: Duration) -> Timestamp {
    let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now().as_millis().saturating_add(millis))
}
