//! Turns: what people asked for, and how far it is.

use car_domain::Timestamp;

use super::outbox::insert;
use super::{BotStore, NewMessage, Place, inbox};
use crate::StoreError;

/// A turn to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTurn {
    /// Where it was asked for.
    pub place: Place,
    /// By whom.
    pub user_id: i64,
    /// Their name.
    pub user_name: String,
    /// The message it answers.
    pub reply_to: Option<i64>,
    /// What is to be done, as JSON.
    pub work: String,
    /// Whether somebody has still to say when.
    pub is_held: bool,
    /// Our name for it, unique.
    pub client_id: String,
}

/// A turn.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TurnRow {
    /// Its number.
    pub id: i64,
    /// The chat.
    pub chat: i64,
    /// The topic in it.
    pub topic: i64,
    /// Who asked.
    pub user_id: i64,
    /// Their name.
    pub user_name: String,
    /// The message it answers.
    pub reply_to: Option<i64>,
    /// What is to be done, as JSON.
    pub work: String,
    /// `held`, `queued`, `running` or `ended`.
    pub state: String,
    /// Our name for it.
    pub client_id: String,
    /// The conversation, once it is known.
    pub codex_thread: Option<String>,
    /// Codex's id of the turn, once it is known.
    pub codex_turn: Option<String>,
    /// When it was asked for, in milliseconds.
    pub created_at: i64,
    /// When it began.
    pub started_at: Option<i64>,
}

impl TurnRow {
    /// Where it was asked for.
    pub fn place(&self) -> Place {
        Place { chat: self.chat, topic: self.topic }
    }
}

const COLUMNS: &str = "id, chat, topic, user_id, user_name, reply_to, work, state, client_id, codex_thread, codex_turn, created_at, started_at";

impl BotStore {
    /// Accepts a turn: it is written, and the updates it came from are done, together with what is said about it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_turn(
        &self,
        turn: &NewTurn,
        updates: &[i64],
        messages: &[NewMessage],
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let mut transaction = self.writer.begin().await?;
        sqlx::query(
            "INSERT OR IGNORE INTO turns
             (chat, topic, user_id, user_name, reply_to, work, state, client_id, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(turn.place.chat)
        .bind(turn.place.topic)
        .bind(turn.user_id)
        .bind(&turn.user_name)
        .bind(turn.reply_to)
        .bind(&turn.work)
        .bind(if turn.is_held { "held" } else { "queued" })
        .bind(&turn.client_id)
        .bind(at.as_millis())
        .execute(&mut *transaction)
        .await?;
        let id = sqlx::query_scalar("SELECT id FROM turns WHERE client_id = ?")
            .bind(&turn.client_id)
            .fetch_one(&mut *transaction)
            .await?;
        inbox::done(&mut transaction, updates).await?;
        insert(&mut transaction, messages, at).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// A turn.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn turn(&self, id: i64) -> Result<Option<TurnRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM turns WHERE id = ?");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(id).fetch_optional(&self.reader).await?)
    }

    /// The turns of a topic that have not ended, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_turns_of(&self, place: Place) -> Result<Vec<TurnRow>, StoreError> {
        let text = format!(
            "SELECT {COLUMNS} FROM turns WHERE chat = ? AND topic = ? AND state <> 'ended' ORDER BY id"
        );
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(place.chat).bind(place.topic);
        Ok(rows.fetch_all(&self.reader).await?)
    }

    /// All turns that have not ended, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_turns(&self) -> Result<Vec<TurnRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM turns WHERE state <> 'ended' ORDER BY id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(&self.reader).await?)
    }

    /// Somebody said what to do with a held turn: it waits for its turn now. `false` when it was not held any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_turn(&self, id: i64) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE turns SET state = 'queued' WHERE id = ? AND state = 'held'")
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Something else is to be done in a turn that has not begun; `false` when it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rework_turn(&self, id: i64, work: &str) -> Result<bool, StoreError> {
        let reworked = "UPDATE turns SET work = ? WHERE id = ? AND state IN ('held', 'queued')";
        let reworked = sqlx::query(reworked).bind(work).bind(id).execute(&self.writer).await?;
        Ok(reworked.rows_affected() > 0)
    }

    /// A turn is being worked on, in this conversation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn turn_runs(
        &self,
        id: i64,
        codex_thread: Option<&str>,
        codex_turn: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE turns SET state = 'running', codex_thread = coalesce(?2, codex_thread),
             codex_turn = coalesce(?3, codex_turn), started_at = coalesce(started_at, ?4)
             WHERE id = ?1 AND state <> 'ended'",
        )
        .bind(id)
        .bind(codex_thread)
        .bind(codex_turn)
        .bind(at.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// A turn has to begin again in another conversation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn turn_restarts(&self, id: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE turns SET codex_thread = NULL, codex_turn = NULL WHERE id = ?")
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// A turn has ended: its outcome and the messages that say so, together. `false` when it had ended before; then nothing is
    /// sent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_turn(
        &self,
        id: i64,
        outcome: &str,
        messages: &[NewMessage],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let ended = sqlx::query(
            "UPDATE turns SET state = 'ended', outcome = ?2, ended_at = ?3 WHERE id = ?1 AND state <> 'ended'",
        )
        .bind(id)
        .bind(outcome)
        .bind(at.as_millis())
        .execute(&mut *transaction)
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        insert(&mut transaction, messages, at).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
