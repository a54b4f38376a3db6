//! Keeping the index up to date with the journals.
//!
//! Whoever wants to read the index first brings it up to date under a file lock, the server as well as a command, so there
//! is one writer at a time and no difference between having a server and having none.

use std::fs::File;
use std::path::{Path, PathBuf};

use car_domain::Timestamp;
use car_domain::run::RunSummary;
use car_domain::search::{SearchHit, SearchTerms};
use car_store::{EventFilter, Index, JournalMark};
use tokio::sync::OnceCell;

use super::blocking;
use crate::config::CAR_DIR;
use crate::history::{History, JournalCursor};
use crate::{EngineError, Repo};

/// The index of a root, opened when it is first needed.
pub struct RunIndex {
    path: PathBuf,
    index: OnceCell<Index>,
}

impl RunIndex {
    /// The index of the root `root`.
    pub fn new(root: &Path) -> Self {
        Self { path: root.join(CAR_DIR).join("car.db"), index: OnceCell::new() }
    }

    /// The newest runs of a repository, newest first.
    ///
    /// # Errors
    /// When the index or a journal cannot be read.
    pub async fn newest(
        &self,
        id: &str,
        repo: &Repo,
        limit: u32,
    ) -> Result<Vec<RunSummary>, EngineError> {
        self.before(id, repo, None, limit).await
    }

    /// The newest runs of a repository with a number below `before`, newest first.
    ///
    /// # Errors
    /// When the index or a journal cannot be read.
    pub async fn before(
        &self,
        id: &str,
        repo: &Repo,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RunSummary>, EngineError> {
        let index = self.up_to_date(id, repo).await?;
        Ok(index.runs(id, before, limit).await?)
    }

    /// Tokens of the runs of a repository that began on `day` (counted from the epoch) or later, as far as they are indexed.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) async fn tokens_since(&self, id: &str, day: i64) -> Result<u64, EngineError> {
        let since = Timestamp::from_millis(day.saturating_mul(86_400_000));
        Ok(self.index().await?.tokens_since(id, since).await?)
    }

    /// The events of `repos`, given as (id, repository), that hold all terms; best first. `filter` names no repositories.
    ///
    /// # Errors
    /// When the index or a journal cannot be read.
    pub(crate) async fn search(
        &self,
        repos: &[(String, Repo)],
        terms: &SearchTerms,
        filter: EventFilter,
        limit: u32,
    ) -> Result<Vec<SearchHit>, EngineError> {
        for (id, repo) in repos {
            self.up_to_date(id, repo).await?;
        }
        let ids = repos.iter().map(|(id, _)| id.clone()).collect();
        let filter = EventFilter { repos: ids, ..filter };
        Ok(self.index().await?.search(terms, &filter, limit).await?)
    }

    /// Forgets everything and reads all journals again. Returns the number of runs and events.
    ///
    /// # Errors
    /// When the index or a journal cannot be read.
    pub async fn rebuild(&self, repos: &[(String, Repo)]) -> Result<(usize, u64), EngineError> {
        self.index().await?.clear().await?;
        let (mut n_runs, mut n_events) = (0, 0);
        for (id, repo) in repos {
            let index = self.up_to_date(id, repo).await?;
            n_runs += index.runs(id, None, u32::MAX).await?.len();
            n_events += index.n_events(id).await?;
        }
        Ok((n_runs, n_events))
    }

    /// Closes the database.
    pub async fn close(self) {
        if let Some(index) = self.index.into_inner() {
            index.close().await;
        }
    }

    async fn index(&self) -> Result<&Index, EngineError> {
        Ok(self.index.get_or_try_init(|| Index::open(&self.path)).await?)
    }

    async fn up_to_date(&self, id: &str, repo: &Repo) -> Result<&Index, EngineError> {
        let _lock = lock(self.path.with_extension("db.lock")).await?;
        let index = self.index().await?;
        let marks = index.marks(id).await?;
        let complete = index.complete(id).await?;
        let looked_at = repo.clone();
        let runs = blocking(move || Ok(History::new(&looked_at).runs())).await?;
        for run in runs.into_iter().filter(|run| complete.binary_search(run).is_err()) {
            catch_up(index, id, repo, run, marks.get(&run).cloned()).await?;
        }
        Ok(index)
    }
}

async fn catch_up(
    index: &Index,
    id: &str,
    repo: &Repo,
    run: u64,
    mark: Option<JournalMark>,
) -> Result<(), EngineError> {
    let repo = repo.clone();
    let path = repo.journal_path(run);
    if !path.exists() {
        let summary = blocking(move || Ok(History::new(&repo).summary(run))).await?;
        if let Some(summary) = summary {
            index.record(id, &JournalMark { offset: 0, summary }, &[]).await?;
        }
        return Ok(());
    }
    let known = mark.unwrap_or_else(|| JournalMark { offset: 0, summary: RunSummary::new(run) });
    let mut cursor = JournalCursor::at(path, known.offset);
    let mut summary = known.summary;
    loop {
        let (read_on, entries) = blocking(move || cursor.read_on()).await?;
        cursor = read_on;
        if entries.is_empty() {
            return Ok(());
        }
        entries.iter().for_each(|entry| summary.apply(entry));
        let mark = JournalMark { offset: cursor.offset(), summary: summary.clone() };
        index.record(id, &mark, &entries).await?;
    }
}

async fn lock(path: PathBuf) -> Result<File, EngineError> {
    blocking(move || {
        let failed = |error| EngineError::file("lock", &path, error);
        let file =
            File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    })
    .await
}
