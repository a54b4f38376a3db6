//! The index of token usage: what the session files of one Codex home say, ready for questions about ranges of time.
//!
//! Who writes holds a file lock of its own; readers see whole batches. A file's events and the offset up to which they are
//! read change in one transaction, so an interrupted reading goes on where it was.

use std::collections::HashMap;
use std::path::Path;

use car_domain::Timestamp;
use car_domain::usage::TokenTotals;
pub use car_domain::usage::UsageBucket;
use serde_json::{Value, json};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteSynchronous};
use sqlx::{Row, Transaction};

use crate::StoreError;
use crate::open::{USAGE_MIGRATIONS, open_with};

/// The index of one Codex home.
#[derive(Clone, Debug)]
pub struct UsageIndex {
    writer: SqlitePool,
    reader: SqlitePool,
}

/// A session file as it was when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Bytes; -1 when there is more to read for certain.
    pub size: i64,
    /// Nanoseconds since the Unix epoch.
    pub modified: i64,
    /// Number of the file in its file system.
    pub inode: i64,
}

/// A call of the model, or a message that told only rate limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEvent {
    /// Position among the events of its file.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The working directory, empty when it was not told.
    pub cwd: String,
    /// The model.
    pub model: String,
    /// Tokens; nothing when only rate limits were told.
    pub tokens: Option<TokenTotals>,
}

/// Rate limits as told at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// When.
    pub at: Timestamp,
    /// The working directory of the session, empty when it was not told.
    pub cwd: String,
    /// What Codex wrote.
    pub value: Value,
}

/// What was read from one session file at once.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionPiece {
    /// Path below the Codex home.
    pub path: String,
    /// The thread.
    pub session: String,
    /// The file as it was looked at.
    pub mark: FileMark,
    /// Bytes read, up to a newline.
    pub offset: u64,
    /// The file's first bytes.
    pub head: Vec<u8>,
    /// What the reader knows there.
    pub state: String,
    /// Records that could not be read, in the whole file.
    pub bad: u64,
    /// Whether it was read from the beginning: what was known of the file is forgotten.
    pub restart: bool,
    /// Events in their order.
    pub events: Vec<TokenEvent>,
    /// Rate limits in their order.
    pub limits: Vec<Limits>,
}

/// What a reader needs to go on with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Bytes read.
    pub offset: u64,
    /// The file's first bytes.
    pub head: Vec<u8>,
    /// What the reader knew there.
    pub state: String,
}

/// Which events a question is about. Both ends belong to the range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// Only of this thread.
    pub session: Option<String>,
}

/// The events of one directory, model and step of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The working directory, empty when it was not told.
    pub cwd: String,
    /// The model.
    pub model: String,
    /// Number of the step; 0 when no steps were asked for.
    pub bucket: i64,
    /// All events.
    pub events: u64,
    /// Those that are calls of the model.
    pub calls: u64,
    /// Their tokens.
    pub tokens: TokenTotals,
}

