//! Messages that wait to be sent, and those that were.

use car_domain::Timestamp;
use sqlx::{Sqlite, Transaction};

use super::{BotStore, Place, inbox};
use crate::StoreError;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Where to.
    pub place: Place,
    /// What it is; a second one of the same name is not sent.
    pub key: String,
    /// What is sent, as JSON.
    pub payload: String,
    /// Lower goes first.
    pub priority: i64,
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OutboxRow {
    /// Its number.
    pub id: i64,
    /// The chat.
    pub chat: i64,
    /// The topic in it.
    pub topic: i64,
    /// What it is.
    pub key: String,
    /// What is sent, as JSON.
    pub payload: String,
    /// `waiting` or `sending`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Not before then, in milliseconds.
    pub next_at: i64,
    /// The newest message of the chat when sending began.
    pub after_id: Option<i64>,
}

/// How far a message is.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MessageState {
    /// `waiting`, `sending`, `sent` or `failed`.
    pub state: String,
    /// Telegram's number of it.
    pub message_id: Option<i64>,
}

/// Puts messages into the outbox within a transaction.
pub(super) async fn insert(
    transaction: &mut Transaction<'_, Sqlite>,
    messages: &[NewMessage],
    at: Timestamp,
) -> Result<(), StoreError> {
    for message in messages {
        sqlx::query(
            "INSERT OR IGNORE INTO outbox (chat, topic, key, payload, priority, created_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(message.place.chat)
        .bind(message.place.topic)
        .bind(&message.key)
        .bind(&message.payload)
        .bind(message.priority)
        .bind(at.as_millis())
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

impl BotStore {
    /// Queues messages, and says that nothing more will come of `updates`, together.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue(
        &self,
        messages: &[NewMessage],
        updates: &[i64],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        insert(&mut transaction, messages, at).await?;
        inbox::done(&mut transaction, updates).await?;
        Ok(transaction.commit().await?)
    }

    /// The next message of each chat that has any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_messages(&self) -> Result<Vec<OutboxRow>, StoreError> {
        // Whatever was being sent when the bot ended comes first: nothing may overtake it before it is known what became of it.
        let rows = sqlx::query_as(
            "SELECT id, chat, topic, key, payload, state, attempts, next_at, after_id FROM (
               SELECT *, row_number() OVER (
                 PARTITION BY chat ORDER BY state = 'sending' DESC, priority, id) AS place
               FROM outbox WHERE state IN ('waiting', 'sending')
             ) WHERE place = 1",
        );
        Ok(rows.fetch_all(&self.reader).await?)
    }

    /// A message is about to be handed to Telegram. Written before, so that a crash in between is known afterwards.
    ///
    /// # Errors
    /// When the database fails; then it must not be sent.
    pub async fn message_leaves(&self, id: i64, after_id: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE outbox SET state = 'sending', after_id = ? WHERE id = ?")
            .bind(after_id)
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Telegram has taken a message.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message_sent(&self, id: i64, message_id: Option<i64>) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox SET state = 'sent', message_id = ?, payload = '', error = NULL WHERE id = ?",
        )
        .bind(message_id)
        .bind(id)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// A message is tried again later. What is certainly not with Telegram need not be looked for there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message_waits(
        &self,
        id: i64,
        until: Timestamp,
        error: &str,
        counts: bool,
        is_uncertain: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox SET state = ?, next_at = ?, error = ?, attempts = attempts + ? WHERE id = ?",
        )
        .bind(if is_uncertain { "sending" } else { "waiting" })
        .bind(until.as_millis())
        .bind(error)
        .bind(i64::from(counts))
        .bind(id)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// What is sent instead from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message_becomes(&self, id: i64, payload: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE outbox SET state = 'waiting', payload = ? WHERE id = ?")
            .bind(payload)
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// A message is given up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message_failed(&self, id: i64, error: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE outbox SET state = 'failed', error = ? WHERE id = ?")
            .bind(error)
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Nothing can be sent to a place any more; `topic` is `None` for the whole chat. Returns how many messages that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn place_gone(
        &self,
        chat: i64,
        topic: Option<i64>,
        error: &str,
    ) -> Result<u64, StoreError> {
        let gone = sqlx::query(
            "UPDATE outbox SET state = 'failed', error = ?3
             WHERE chat = ?1 AND (?2 IS NULL OR topic = ?2) AND state IN ('waiting', 'sending')",
        )
        .bind(chat)
        .bind(topic)
        .bind(error)
        .execute(&self.writer)
        .await?;
        Ok(gone.rows_affected())
    }

    /// How far the message of this name is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message(&self, key: &str) -> Result<Option<MessageState>, StoreError> {
        let row = sqlx::query_as("SELECT state, message_id FROM outbox WHERE key = ?").bind(key);
        Ok(row.fetch_optional(&self.reader).await?)
    }

    /// Messages that wait, and those that were given up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn outbox_counts(&self) -> Result<(i64, i64), StoreError> {
        let counts = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')),
                    count(*) FILTER (WHERE state = 'failed') FROM outbox",
        );
        Ok(counts.fetch_one(&self.reader).await?)
    }

    /// The messages of ours with a number above `after` in a chat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn own_messages(&self, chat: i64, after: i64) -> Result<Vec<i64>, StoreError> {
        let ids =
            sqlx::query_scalar("SELECT message_id FROM outbox WHERE chat = ? AND message_id > ?");
        Ok(ids.bind(chat).bind(after).fetch_all(&self.reader).await?)
    }

    /// The newest message number known of a chat; 0 when none is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_message(&self, chat: i64) -> Result<i64, StoreError> {
        let id = sqlx::query_scalar("SELECT message_id FROM seen WHERE chat = ?").bind(chat);
        Ok(id.fetch_optional(&self.reader).await?.unwrap_or(0))
    }

    /// Notes the number of a message in a chat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_message(&self, chat: i64, message_id: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO seen (chat, message_id) VALUES (?, ?)
             ON CONFLICT (chat) DO UPDATE SET message_id = max(message_id, excluded.message_id)",
        )
        .bind(chat)
        .bind(message_id)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}
