//! One-way messages to Discord and Telegram about what a loop or a terminal did.
//!
//! A message is first a file in the outbox and only then sent, by whoever has time: the runner before it ends, the server in
//! the background, or `car notify send`. So nothing is lost when a service is away or a process dies, and nothing waits for
//! the network. Secrets are read from the root's environment when a message is sent; no file, log or error holds them.

mod deliver;
mod event;
mod outbox;
mod receipts;
mod targets;
#[cfg(test)]
mod tests;
mod transport;

pub use deliver::{Delivery, deliver, deliver_all, deliver_briefly};
pub use event::{Event, Notice};
pub use outbox::Message;
pub use receipts::{Receipt, Status};
pub use targets::Channel;

pub(crate) use outbox::WAKE_FILE;
pub(crate) use receipts::Receipts;

use std::time::Duration;

use serde::Serialize;

use outbox::Outbox;
use targets::Targets;

use crate::served::blocking;
use crate::{EngineError, Repo};

/// Everything known about the messages of a repository.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Not sent yet, oldest first.
    pub pending: Vec<Message>,
    /// What became of others, oldest first.
    pub receipts: Vec<Receipt>,
    /// Where messages would go.
    pub channels: Vec<Channel>,
}

/// Writes `notice` into the outbox, once for each channel that wants it, and returns how many messages that made. Saying
/// the same about the same run again makes none.
///
/// # Errors
/// When the outbox cannot be written.
pub fn announce(repo: &Repo, notice: &Notice) -> Result<usize, EngineError> {
    let targets = Targets::of(repo);
    if !targets.wants(&repo.config().notifications, notice.event) {
        return Ok(0);
    }
    post(repo, &targets, notice).map(|messages| messages.len())
}

/// As [`announce`] for callers who have done their work already: trouble is only logged.
pub(crate) fn announce_or_warn(repo: &Repo, notice: &Notice) {
    if let Err(error) = announce(repo, notice) {
        tracing::warn!(%error, event = notice.event.name(), "nobody is notified");
    }
}

/// Writes `notice` into the outbox for every channel, whatever events are wanted.
///
/// # Errors
/// When no channel is set up, or the outbox cannot be written.
fn announce_test(repo: &Repo, notice: &Notice) -> Result<Vec<Message>, EngineError> {
    let targets = Targets::of(repo);
    if targets.channels().is_empty() {
        let config = &repo.config().notifications;
        return Err(EngineError::config("No receiver of notifications is set up").with_hint(
            format!(
                "set {}, or {} and {}, for example in .codex-autorunner/.env",
                config.discord.webhook_url_env,
                config.telegram.bot_token_env,
                config.telegram.chat_id_env
            ),
        ));
    }
    post(repo, &targets, notice)
}

/// What became of a message of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TestResult {
    /// Name of the receiver: `discord` or `telegram`.
    pub channel: &'static str,
    /// `delivered`, `pending`, or what else became of it.
    pub status: &'static str,
    /// Why.
    pub detail: Option<String>,
}

/// Sends a message about `event` to every channel that is set up, waits for `patience` at most, and tells what became of each.
///
/// # Errors
/// When no channel is set up, or the outbox cannot be written.
pub async fn test(
    repo: &Repo,
    event: Event,
    patience: Duration,
) -> Result<Vec<TestResult>, EngineError> {
    let asked = repo.clone();
    let messages = blocking(move || announce_test(&asked, &Notice::test(&asked, event))).await?;
    deliver_all(repo.root(), patience).await?;
    let asked = repo.clone();
    let overview = blocking(move || overview(&asked)).await?;
    let result = |message: &Message| {
        let receipt = overview.receipts.iter().rfind(|receipt| receipt.id == message.id);
        let pending = overview.pending.iter().find(|pending| pending.id == message.id);
        let (status, detail) = match (receipt, pending) {
            (Some(receipt), _) => (receipt.status.name(), receipt.detail.clone()),
            (None, Some(pending)) => ("pending", pending.last_error.clone()),
            (None, None) => ("pending", None),
        };
        TestResult { channel: message.channel.name(), status, detail }
    };
    Ok(messages.iter().map(result).collect())
}

/// What waits, and what became of the rest.
///
/// # Errors
/// When the files cannot be read.
pub fn overview(repo: &Repo) -> Result<Overview, EngineError> {
    let outbox = Outbox::of(repo.root());
    Ok(Overview {
        pending: outbox.messages()?,
        receipts: receipts::read(repo.root())?,
        channels: Targets::of(repo).channels(),
    })
}

fn post(repo: &Repo, targets: &Targets, notice: &Notice) -> Result<Vec<Message>, EngineError> {
    let outbox = Outbox::of(repo.root());
    let redactor = targets.redactor(repo.env());
    let text = redactor.redact(&notice.text);
    let mut written = Vec::new();
    for channel in targets.channels() {
        let message = Message::new(notice, channel, &text, targets.thread_id(channel));
        if outbox.post(&message)? {
            written.push(message);
        }
    }
    Ok(written)
}
