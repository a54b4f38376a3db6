//! What the agent asks people, and buttons to choose from.

use car_domain::Timestamp;

use super::{BotStore, NewMessage, Place};
use crate::StoreError;

/// A request of the agent.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RequestRow {
    /// Our own random name for it.
    pub token: String,
    /// The engine's id, which is different for each server, thread, turn and step.
    pub request_id: String,
    /// The turn that waits.
    pub turn: i64,
    /// The chat.
    pub chat: i64,
    /// The topic in it.
    pub topic: i64,
    /// The conversation.
    pub codex_thread: String,
    /// Codex's id of the turn.
    pub codex_turn: String,
    /// What is asked, as JSON.
    pub request: String,
    /// Answers given so far, as JSON.
    pub answers: String,
    /// `open`, `decided`, `expired` or `closed`.
    pub state: String,
    /// What was decided.
    pub decision: Option<String>,
    /// By whom.
    pub decided_name: Option<String>,
    /// When it is declined, in milliseconds.
    pub expires_at: i64,
    /// Whether people were reminded.
    pub is_reminded: bool,
}

impl RequestRow {
    /// Where it is asked.
    pub fn place(&self) -> Place {
        Place { chat: self.chat, topic: self.topic }
    }
}

/// Buttons to choose from.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PickerRow {
    /// Our own random name for it.
    pub token: String,
    /// The chat.
    pub chat: i64,
    /// The topic in it.
    pub topic: i64,
    /// Who may choose.
    pub user_id: i64,
    /// What there is to choose, as JSON.
    pub choices: String,
}

const COLUMNS: &str = "token, request_id, turn, chat, topic, codex_thread, codex_turn, request, answers, state, decision, decided_name, expires_at, is_reminded";

impl BotStore {
    /// Keeps a request and queues the message that shows it, together. One that is known already is left alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_request(
        &self,
        row: &RequestRow,
        message: &NewMessage,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let added = sqlx::query(
            "INSERT OR IGNORE INTO requests
             (token, request_id, turn, chat, topic, codex_thread, codex_turn, request, created_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&row.token)
        .bind(&row.request_id)
        .bind(row.turn)
        .bind(row.chat)
        .bind(row.topic)
        .bind(&row.codex_thread)
        .bind(&row.codex_turn)
        .bind(&row.request)
        .bind(at.as_millis())
        .bind(row.expires_at)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        super::outbox::insert(&mut transaction, std::slice::from_ref(message), at).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The request of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request(&self, token: &str) -> Result<Option<RequestRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM requests WHERE token = ?");
        let row = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(token);
        Ok(row.fetch_optional(&self.reader).await?)
    }

    /// The requests that wait, the first to expire first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_requests(&self) -> Result<Vec<RequestRow>, StoreError> {
        let text =
            format!("SELECT {COLUMNS} FROM requests WHERE state = 'open' ORDER BY expires_at");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(&self.reader).await?)
    }

    /// Closes an open request; `false` when it was not open any more, so that a decision counts once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_request(
        &self,
        token: &str,
        state: &str,
        decision: Option<&str>,
        by: Option<(i64, &str)>,
    ) -> Result<bool, StoreError> {
        let closed = sqlx::query(
            "UPDATE requests SET state = ?2, decision = ?3, decided_by = ?4, decided_name = ?5
             WHERE token = ?1 AND state = 'open'",
        )
        .bind(token)
        .bind(state)
        .bind(decision)
        .bind(by.map(|(id, _)| id))
        .bind(by.map(|(_, name)| name))
        .execute(&self.writer)
        .await?;
        Ok(closed.rows_affected() > 0)
    }

    /// A decision could not be given: the request is open again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reopen_request(&self, token: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE requests SET state = 'open', decision = NULL, decided_by = NULL, decided_name = NULL
             WHERE token = ?",
        )
        .bind(token)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Keeps the answers given so far.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_answers(&self, token: &str, answers: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE requests SET answers = ? WHERE token = ?")
            .bind(answers)
            .bind(token)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Notes that people were reminded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reminded(&self, token: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE requests SET is_reminded = 1 WHERE token = ?")
            .bind(token)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Keeps buttons to choose from.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_picker(
        &self,
        row: &PickerRow,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO pickers (token, chat, topic, user_id, choices, expires_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(&row.token)
        .bind(row.chat)
        .bind(row.topic)
        .bind(row.user_id)
        .bind(&row.choices)
        .bind(expires_at.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Buttons of this name, while they work.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn picker(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<PickerRow>, StoreError> {
        let row = sqlx::query_as(
            "SELECT token, chat, topic, user_id, choices FROM pickers WHERE token = ? AND expires_at > ?",
        );
        Ok(row.bind(token).bind(now.as_millis()).fetch_optional(&self.reader).await?)
    }

    /// Takes buttons away; `false` when they were gone already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_picker(&self, token: &str) -> Result<bool, StoreError> {
        let gone = sqlx::query("DELETE FROM pickers WHERE token = ?")
            .bind(token)
            .execute(&self.writer)
            .await?;
        Ok(gone.rows_affected() > 0)
    }
}
