//! Jobs: long work in the background, and what became of it.

use std::path::Path;

use car_domain::Timestamp;
use car_domain::job::{Job, JobStatus, Progress};
use car_domain::state::ProcessId;
use sqlx::FromRow;
use sqlx::sqlite::SqlitePool;

use crate::StoreError;
use crate::open::open;

/// Jobs that are kept; the oldest that have ended go first.
const MAX_JOBS: i64 = 200;
/// For how long a job that has ended is kept, in milliseconds.
const KEPT_MILLIS: i64 = 3_600_000;

const COLUMNS: &str =
    "job_id, kind, status, created_at, started_at, finished_at, result, error, progress";

/// The part of the database that holds jobs.
#[derive(Clone, Debug)]
pub struct Jobs {
    writer: SqlitePool,
    reader: SqlitePool,
}

#[derive(FromRow)]
struct Row {
    job_id: String,
    kind: String,
    status: String,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    result: Option<String>,
    error: Option<String>,
    progress: String,
}

impl Jobs {
    /// Opens or creates the database at `path`.
    ///
    /// # Errors
    /// When it is a newer one, no database, or cannot be changed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let pools = open(path).await?;
        Ok(Self { writer: pools.writer, reader: pools.reader })
    }

    /// Adds a job of the process `owner`, and forgets jobs that ended long ago or are too many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add(&self, job: &Job, owner: ProcessId) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO jobs (job_id, kind, status, created_at, progress, owner_pid, owner_started)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&job.job_id)
        .bind(&job.kind)
        .bind(job.status.name())
        .bind(job.created_at.as_millis())
        .bind(serde_json::to_string(&job.progress)?)
        .bind(owner.pid)
        .bind(i64::try_from(owner.start_ticks).unwrap_or(0))
        .execute(&self.writer)
        .await?;
        self.forget(job.created_at).await
    }

    /// Writes down where a job stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update(&self, job: &Job) -> Result<(), StoreError> {
        let result = job.result.as_ref().map(serde_json::to_string).transpose()?;
        sqlx::query(
            "UPDATE jobs SET status = ?, started_at = ?, finished_at = ?, result = ?, error = ?, progress = ?
             WHERE job_id = ?",
        )
        .bind(job.status.name())
        .bind(job.started_at.map(Timestamp::as_millis))
        .bind(job.finished_at.map(Timestamp::as_millis))
        .bind(result)
        .bind(&job.error)
        .bind(serde_json::to_string(&job.progress)?)
        .bind(&job.job_id)
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// A job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE job_id = ?");
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&self.reader).await?;
        row.map(job).transpose()
    }

    /// All jobs that are kept, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Job>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM jobs ORDER BY created_at DESC, job_id");
        let rows: Vec<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&self.reader).await?;
        rows.into_iter().map(job).collect()
    }

    /// The jobs that have not ended, with the process that does them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn active(&self) -> Result<Vec<(Job, ProcessId)>, StoreError> {
        let owners: Vec<(String, i32, i64)> = sqlx::query_as(
            "SELECT job_id, owner_pid, owner_started FROM jobs WHERE status IN ('queued', 'running')",
        )
        .fetch_all(&self.reader)
        .await?;
        let mut active = Vec::new();
        for (id, pid, started) in owners {
            if let Some(job) = self.get(&id).await? {
                let start_ticks = u64::try_from(started).unwrap_or(0);
                active.push((job, ProcessId { pid, start_ticks }));
            }
        }
        Ok(active)
    }

    /// Closes the database.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM jobs WHERE status NOT IN ('queued', 'running') AND (
                 finished_at < ?1 OR job_id IN (
                     SELECT job_id FROM jobs WHERE status NOT IN ('queued', 'running')
                     ORDER BY created_at DESC LIMIT -1
                     OFFSET max(0, ?2 - (SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')))))",
        )
        .bind(now.as_millis() - KEPT_MILLIS)
        .bind(MAX_JOBS)
        .execute(&self.writer)
        .await?;
        Ok(())
    }
}

fn job(row: Row) -> Result<Job, StoreError> {
    let status = JobStatus::ALL.into_iter().find(|status| status.name() == row.status);
    Ok(Job {
        job_id: row.job_id,
        kind: row.kind,
        status: status.unwrap_or(JobStatus::Failed),
        created_at: Timestamp::from_millis(row.created_at),
        started_at: row.started_at.map(Timestamp::from_millis),
        finished_at: row.finished_at.map(Timestamp::from_millis),
        result: row.result.map(|text| serde_json::from_str(&text)).transpose()?,
        error: row.error,
        progress: serde_json::from_str::<Progress>(&row.progress)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(n: u32, at: i64) -> Job {
        Job {
            job_id: format!("{n:032x}"),
            kind: "hub.scan_repos".to_owned(),
            status: JobStatus::Queued,
            created_at: Timestamp::from_millis(at),
            started_at: None,
            finished_at: None,
            result: None,
            error: None,
            progress: Progress::default(),
        }
    }

    #[tokio::test]
    async fn a_job_is_read_back_and_only_ended_ones_are_forgotten() {
        let dir = tempfile::tempdir().expect("temp dir");
        let jobs = Jobs::open(&dir.path().join("car.db")).await.expect("new");
        let owner = ProcessId { pid: 7, start_ticks: 9 };
        jobs.add(&queued(0, 0), owner).await.expect("added");
        for n in 1..=210 {
            let mut job = queued(n, i64::from(n));
            jobs.add(&job, owner).await.expect("added");
            job.status = JobStatus::Succeeded;
            job.finished_at = Some(job.created_at);
            job.result = Some(serde_json::json!({ "status": "ok" }));
            jobs.update(&job).await.expect("updated");
        }
        let mut last = queued(211, 300);
        jobs.add(&last, owner).await.expect("added");
        assert_eq!(jobs.list().await.expect("list").len(), 200);
        assert!(jobs.get(&queued(0, 0).job_id).await.expect("read").is_some(), "still active");
        assert_eq!(jobs.active().await.expect("list").len(), 2);
        last = queued(212, KEPT_MILLIS + 1000);
        jobs.add(&last, owner).await.expect("added");
        assert_eq!(jobs.list().await.expect("list").len(), 3, "ended ones are too old");
    }
}
