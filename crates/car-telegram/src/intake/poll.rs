//! The loop that asks Telegram for updates.
//!
//! An update is confirmed by the next question, and the next question is asked only when the update is stored. Telegram may
//! number updates anew after a quiet week, so an offset of long ago is not used.

use std::sync::Arc;
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::{EngineError, now};
use car_store::InboxRow;
use teloxide_core::types::{AllowedUpdate, Update};
use tokio_util::sync::CancellationToken;

use super::admission::Verdict;
use super::reading::{Read, read};
use super::{Incoming, What};
use crate::api::Trouble;
use crate::bot::Bot;
use crate::outbox::counter;

/// Pause after a failed question, doubled up to the second one.
const PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// After so many days without an update Telegram may begin anew with lower numbers.
const QUIET: Duration = Duration::from_secs(6 * 24 * 3600);

/// Asks for updates until `cancel`.
pub(crate) async fn run(bot: Arc<Bot>, cancel: CancellationToken) {
    let kinds = kinds(&bot);
    let timeout = bot.settings.poll_timeout();
    let mut pause = PAUSE;
    let mut told: Option<String> = None;
    while !cancel.is_cancelled() {
        let offset = match offset(&bot).await {
            Ok(offset) => offset,
            Err(error) => {
                tracing::error!(%error, "the bot's database cannot be read");
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(MAX_PAUSE) => continue,
                }
            }
        };
        let asked = tokio::select! {
            () = cancel.cancelled() => return,
            asked = bot.telegram.updates(offset, timeout, &kinds) => asked,
        };
        let trouble = match asked {
            Ok(updates) => {
                if told.take().is_some() {
                    tracing::info!("updates come from Telegram again");
                }
                match take_in(&bot, &updates).await {
                    Ok(()) => {
                        pause = PAUSE;
                        continue;
                    }
                    // Nothing is confirmed; they come again.
                    Err(error) => error.to_string(),
                }
            }
            Err(Trouble::RetryAfter(after)) => {
                pause = after;
                "Telegram wants a pause".to_owned()
            }
            Err(trouble) => trouble.words(),
        };
        // Once for a row of the same failures.
        if told.as_ref() != Some(&trouble) {
            tracing::warn!(why = trouble, "no updates from Telegram");
            told = Some(trouble);
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

fn kinds(bot: &Bot) -> Vec<AllowedUpdate> {
    let known = [
        ("message", AllowedUpdate::Message),
        ("edited_message", AllowedUpdate::EditedMessage),
        ("callback_query", AllowedUpdate::CallbackQuery),
    ];
    let wanted = &bot.settings.bot().polling.allowed_updates;
    let chosen: Vec<_> =
        known.iter().filter(|(name, _)| wanted.iter().any(|word| word == name)).collect();
    let all = if chosen.is_empty() { known.iter().collect() } else { chosen };
    all.into_iter().map(|(_, kind)| *kind).collect()
}

async fn offset(bot: &Bot) -> Result<Option<i64>, EngineError> {
    let value = |text: Option<String>| text.and_then(|text| text.parse::<i64>().ok());
    let offset = value(bot.store.value("offset").await?);
    let at = value(bot.store.value("offset_at").await?).map(Timestamp::from_millis);
    Ok(offset.filter(|_| at.is_some_and(|at| now().since(at) < QUIET)))
}

/// Stores what is admitted and hands it on.
pub(crate) async fn take_in(bot: &Arc<Bot>, updates: &[Update]) -> Result<(), EngineError> {
    let Some(newest) = updates.iter().map(|update| i64::from(update.id.0)).max() else {
        return Ok(());
    };
    let mut rows = Vec::new();
    for update in updates {
        let incoming = match read(update, (bot.me.id, &bot.me.name)) {
            Read::Incoming(incoming) => *incoming,
            Read::Moved { from, to } => {
                bot.store.move_chat(from, to).await?;
                continue;
            }
            Read::Nothing => continue,
        };
        bot.store.note_message(counter(incoming.chat), incoming.message_id).await?;
        match bot.admission.verdict(&incoming).await? {
            Verdict::Heard(_) => rows.push(row(&incoming)),
            Verdict::Stranger => bot.greet_stranger(&incoming).await?,
            Verdict::Ignored(why) => {
                // Numbers only: what strangers write is nobody's business.
                let (chat, user, topic) = (incoming.chat, incoming.user.id, incoming.topic);
                tracing::info!(chat, user, topic, why, "an update was ignored");
                if let What::Pressed { query, .. } = &incoming.what {
                    let _ = bot.telegram.toast(query, Some("You may not use this bot.")).await;
                }
            }
        }
    }
    for row in bot.store.take_in(&rows, newest + 1, now()).await? {
        bot.hand_on(row).await;
    }
    Ok(())
}

fn row(incoming: &Incoming) -> InboxRow {
    InboxRow {
        update_id: incoming.update_id,
        chat: incoming.chat,
        topic: incoming.topic,
        incoming: serde_json::to_string(incoming).unwrap_or_default(),
    }
}
