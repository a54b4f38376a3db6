//! Runs of what is served: lists, single ones, and the search in them.

use super::{Served, blocking};
use crate::runs::{OpenRuns, RunRecord};
use crate::search::{SearchQuery, search};
use crate::{EngineError, Repo};
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
