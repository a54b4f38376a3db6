//! What can go wrong with the index.

use std::path::{Path, PathBuf};

/// SQLite's number for a disk, or a limit on files, that leaves no room.
const SQLITE_FULL: &str = "13";

/// Trouble with the index.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file was written by a newer version.
    #[error("{} was written by a newer CAR (schema {found}, this one knows {known})", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file is no database, or a damaged one.
    #[error("{} cannot be opened as a database", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("{} cannot be brought up to date", path.display())]
    Migrate {
        /// The database.
        path: PathBuf,
        /// What failed.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A query failed.
    #[error("a query of the index failed")]
    Query(#[from] sqlx::Error),
    /// A stored value cannot be read.
    #[error("the index holds a value that cannot be read")]
    Value(#[from] serde_json::Error),
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if self.is_disk_full() {
            return Some("the disk is full: free some space, then try again".to_owned());
        }
        match self {
            Self::Newer { .. } => Some("update CAR, or serve another root".to_owned()),
            Self::Open { path, .. } | Self::Migrate { path, .. } if is_bots(path) => Some(format!(
                "move {} away and restart the bot: it begins anew, and people pair again",
                path.display()
            )),
            Self::Open { path, .. } | Self::Migrate { path, .. } => Some(format!(
                "move {} away, then run `car index rebuild`: the history is in the run journals",
                path.display()
            )),
            Self::Query(_) | Self::Value(_) => {
                Some("`car index rebuild` makes it anew from the run journals".to_owned())
            }
        }
    }

    fn is_disk_full(&self) -> bool {
        let cause = match self {
            Self::Open { source, .. } | Self::Query(source) => source,
            Self::Migrate { source: sqlx::migrate::MigrateError::Execute(source), .. } => source,
            Self::Migrate { .. } | Self::Newer { .. } | Self::Value(_) => return false,
        };
        cause
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code == SQLITE_FULL)
    }
}

/// Whether a database is the bot's, which nothing can make anew.
fn is_bots(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "telegram.db")
}
