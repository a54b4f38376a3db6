//! Updates that have arrived.

use car_domain::Timestamp;
use sqlx::{Sqlite, Transaction};

use super::BotStore;
use crate::StoreError;

/// An update.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct InboxRow {
    /// Telegram's number of it.
    pub update_id: i64,
    /// The chat.
    pub chat: i64,
    /// The topic in it; 0 for none.
    pub topic: i64,
    /// What came, as JSON.
    pub incoming: String,
}

impl BotStore {
    /// Stores updates and the offset that confirms them, together. Returns those that are new.
    ///
    /// # Errors
    /// When the database fails; then nothing may be confirmed.
    pub async fn take_in(
        &self,
        rows: &[InboxRow],
        offset: i64,
        at: Timestamp,
    ) -> Result<Vec<InboxRow>, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let mut new = Vec::new();
        for row in rows {
            let added = sqlx::query(
                "INSERT OR IGNORE INTO inbox (update_id, chat, topic, incoming, at)
                 VALUES (?, ?, ?, ?, ?)",
            )
            .bind(row.update_id)
            .bind(row.chat)
            .bind(row.topic)
            .bind(&row.incoming)
            .bind(at.as_millis())
            .execute(&mut *transaction)
            .await?;
            if added.rows_affected() > 0 {
                new.push(row.clone());
            }
        }
        for (key, value) in [("offset", offset), ("offset_at", at.as_millis())] {
            sqlx::query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)")
                .bind(key)
                .bind(value.to_string())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(new)
    }

    /// Updates that nothing has come of yet, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_updates(&self) -> Result<Vec<InboxRow>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT update_id, chat, topic, incoming FROM inbox WHERE is_done = 0 ORDER BY at, update_id",
        );
        Ok(rows.fetch_all(&self.reader).await?)
    }

    /// Says that nothing more will come of these updates.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn updates_done(&self, update_ids: &[i64]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        done(&mut transaction, update_ids).await?;
        Ok(transaction.commit().await?)
    }

    /// Something is about to be done for an update that must not be done twice. `false` when it was begun before: then a crash came
    /// in between, and nobody knows how far it got.
    ///
    /// # Errors
    /// When the database fails; then it must not be done.
    pub async fn update_begins(&self, update_id: i64) -> Result<bool, StoreError> {
        let begun = "UPDATE inbox SET is_begun = 1 WHERE update_id = ? AND is_begun = 0";
        let begun = sqlx::query(begun).bind(update_id).execute(&self.writer).await?;
        Ok(begun.rows_affected() > 0)
    }

    /// Forgets what is done and older than `before`: updates, messages, requests, turns and buttons.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self, before: Timestamp) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM inbox WHERE is_done = 1 AND at < ?",
            "DELETE FROM outbox WHERE state IN ('sent', 'failed') AND created_at < ?",
            "DELETE FROM requests WHERE state <> 'open' AND created_at < ?",
            "DELETE FROM turns WHERE state = 'ended' AND ended_at < ?",
            "DELETE FROM pickers WHERE expires_at < ?",
            "DELETE FROM codes WHERE expires_at < ?",
        ] {
            sqlx::query(statement).bind(before.as_millis()).execute(&self.writer).await?;
        }
        Ok(())
    }
}

/// Marks updates as done within a transaction.
pub(super) async fn done(
    transaction: &mut Transaction<'_, Sqlite>,
    update_ids: &[i64],
) -> Result<(), StoreError> {
    for id in update_ids {
        sqlx::query("UPDATE inbox SET is_done = 1 WHERE update_id = ?")
            .bind(id)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}
