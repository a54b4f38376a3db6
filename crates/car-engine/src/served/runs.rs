//! Runs of what is served: lists, single ones, and the search in them.

use super::{Served, blocking};
use crate::history::{History, JournalPage, JournalQuery};
use crate::runs::{OpenRuns, RunRecord};
use crate::search::{SearchQuery, search};
use crate::{EngineError, Repo};
use car_domain::run::RunSummary;
use car_domain::search::SearchHit;

impl Served {
    /// The newest runs of `repo`, whose id is `id`, with a number below `before`, newest first.
    ///
    /// # Errors
    /// When the index or a file cannot be read.
    pub async fn runs(
        &self,
        id: &str,
        repo: &Repo,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RunRecord>, EngineError> {
        let runs = self.index.before(id, repo, before, limit).await?;
        let repo = repo.clone();
        blocking(move || {
            let open = OpenRuns::of(&repo)?;
            Ok(runs.iter().map(|run| open.record(run)).collect())
        })
        .await
    }

    /// The same runs as pages show them.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn run_summaries(
        &self,
        id: &str,
        repo: &Repo,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<RunSummary>, EngineError> {
        self.index.before(id, repo, before, limit).await
    }

    /// Run `run` of `repo` as its page shows it.
    ///
    /// # Errors
    /// When there is no such run, or the index cannot be read.
    pub async fn run_summary(
        &self,
        id: &str,
        repo: &Repo,
        run: u64,
    ) -> Result<RunSummary, EngineError> {
        let found = self.index.before(id, repo, run.checked_add(1), 1).await?.into_iter().next();
        found.filter(|found| found.run == run).ok_or_else(|| {
            EngineError::not_found(format!("There is no run {run}.")).with_hint(
                "its files may have been cleaned up; the list of runs shows what there is",
            )
        })
    }

    /// At most `limit` entries of the journal of `run`, from number `from` on.
    ///
    /// # Errors
    /// When there is no such run or its journal cannot be read.
    pub async fn journal(
        &self,
        repo: &Repo,
        run: u64,
        from: u64,
        limit: u64,
    ) -> Result<JournalPage, EngineError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (repo, query) = (repo.clone(), JournalQuery { from, limit, kind: None });
        blocking(move || History::new(&repo).entries(run, &query)).await
    }

    /// Run `run` of `repo`, whose id is `id`.
    ///
    /// # Errors
    /// When there is no such run, or the index or a file cannot be read.
    pub async fn run(&self, id: &str, repo: &Repo, run: u64) -> Result<RunRecord, EngineError> {
        let below = run.checked_add(1);
        let newest = self.runs(id, repo, below, 1).await?.into_iter().next();
        newest.filter(|found| found.run == run).ok_or_else(|| {
            EngineError::not_found("run not found").with_hint(format!("there is no run {run}"))
        })
    }

    /// Searches what runs said and did, and the documents: of the repository `only`, or of all.
    ///
    /// # Errors
    /// When there is nothing to search for, no such repository, or the index or a file cannot be read.
    pub async fn search(
        &self,
        only: Option<&str>,
        query: &SearchQuery,
    ) -> Result<Vec<SearchHit>, EngineError> {
        let mut repos = Vec::new();
        match only {
            Some(id) => repos.push((id.to_owned(), self.repo(id).await?)),
            None => {
                for id in self.ids() {
                    match self.repo(&id).await {
                        Ok(repo) => repos.push((id, repo)),
                        Err(error) => tracing::warn!(repo = id, %error, "left out of a search"),
                    }
                }
            }
        }
        search(&self.index, &repos, query).await
    }
}
