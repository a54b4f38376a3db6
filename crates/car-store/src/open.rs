//! Opening the database: refuse a newer one, keep a copy before changing an older one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::StoreError;

/// The schema of the index of runs.
static MIGRATIONS: Migrator = sqlx::migrate!();
/// The schema of the index of token usage.
pub(crate) static USAGE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations-usage");

/// Connections for questions; more than a few only compete for the same two cores.
const READERS: u32 = 4;

/// One writing connection, several reading ones.
pub(crate) struct Pools {
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
}

/// Opens the database of a served root.
pub(crate) async fn open(path: &Path) -> Result<Pools, StoreError> {
    open_with(path, &MIGRATIONS, SqliteSynchronous::Normal).await
}

/// Opens a database of the schema `migrations`. `Normal` outlives every crash but that of the machine, which is enough for
/// what can be made anew from files.
pub(crate) async fn open_with(
    path: &Path,
    migrations: &Migrator,
    synchronous: SqliteSynchronous,
) -> Result<Pools, StoreError> {
    let failed = |source| StoreError::Open { path: path.to_path_buf(), source };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone());
    let writer = writer.await.map_err(failed)?;
    let found = schema_version(&writer).await.map_err(failed)?;
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if found > known {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known });
    }
    if 0 < found && found < known {
        back_up(&writer, path, found).await.map_err(failed)?;
    }
    if found < known {
        migrate(&writer, path, migrations).await?;
    }
    let reader = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options);
    Ok(Pools { writer, reader })
}

/// Brings the schema up to date in one transaction that writes from its beginning: SQLx does not keep other processes from doing
/// the same meanwhile, so whoever comes second has to wait and finds nothing left to do.
async fn migrate(pool: &SqlitePool, path: &Path, migrations: &Migrator) -> Result<(), StoreError> {
    let failed = |source| StoreError::Open { path: path.to_path_buf(), source };
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    migrations
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(|source| StoreError::Migrate { path: path.to_path_buf(), source })?;
    transaction.commit().await.map_err(failed)
}

/// The newest migration the file has seen; 0 for a new file.
async fn schema_version(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(pool)
            .await?;
    if tables == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(pool)
        .await
}

async fn back_up(pool: &SqlitePool, path: &Path, version: i64) -> Result<(), sqlx::Error> {
    let copy = PathBuf::from(format!("{}.schema-{version}", path.display()));
    // VACUUM INTO refuses an existing file; an older copy of the same schema is of no more use.
    let _ = std::fs::remove_file(&copy);
    sqlx::query("VACUUM INTO ?").bind(copy.to_string_lossy().into_owned()).execute(pool).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_schema_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("car.db");
        let pools = open(&path).await.expect("new");
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'future', 1, x'00', 0)",
        )
        .execute(&pools.writer)
        .await
        .expect("written");
        pools.writer.close().await;
        let error = open(&path).await.err().expect("refused");
        assert!(matches!(error, StoreError::Newer { found: 9999, .. }));
        assert!(error.hint().is_some_and(|hint| hint.contains("update CAR")));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_may_open_a_new_file_at_the_same_time() {
        for _ in 0..10 {
            let dir = tempfile::tempdir().expect("temp dir");
            let path = dir.path().join("car.db");
            let openings = (0..8).map(|_| {
                let path = path.clone();
                tokio::spawn(async move { open(&path).await.map(|_| ()) })
            });
            for opened in openings.collect::<Vec<_>>() {
                opened.await.expect("no panic").expect("opened");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("car.db");
        std::fs::write(&path, "these are my notes, please keep them ".repeat(50)).expect("write");
        let error = open(&path).await.err().expect("refused");
        assert!(matches!(error, StoreError::Open { .. }));
        assert!(
            std::fs::read_to_string(&path).expect("untouched").starts_with("these are my notes")
        );
    }

    #[tokio::test]
    async fn an_older_file_is_copied_before_it_is_changed() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("car.db");
        let pools = open(&path).await.expect("new");
        back_up(&pools.writer, &path, 1).await.expect("copied");
        back_up(&pools.writer, &path, 1).await.expect("copied again");
        let copy = SqliteConnectOptions::new().filename(dir.path().join("car.db.schema-1"));
        let copy = SqlitePoolOptions::new().connect_with(copy).await.expect("a database");
        assert!(schema_version(&copy).await.expect("readable") >= 1);
    }
}
