//! Answers that are given again to whoever asks the same with the same key.

use std::path::Path;

use car_domain::Timestamp;
use sqlx::sqlite::SqlitePool;

use crate::open::open;
use crate::{Hash, StoreError};

/// Answers that are kept; the oldest go first.
const MAX_ANSWERS: i64 = 10_000;

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// SHA-256 of what was asked.
    pub request: Hash,
    /// Its HTTP status.
    pub status: u16,
    /// Its headers, as a JSON array of pairs.
    pub headers: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// The part of the database with the answers.
#[derive(Clone, Debug)]
pub struct Answers {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Answers {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// When it is a newer one, no database, or cannot be changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pools = open(path).await?;
        Ok(Self { writer: pools.writer, reader: pools.reader })
    }

    /// The answer kept for `key` since `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, key: &Hash, since: Timestamp) -> Result<Option<AnswerRow>, StoreError> {
        let row: Option<(Vec<u8>, u16, String, Vec<u8>)> = sqlx::query_as(
            "SELECT request_hash, status, headers, body FROM answers WHERE key_hash = ? AND at >= ?",
        )
        .bind(key.as_slice())
        .bind(since.as_millis())
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.and_then(|(request, status, headers, body)| {
            let request = request.try_into().ok()?;
            Some(AnswerRow { request, status, headers, body })
        }))
    }

    /// Keeps an answer, and forgets those from before `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(
        &self,
        key: &Hash,
        answer: &AnswerRow,
        at: Timestamp,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        sqlx::query(
            "DELETE FROM answers WHERE at < ?1 OR at < (SELECT at FROM answers ORDER BY at DESC LIMIT 1 OFFSET ?2)",
        )
        .bind(since.as_millis())
        .bind(MAX_ANSWERS)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT OR REPLACE INTO answers (key_hash, request_hash, status, headers, body, at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(key.as_slice())
        .bind(answer.request.as_slice())
        .bind(answer.status)
        .bind(&answer.headers)
        .bind(&answer.body)
        .bind(at.as_millis())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_kept_for_its_time_and_replaced_by_a_later_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let answers = Answers::open(&dir.path().join("car.db")).await.expect("opens");
        let row = |status| AnswerRow {
            request: [7; 32],
            status,
            headers: "[]".into(),
            body: b"{}".to_vec(),
        };
        let (early, late) = (Timestamp::from_millis(1_000), Timestamp::from_millis(9_000));
        answers.keep(&[1; 32], &row(200), early, early).await.expect("kept");
        assert_eq!(answers.get(&[1; 32], early).await.expect("asked"), Some(row(200)));
        assert_eq!(answers.get(&[1; 32], late).await.expect("asked"), None, "too old");
        assert_eq!(answers.get(&[2; 32], early).await.expect("asked"), None);
        answers.keep(&[1; 32], &row(409), late, late).await.expect("kept");
        assert_eq!(answers.get(&[1; 32], late).await.expect("asked"), Some(row(409)));
    }
}
