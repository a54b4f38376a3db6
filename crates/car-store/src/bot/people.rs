//! Who may use the bot, and what they did.

use car_domain::Timestamp;

use super::{BotStore, Place};
use crate::{Hash, StoreError};

/// Entries of the record that are kept.
const MAX_AUDIT: i64 = 20_000;

/// Somebody who was let in by a code.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PersonRow {
    /// Telegram's id.
    pub user_id: i64,
    /// Their name then.
    pub name: String,
    /// What they may do.
    pub role: String,
}

/// Something somebody did.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditRow {
    /// When, in milliseconds.
    pub at: i64,
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

impl BotStore {
    /// Keeps a code by its hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_code(
        &self,
        hash: &Hash,
        role: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO codes (hash, role, expires_at) VALUES (?, ?, ?)")
            .bind(hash.as_slice())
            .bind(role)
            .bind(expires_at.as_millis())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Uses a code up: whoever brought it is let in, with their chat. Returns the role of the code. A code never takes a right
    /// away: somebody who brings one for another chat keeps the higher role.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_code(
        &self,
        hash: &Hash,
        user: (i64, &str),
        chat: i64,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let role: Option<String> = sqlx::query_scalar(
            "DELETE FROM codes WHERE hash = ? AND expires_at > ? RETURNING role",
        )
        .bind(hash.as_slice())
        .bind(now.as_millis())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(role) = role else { return Ok(None) };
        sqlx::query(
            "INSERT INTO people (user_id, name, role, at) VALUES (?, ?, ?, ?)
             ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, role = CASE
               WHEN role = 'admin' OR excluded.role = 'viewer' THEN role ELSE excluded.role END",
        )
        .bind(user.0)
        .bind(user.1)
        .bind(&role)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT OR REPLACE INTO chats (chat, by_user, at) VALUES (?, ?, ?)")
            .bind(chat)
            .bind(user.0)
            .bind(now.as_millis())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(role))
    }

    /// Everybody who was let in by a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn people(&self) -> Result<Vec<PersonRow>, StoreError> {
        let rows = sqlx::query_as("SELECT user_id, name, role FROM people ORDER BY at");
        Ok(rows.fetch_all(&self.reader).await?)
    }

    /// The chats that were let in by a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn paired_chats(&self) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar("SELECT chat FROM chats").fetch_all(&self.reader).await?)
    }

    /// Shuts somebody out again; `false` when they were not let in by a code.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_person(&self, user_id: i64) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM people WHERE user_id = ?")
            .bind(user_id)
            .execute(&self.writer)
            .await?;
        Ok(gone.rows_affected() > 0)
    }

    /// Records what somebody did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(
        &self,
        user: (i64, &str),
        place: Place,
        action: &str,
        detail: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        sqlx::query(
            "INSERT INTO audit (at, user_id, user_name, chat, topic, action, detail)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(at.as_millis())
        .bind(user.0)
        .bind(user.1)
        .bind(place.chat)
        .bind(place.topic)
        .bind(action)
        .bind(detail)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?")
            .bind(MAX_AUDIT)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// What was done, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT at, user_id, user_name, chat, topic, action, detail FROM audit ORDER BY id DESC LIMIT ?",
        );
        Ok(rows.bind(limit).fetch_all(&self.reader).await?)
    }
}
