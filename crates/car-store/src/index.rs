//! Runs and events.

use std::collections::HashMap;
use std::path::Path;

use car_domain::run::{JournalEntry, RunSummary};
use car_domain::text::excerpt;
use sqlx::sqlite::SqlitePool;

use crate::StoreError;
use crate::open::open;

/// Most of an event's words that the index keeps, in bytes; the journal has them all.
const MAX_TEXT: usize = 16 * 1024;

/// The index of a served root.
#[derive(Clone, Debug)]
pub struct Index {
    writer: SqlitePool,
    reader: SqlitePool,
}

/// How far a run's journal is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalMark {
    /// Bytes read.
    pub offset: u64,
    /// What they add up to.
    pub summary: RunSummary,
}

impl Index {
    /// Opens or creates the database at `path` and brings its schema up to date.
    ///
    /// # Errors
    /// When it is a newer one, no database, or cannot be changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pools = open(path).await?;
        Ok(Self { writer: pools.writer, reader: pools.reader })
    }

    /// How far the journals of the open runs of `repo` are indexed, and which runs are complete.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn marks(&self, repo: &str) -> Result<HashMap<u64, JournalMark>, StoreError> {
        let rows: Vec<(i64, i64, String)> = sqlx::query_as(
            "SELECT run, journal_read, summary FROM runs WHERE repo = ? AND outcome IS NULL",
        )
        .bind(repo)
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(run, offset, summary)| {
                let summary = serde_json::from_str(&summary)?;
                Ok((from_sql(run), JournalMark { offset: from_sql(offset), summary }))
            })
            .collect()
    }

    /// Tokens of the runs of `repo` that began at `since` or later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens_since(
        &self,
        repo: &str,
        since: car_domain::Timestamp,
    ) -> Result<u64, StoreError> {
        let total: i64 = sqlx::query_scalar(
            "SELECT COALESCE(SUM(total_tokens), 0) FROM runs WHERE repo = ? AND started_at >= ?",
        )
        .bind(repo)
        .bind(since.as_millis())
        .fetch_one(&self.reader)
        .await?;
        Ok(from_sql(total))
    }

    /// Numbers of the runs of `repo` that are indexed to their end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn complete(&self, repo: &str) -> Result<Vec<u64>, StoreError> {
        let runs: Vec<i64> = sqlx::query_scalar(
            "SELECT run FROM runs WHERE repo = ? AND outcome IS NOT NULL ORDER BY run",
        )
        .bind(repo)
        .fetch_all(&self.reader)
        .await?;
        Ok(runs.into_iter().map(from_sql).collect())
    }

    /// Adds `entries` to a run and moves its mark, in one transaction. Entries that are there already stay as they are.
    ///
    /// # Errors
    /// When the database fails; nothing is changed then.
    pub async fn record(
        &self,
        repo: &str,
        mark: &JournalMark,
        entries: &[JournalEntry],
    ) -> Result<(), StoreError> {
        let summary = &mark.summary;
        let run = to_sql(summary.run);
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO runs (repo, run, outcome, started_at, finished_at, total_tokens, summary, journal_read)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (repo, run) DO UPDATE SET
                 outcome = excluded.outcome, started_at = excluded.started_at, finished_at = excluded.finished_at,
                 total_tokens = excluded.total_tokens, summary = excluded.summary, journal_read = excluded.journal_read",
        )
        .bind(repo)
        .bind(run)
        .bind(summary.end.as_ref().map(|end| end.outcome.name()))
        .bind(summary.started_at.map(car_domain::Timestamp::as_millis))
        .bind(summary.finished_at.map(car_domain::Timestamp::as_millis))
        .bind(to_sql(summary.usage.total()))
        .bind(serde_json::to_string(summary)?)
        .bind(to_sql(mark.offset))
        .execute(&mut *tx)
        .await?;
        for entry in entries {
            sqlx::query("INSERT OR IGNORE INTO events (repo, run, seq, at, type, text) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(repo)
                .bind(run)
                .bind(to_sql(entry.seq))
                .bind(entry.at.as_millis())
                .bind(entry.event.name())
                .bind(excerpt(&entry.event.text(), MAX_TEXT).text)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The newest runs of `repo` with a number below `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn runs(
        &self,
        repo: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let summaries: Vec<String> = sqlx::query_scalar(
            "SELECT summary FROM runs WHERE repo = ? AND run < ? ORDER BY run DESC LIMIT ?",
        )
        .bind(repo)
        .bind(before.map_or(i64::MAX, to_sql))
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await?;
        summaries.iter().map(|summary| Ok(serde_json::from_str(summary)?)).collect()
    }

    /// Number of indexed events of `repo`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn n_events(&self, repo: &str) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE repo = ?")
            .bind(repo)
            .fetch_one(&self.reader)
            .await?;
        Ok(from_sql(count))
    }

    /// Forgets every run and event, to index them anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM events").execute(&mut *tx).await?;
        sqlx::query("DELETE FROM runs").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// Closes all connections, which folds the write-ahead log into the file.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// SQLite's integers are signed; our counts stay far below the limit.
fn to_sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn from_sql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use car_domain::Timestamp;
    use car_domain::run::{Outcome, RunEnd, RunEvent};

    fn entry(seq: u64, text: &str) -> JournalEntry {
        let event = RunEvent::Message { text: text.to_owned() };
        JournalEntry { seq, at: Timestamp::from_millis(1000), event }
    }

    #[tokio::test]
    async fn a_run_is_indexed_piece_by_piece_and_never_twice() {
        let dir = tempfile::tempdir().expect("temp dir");
        let index = Index::open(&dir.path().join("car.db")).await.expect("open");
        let mut mark = JournalMark { offset: 10, summary: RunSummary::new(3) };
        let first = [entry(1, "a"), entry(2, "b\0c")];
        index.record("r", &mark, &first).await.expect("recorded");
        assert_eq!(index.marks("r").await.expect("marks").get(&3), Some(&mark));
        mark.offset = 20;
        mark.summary.end = Some(RunEnd {
            outcome: Outcome::Succeeded,
            exit_code: Some(0),
            signal: None,
            reason: None,
        });
        index.record("r", &mark, &[entry(2, "b"), entry(3, "c")]).await.expect("recorded");
        assert_eq!(index.n_events("r").await.expect("count"), 3);
        assert!(index.marks("r").await.expect("marks").is_empty());
        assert_eq!(index.complete("r").await.expect("complete"), [3]);
        assert_eq!(index.runs("r", None, 5).await.expect("runs"), [mark.summary]);
        assert_eq!(index.runs("r", Some(3), 5).await.expect("runs"), []);
        assert_eq!(index.runs("other", None, 5).await.expect("runs"), []);
        index.clear().await.expect("cleared");
        assert_eq!(index.n_events("r").await.expect("count"), 0);
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_reopening() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("car.db");
        let index = Index::open(&path).await.expect("open");
        let mark = JournalMark { offset: 1, summary: RunSummary::new(1) };
        index.record("r", &mark, &[]).await.expect("recorded");
        index.close().await;
        let index = Index::open(&path).await.expect("open");
        assert_eq!(index.runs("r", None, 9).await.expect("runs").len(), 1);
    }
}
