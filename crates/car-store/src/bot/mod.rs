//! What the Telegram bot must not forget: its own durable database, `telegram.db`.
//!
//! What belongs together is written in one transaction: an update is done when what follows from it is written, and a turn
//! ends together with the messages that say so.

mod inbox;
mod outbox;
mod people;
mod requests;
mod topics;
mod turns;

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqlitePool, SqliteSynchronous};

pub use inbox::InboxRow;
pub use outbox::{MessageState, NewMessage, OutboxRow};
pub use people::{AuditRow, PersonRow};
pub use requests::{PickerRow, RequestRow};
pub use topics::{Place, ThreadRow, TopicRow};
pub use turns::{NewTurn, TurnRow};

use crate::StoreError;
use crate::open::open_with;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations-telegram");

/// The bot's database.
#[derive(Clone, Debug)]
pub struct BotStore {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl BotStore {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// When it is a newer one, no database, or cannot be changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pools = open_with(path, &MIGRATIONS, SqliteSynchronous::Full).await?;
        Ok(Self { writer: pools.writer, reader: pools.reader })
    }

    /// A single value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn value(&self, key: &str) -> Result<Option<String>, StoreError> {
        let value = sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(key);
        Ok(value.fetch_optional(&self.reader).await?)
    }

    /// Keeps a single value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_value(&self, key: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)")
            .bind(key)
            .bind(value)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Waits for what is being written and closes the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}