impl UsageIndex {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// When it is a newer one, no database, or cannot be changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pools = open_with(path, &USAGE_MIGRATIONS, SqliteSynchronous::Normal).await?;
        Ok(Self { writer: pools.writer, reader: pools.reader })
    }

    /// Every known file by its path.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn marks(&self) -> Result<HashMap<String, FileMark>, StoreError> {
        // One row instead of ten thousand: handing rows from SQLite's thread to ours takes most of the time.
        let all: String = sqlx::query_scalar(
            "SELECT json_group_array(json_array(path, size, modified, inode)) FROM files",
        )
        .fetch_one(&self.reader)
        .await?;
        let rows: Vec<(String, i64, i64, i64)> = serde_json::from_str(&all)?;
        let mark = |(path, size, modified, inode)| (path, FileMark { size, modified, inode });
        Ok(rows.into_iter().map(mark).collect())
    }

    /// Where to go on with the file at `path`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume(&self, path: &str) -> Result<Option<Resume>, StoreError> {
        let row: Option<(i64, Vec<u8>, String)> =
            sqlx::query_as("SELECT offset, head, state FROM files WHERE path = ?")
                .bind(path)
                .fetch_optional(&self.reader)
                .await?;
        Ok(row.map(|(offset, head, state)| Resume { offset: from_sql(offset), head, state }))
    }

    /// Adds what was read, in one transaction.
    ///
    /// # Errors
    /// When the database fails; nothing is changed then.
    pub async fn add(&self, pieces: &[SessionPiece]) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for piece in pieces {
            let file = write_file(&mut tx, piece).await?;
            write_names(&mut tx, piece).await?;
            write_events(&mut tx, file, piece).await?;
            write_limits(&mut tx, file, piece).await?;
            count_longest(&mut tx, &piece.session).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Forgets files that are gone.
    ///
    /// # Errors
    /// When the database fails; nothing is changed then.
    pub async fn forget(&self, paths: &[String]) -> Result<(), StoreError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for path in paths {
            let session: Option<String> =
                sqlx::query_scalar("DELETE FROM files WHERE path = ? RETURNING session")
                    .bind(path)
                    .fetch_optional(&mut *tx)
                    .await?;
            if let Some(session) = session {
                count_longest(&mut tx, &session).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Sums by directory and model, and by step of time when steps are asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sums(
        &self,
        filter: &UsageFilter,
        steps: Option<UsageBucket>,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let step = match steps {
            None => "0",
            Some(UsageBucket::Hour) => "e.at / 3600000",
            Some(UsageBucket::Day) => "e.at / 86400000",
            Some(UsageBucket::Week) => "(e.at / 86400000 + 3) / 7",
        };
        // The only part that varies is one of the four words above.
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT p.cwd AS cwd, m.name AS model, s.step AS step, s.events AS events, s.calls AS calls,
                    s.input AS input, s.cached AS cached, s.output AS output, s.reasoning AS reasoning, s.total AS total
             FROM (SELECT e.place, e.model, {step} AS step, count(*) AS events, sum(e.calls) AS calls,
                          sum(e.input) AS input, sum(e.cached) AS cached, sum(e.output) AS output,
                          sum(e.reasoning) AS reasoning, sum(e.total) AS total
                   FROM files AS f JOIN events AS e ON e.file = f.id
                   WHERE f.counted AND (?1 IS NULL OR f.session = ?1) AND e.at BETWEEN ?2 AND ?3
                   GROUP BY 1, 2, 3) AS s
             JOIN places AS p ON p.id = s.place JOIN models AS m ON m.id = s.model"
        ));
        let rows = sqlx::query(sql)
            .bind(filter.session.as_deref())
            .bind(filter.since.map_or(i64::MIN, Timestamp::as_millis))
            .bind(filter.until.map_or(i64::MAX, Timestamp::as_millis))
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                let number = |name: &str| row.try_get(name).map(from_sql);
                Ok(UsageRow {
                    cwd: row.try_get("cwd")?,
                    model: row.try_get("model")?,
                    bucket: row.try_get("step")?,
                    events: number("events")?,
                    calls: number("calls")?,
                    tokens: TokenTotals {
                        input_tokens: number("input")?,
                        cached_input_tokens: number("cached")?,
                        output_tokens: number("output")?,
                        reasoning_output_tokens: number("reasoning")?,
                        total_tokens: number("total")?,
                    },
                })
            })
            .collect()
    }

    /// The rate limits told last in each directory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn limits(&self, filter: &UsageFilter) -> Result<Vec<Limits>, StoreError> {
        // In SQLite the other columns beside max() come from the row that has it.
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT p.cwd, max(l.at), l.value
             FROM limits AS l JOIN files AS f ON f.id = l.file JOIN places AS p ON p.id = l.place
             WHERE f.counted AND l.at BETWEEN ? AND ? GROUP BY l.place",
        )
        .bind(filter.since.map_or(i64::MIN, Timestamp::as_millis))
        .bind(filter.until.map_or(i64::MAX, Timestamp::as_millis))
        .fetch_all(&self.reader)
        .await?;
        rows.into_iter()
            .map(|(cwd, at, value)| {
                let value = serde_json::from_str(&value)?;
                Ok(Limits { at: Timestamp::from_millis(at), cwd, value })
            })
            .collect()
    }

    /// Number of records that could not be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn n_bad(&self) -> Result<u64, StoreError> {
        let bad: i64 = sqlx::query_scalar("SELECT coalesce(sum(bad), 0) FROM files WHERE counted")
            .fetch_one(&self.reader)
            .await?;
        Ok(from_sql(bad))
    }

    /// Remembers where the repositories of `hub` lie, and returns all that were ever told, as (root, id).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember_roots(
        &self,
        hub: &str,
        repos: &[(String, String)],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let known = self.known_roots(hub).await?;
        if repos.iter().all(|(id, root)| known.contains(&(root.clone(), id.clone()))) {
            return Ok(known);
        }
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for (id, root) in repos {
            sqlx::query("INSERT OR REPLACE INTO known_roots (hub, root, repo) VALUES (?, ?, ?)")
                .bind(hub)
                .bind(root)
                .bind(id)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.known_roots(hub).await
    }

    /// Closes all connections, which folds the write-ahead log into the file.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    async fn known_roots(&self, hub: &str) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query_as("SELECT root, repo FROM known_roots WHERE hub = ? ORDER BY root")
            .bind(hub)
            .fetch_all(&self.reader)
            .await?;
        Ok(rows)
    }
}

