//! Loops of a hub's repositories, by id and all at once.

use super::{Hub, HubRepo, RepoSnapshot};
use crate::runner::{self, KillReport, StopReport};
use crate::served::blocking;
use crate::{EngineError, Repo};

/// How long a loop is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// Until the list is done.
    Loop,
    /// One run.
    Once,
}

/// What happened to each repository.
pub type Bulk<T> = Vec<(String, Result<T, EngineError>)>;

impl Hub {
    /// Starts a loop in the repository `id`, in a process of its own. Also what resuming means: the loop reads where it was.
    ///
    /// # Errors
    /// When there is no such repository, it is not prepared, or a loop is at work already.
    pub async fn run(&self, id: &str, kind: RunKind) -> Result<RepoSnapshot, EngineError> {
        let (found, repo) = self.opened(id).await?;
        runner::start_detached(&repo, &self.program, kind == RunKind::Once).await?;
        self.shown(found).await
    }

    /// Asks the loop of `id` to end after its run, or now.
    ///
    /// # Errors
    /// When there is no such repository, or the request cannot be written.
    pub async fn stop(&self, id: &str, now: bool) -> Result<StopReport, EngineError> {
        let found = self.find(id).await?;
        if !found.is_initialised() {
            return Ok(StopReport::NotRunning);
        }
        let (_, repo) = self.opened(id).await?;
        if now {
            return runner::stop_now(&repo).await;
        }
        blocking(move || runner::stop(&repo)).await
    }

    /// Ends the loop of `id` and its agent now; the run counts as failed.
    ///
    /// # Errors
    /// When there is no such repository, or the loop does not end.
    pub async fn kill(&self, id: &str) -> Result<KillReport, EngineError> {
        let found = self.find(id).await?;
        if !found.is_initialised() {
            return Ok(KillReport::NotRunning);
        }
        runner::kill(&self.opened(id).await?.1).await
    }

    /// What the start of a server finds: loops that live are left to their work, runs whose runner is gone get their end.
    /// Returns the ids of both kinds. A repository that cannot be read is skipped with a warning.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn adopt(&self) -> Result<(Vec<String>, Vec<String>), EngineError> {
        let (mut living, mut settled) = (Vec::new(), Vec::new());
        for found in self.all().await?.into_iter().filter(HubRepo::is_initialised) {
            let root = found.root.clone();
            let adopted = async {
                let repo = blocking(move || Repo::open(&root)).await?;
                runner::adopt(&repo).await
            };
            match adopted.await {
                Ok(runner::Adopted::Living(_)) => living.push(found.id),
                Ok(runner::Adopted::Settled) => settled.push(found.id),
                Ok(runner::Adopted::Idle) => {}
                Err(error) => tracing::warn!(repo = found.id, %error, "cannot be looked at"),
            }
        }
        Ok((living, settled))
    }

    /// Every repository as it is listed.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn all(&self) -> Result<Vec<HubRepo>, EngineError> {
        let hub = self.clone();
        blocking(move || Ok(hub.registry()?.repos)).await
    }

    /// Ids of the repositories that are prepared for CAR.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn prepared(&self) -> Result<Vec<String>, EngineError> {
        let prepared = self.all().await?.into_iter().filter(HubRepo::is_initialised);
        Ok(prepared.map(|found| found.id).collect())
    }

    /// Does `act` to every repository that is prepared for CAR, one after the other; a failure does not keep the others.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub async fn each<T>(
        &self,
        act: impl AsyncFn(&Self, &str) -> Result<T, EngineError>,
    ) -> Result<Bulk<T>, EngineError> {
        let mut results = Vec::new();
        for id in self.prepared().await? {
            let result = act(self, &id).await;
            results.push((id, result));
        }
        Ok(results)
    }

    async fn opened(&self, id: &str) -> Result<(HubRepo, Repo), EngineError> {
        let found = self.find(id).await?;
        if !found.is_initialised() {
            return Err(EngineError::conflict(format!("Repo {} is not initialized", found.id))
                .with_hint(format!("`car hub init {}` prepares it", found.id)));
        }
        blocking(move || {
            let repo = Repo::open(&found.root)?;
            Ok((found, repo))
        })
        .await
    }

    async fn shown(&self, found: HubRepo) -> Result<RepoSnapshot, EngineError> {
        let root = self.root.clone();
        blocking(move || Ok(RepoSnapshot::of(&root, &found, None))).await
    }
}
