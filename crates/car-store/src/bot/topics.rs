//! Topics and what they are bound to.

use car_domain::Timestamp;

use super::BotStore;
use crate::StoreError;

/// Conversations remembered of a topic.
const MAX_THREADS: i64 = 50;

/// Where in Telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The chat.
    pub chat: i64,
    /// The topic in it; 0 for none.
    pub topic: i64,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TopicRow {
    /// The chat.
    pub chat: i64,
    /// The topic in it; 0 for none.
    pub topic: i64,
    /// Root of the repository it is bound to.
    pub workspace: Option<String>,
    /// The repository's id in a hub.
    pub repo_id: Option<String>,
    /// The conversation at present.
    pub codex_thread: Option<String>,
    /// The rest, as JSON.
    pub settings: String,
}

/// A conversation a topic has had.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ThreadRow {
    /// Codex's id.
    pub codex_thread: String,
    /// Root of the repository.
    pub workspace: String,
    /// How it began.
    pub preview: String,
    /// When it was last used, in milliseconds.
    pub at: i64,
}

const COLUMNS: &str = "chat, topic, workspace, repo_id, codex_thread, settings";

impl BotStore {
    /// A topic, as it was kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn topic(&self, place: Place) -> Result<Option<TopicRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM topics WHERE chat = ? AND topic = ?");
        let row = sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(place.chat).bind(place.topic);
        Ok(row.fetch_optional(&self.reader).await?)
    }

    /// All topics.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn topics(&self) -> Result<Vec<TopicRow>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM topics ORDER BY chat, topic");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(&self.reader).await?)
    }

    /// Keeps a topic.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_topic(&self, row: &TopicRow, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO topics (chat, topic, workspace, repo_id, codex_thread, settings, at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(row.chat)
        .bind(row.topic)
        .bind(&row.workspace)
        .bind(&row.repo_id)
        .bind(&row.codex_thread)
        .bind(&row.settings)
        .bind(at.as_millis())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// The topics whose present conversation this is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn topics_of_thread(&self, codex_thread: &str) -> Result<Vec<Place>, StoreError> {
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT chat, topic FROM topics WHERE codex_thread = ?")
                .bind(codex_thread)
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(|(chat, topic)| Place { chat, topic }).collect())
    }

    /// Remembers that a topic used a conversation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_thread(
        &self,
        place: Place,
        codex_thread: &str,
        workspace: &str,
        preview: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        sqlx::query(
            "INSERT INTO threads (chat, topic, codex_thread, workspace, preview, at)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (chat, topic, codex_thread) DO UPDATE SET at = excluded.at",
        )
        .bind(place.chat)
        .bind(place.topic)
        .bind(codex_thread)
        .bind(workspace)
        .bind(preview)
        .bind(at.as_millis())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM threads WHERE chat = ?1 AND topic = ?2 AND codex_thread NOT IN
             (SELECT codex_thread FROM threads WHERE chat = ?1 AND topic = ?2 ORDER BY at DESC LIMIT ?3)",
        )
        .bind(place.chat)
        .bind(place.topic)
        .bind(MAX_THREADS)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// The conversations of a topic in one repository, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn threads(
        &self,
        place: Place,
        workspace: &str,
    ) -> Result<Vec<ThreadRow>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT codex_thread, workspace, preview, at FROM threads
             WHERE chat = ? AND topic = ? AND workspace = ? ORDER BY at DESC",
        );
        Ok(rows.bind(place.chat).bind(place.topic).bind(workspace).fetch_all(&self.reader).await?)
    }

    /// A group became a supergroup: everything about it gets its new id. Its messages stay behind under numbers that mean nothing in
    /// the new one; what is still needed of them, cards of open turns and open requests, is forgotten, so that it is shown anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn move_chat(&self, from: i64, to: i64) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        for statement in [
            "UPDATE OR REPLACE topics SET chat = ?2 WHERE chat = ?1",
            "UPDATE OR REPLACE threads SET chat = ?2 WHERE chat = ?1",
            "UPDATE turns SET chat = ?2 WHERE chat = ?1",
            "UPDATE outbox SET chat = ?2, after_id = NULL WHERE chat = ?1 AND state IN ('waiting', 'sending')",
            "DELETE FROM requests WHERE chat = ?1 AND state = 'open' AND ?1 <> ?2
               AND 'request:' || token IN (SELECT key FROM outbox WHERE chat = ?1 AND state = 'sent')",
            "DELETE FROM outbox WHERE chat = ?1 AND state = 'sent' AND ?1 <> ?2
               AND key IN (SELECT 'card:' || id FROM turns WHERE state <> 'ended')",
            "UPDATE outbox SET message_id = NULL WHERE chat = ?1 AND state = 'sent' AND ?1 <> ?2",
            "UPDATE requests SET chat = ?2 WHERE chat = ?1",
            "UPDATE pickers SET chat = ?2 WHERE chat = ?1",
            "UPDATE inbox SET chat = ?2 WHERE chat = ?1 AND is_done = 0",
            "UPDATE OR REPLACE chats SET chat = ?2 WHERE chat = ?1",
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('moved:' || ?1, ?2)",
        ] {
            sqlx::query(statement).bind(from).bind(to).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The ids groups have had before they became supergroups, with those they have now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn moved_chats(&self) -> Result<Vec<(i64, i64)>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT key, value FROM meta WHERE key LIKE 'moved:%'")
                .fetch_all(&self.reader)
                .await?;
        let pair = |(key, value): (String, String)| {
            Some((key.strip_prefix("moved:")?.parse().ok()?, value.parse().ok()?))
        };
        Ok(rows.into_iter().filter_map(pair).collect())
    }
}