async fn write_file(
    tx: &mut Transaction<'_, Sqlite>,
    piece: &SessionPiece,
) -> Result<i64, StoreError> {
    if piece.restart {
        sqlx::query("DELETE FROM files WHERE path = ?")
            .bind(&piece.path)
            .execute(&mut **tx)
            .await?;
    }
    let id = sqlx::query_scalar(
        "INSERT INTO files (path, session, size, modified, inode, offset, head, state, bad)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (path) DO UPDATE SET
             session = excluded.session, size = excluded.size, modified = excluded.modified, inode = excluded.inode,
             offset = excluded.offset, head = excluded.head, state = excluded.state, bad = excluded.bad
         RETURNING id",
    )
    .bind(&piece.path)
    .bind(&piece.session)
    .bind(piece.mark.size)
    .bind(piece.mark.modified)
    .bind(piece.mark.inode)
    .bind(to_sql(piece.offset))
    .bind(&piece.head)
    .bind(&piece.state)
    .bind(to_sql(piece.bad))
    .fetch_one(&mut **tx)
    .await?;
    Ok(id)
}

async fn write_names(
    tx: &mut Transaction<'_, Sqlite>,
    piece: &SessionPiece,
) -> Result<(), StoreError> {
    let mut places: Vec<&str> = piece.events.iter().map(|event| event.cwd.as_str()).collect();
    places.extend(piece.limits.iter().map(|limits| limits.cwd.as_str()));
    let mut models: Vec<&str> = piece.events.iter().map(|event| event.model.as_str()).collect();
    for names in [&mut places, &mut models] {
        names.sort_unstable();
        names.dedup();
    }
    for cwd in places {
        let insert = sqlx::query("INSERT OR IGNORE INTO places (cwd) VALUES (?)");
        insert.bind(cwd).execute(&mut **tx).await?;
    }
    for model in models {
        let insert = sqlx::query("INSERT OR IGNORE INTO models (name) VALUES (?)");
        insert.bind(model).execute(&mut **tx).await?;
    }
    Ok(())
}

/// One statement for all events: a statement for each would cost ten times as much.
async fn write_events(
    tx: &mut Transaction<'_, Sqlite>,
    file: i64,
    piece: &SessionPiece,
) -> Result<(), StoreError> {
    if piece.events.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = piece
        .events
        .iter()
        .map(|event| {
            let tokens = event.tokens.unwrap_or_default();
            json!([
                to_sql(event.seq),
                event.at.as_millis(),
                event.cwd,
                event.model,
                i64::from(event.tokens.is_some()),
                to_sql(tokens.input_tokens),
                to_sql(tokens.cached_input_tokens),
                to_sql(tokens.output_tokens),
                to_sql(tokens.reasoning_output_tokens),
                to_sql(tokens.total_tokens),
            ])
        })
        .collect();
    sqlx::query(
        "INSERT OR REPLACE INTO events (file, seq, at, place, model, calls, input, cached, output, reasoning, total)
         SELECT ?1, r.value->>0, r.value->>1, p.id, m.id, r.value->>4,
                r.value->>5, r.value->>6, r.value->>7, r.value->>8, r.value->>9
         FROM json_each(?2) AS r JOIN places AS p ON p.cwd = r.value->>2 JOIN models AS m ON m.name = r.value->>3",
    )
    .bind(file)
    .bind(serde_json::to_string(&rows)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn write_limits(
    tx: &mut Transaction<'_, Sqlite>,
    file: i64,
    piece: &SessionPiece,
) -> Result<(), StoreError> {
    let mut latest: HashMap<(&str, i64), &Limits> = HashMap::new();
    for limits in &piece.limits {
        latest.insert((&limits.cwd, UsageBucket::Hour.index(limits.at)), limits);
    }
    for ((cwd, hour), limits) in latest {
        sqlx::query(
            "INSERT OR REPLACE INTO limits (file, place, hour, at, value)
             SELECT ?, id, ?, ?, ? FROM places WHERE cwd = ?",
        )
        .bind(file)
        .bind(hour)
        .bind(limits.at.as_millis())
        .bind(serde_json::to_string(&limits.value)?)
        .bind(cwd)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Of several files of one session (one was copied, or is being archived) only the one that tells most counts.
async fn count_longest(tx: &mut Transaction<'_, Sqlite>, session: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE files SET counted = (id = (SELECT id FROM files WHERE session = ?1 ORDER BY offset DESC, path LIMIT 1))
         WHERE session = ?1",
    )
    .bind(session)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// SQLite's integers are signed; our counts stay far below the limit.
fn to_sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn from_sql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
