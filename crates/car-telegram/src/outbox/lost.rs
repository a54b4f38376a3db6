//! A message whose answer was lost: has it arrived?
//!
//! Telegram has no way to ask. But a bot can change its own messages, and a change that changes nothing is refused with words
//! of its own. The numbers of messages grow, so the lost one, if it is there, has one of the next numbers after the newest
//! known before it was sent. Within a chat only one message is on its way at a time, so a message of ours with a number
//! nobody knows is the lost one.

use std::collections::HashSet;

use car_engine::EngineError;
use car_store::OutboxRow;

use super::Outbox;
use crate::api::Trouble;
use crate::payload::Payload;

/// Numbers that are tried; in between only what others wrote meanwhile has numbers.
const WINDOW: i64 = 12;
/// Supergroups and channels have numbers of their own, below this id; all other chats of a bot share theirs.
const SUPERGROUPS: i64 = -1_000_000_000_000;

/// Whose numbers the messages of a chat have.
pub(crate) fn counter(chat: i64) -> i64 {
    if chat <= SUPERGROUPS { chat } else { 0 }
}

impl Outbox {
    /// The number of the message, if it has arrived.
    pub(super) async fn find_lost(
        &self,
        row: &OutboxRow,
        payload: &Payload,
    ) -> Result<Option<i64>, EngineError> {
        let Some(after) = row.after_id else { return Ok(None) };
        if matches!(payload, Payload::Edit { .. }) {
            return Ok(None);
        }
        let known: HashSet<i64> =
            self.store.own_messages(row.chat, after).await?.into_iter().collect();
        let newest = self.store.newest_message(counter(row.chat)).await?;
        let mut id = after;
        // What arrived meanwhile has moved the numbers on.
        let last = (after + WINDOW).max(newest.min(after + 4 * WINDOW) + 2);
        while id < last {
            id += 1;
            if known.contains(&id) {
                continue;
            }
            match self.probe(row, payload, id).await {
                Ok(()) | Err(Trouble::NotModified) => {
                    tracing::info!(key = row.key, "a message whose answer was lost had arrived");
                    return Ok(Some(id));
                }
                Err(Trouble::NoMessage) => {}
                Err(Trouble::RetryAfter(after)) => {
                    tokio::time::sleep(after).await;
                    id -= 1;
                }
                Err(Trouble::Uncertain(_) | Trouble::NotSent(_)) => {
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                    id -= 1;
                }
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn probe(&self, row: &OutboxRow, payload: &Payload, id: i64) -> Result<(), Trouble> {
        match payload {
            Payload::Text(letter) => self.telegram.rewrite(row.chat, id, self.text(letter)).await,
            Payload::File { caption, .. } => self.telegram.recaption(row.chat, id, caption).await,
            Payload::Edit { .. } => Err(Trouble::NoMessage),
        }
    }
}
