//! Searching a hub's directories, and preparing what is found.

use std::collections::HashMap;

use super::entry::relative;
use super::registry::HubRepo;
use super::{Hub, HubState, Registry, RepoSnapshot, Reporter, clone, manifest, state};
use crate::init::seed_repository;
use crate::served::blocking;
use crate::{EngineError, now};

impl Hub {
    /// Searches the hub's directories: new repositories get their entry in the manifest, moved ones their new path, and what is
    /// not prepared for CAR is, unless `hub.auto_init_missing` is off. Entries are never removed.
    ///
    /// # Errors
    /// When the manifest or the hub's state cannot be read or written.
    pub async fn scan(&self, reporter: &Reporter) -> Result<HubState, EngineError> {
        self.adopt().await?;
        let (hub, reporter) = (self.clone(), reporter.clone());
        blocking(move || hub.scan_now(&reporter)).await
    }

    fn scan_now(&self, reporter: &Reporter) -> Result<HubState, EngineError> {
        reporter.step("searching");
        clone::sweep(&self.repos_root());
        let mut registry = self.register_found()?;
        registry.repos.sort_by_key(|repo| self.place(repo));
        let total = registry.repos.len() as u64;
        let mut init_errors = HashMap::new();
        for (done, repo) in registry.repos.iter().enumerate() {
            if self.config.hub.auto_init_missing && self.wants_init(repo) {
                reporter.count(done as u64, total, format!("preparing {}", repo.id));
                if let Err(error) = seed_repository(&repo.root, false) {
                    init_errors.insert(repo.id.clone(), error.to_string());
                }
            }
        }
        reporter.count(total, total, "looking at each");
        let repos = state::snapshots(&self.root, &registry, &init_errors);
        let found = HubState { last_scan_at: Some(now().whole_seconds()), repos };
        state::save(&self.root, &self.seen, &found)?;
        Ok(found)
    }

    fn register_found(&self) -> Result<Registry, EngineError> {
        manifest::edit(&self.manifest_path(), |manifest| {
            for repo in Registry::look(&self.root, &self.config)?.repos {
                if let Some(new) = &repo.moved_to {
                    let mut entry = repo.entry.clone();
                    entry.path = relative(&self.root, new);
                    manifest.put(&entry)?;
                } else if !repo.is_registered {
                    manifest.put(&repo.entry)?;
                }
            }
            Ok(())
        })?;
        self.registry()
    }

    /// The original's order: what lies in the hub's directories by name, then the rest as the manifest has it.
    fn place(&self, repo: &HubRepo) -> (usize, std::path::PathBuf) {
        let parent = repo.root.parent().filter(|_| repo.root.join(".git").exists());
        let bases = [self.repos_root(), self.worktrees_root()];
        match bases.iter().position(|base| parent == Some(base)) {
            Some(at) => (at, repo.root.clone()),
            None => (bases.len(), std::path::PathBuf::new()),
        }
    }

    /// Only what lies where the hub searches is prepared without being asked.
    fn wants_init(&self, repo: &HubRepo) -> bool {
        let parent = repo.root.parent();
        let is_ours =
            [self.repos_root(), self.worktrees_root()].iter().any(|it| parent == Some(it));
        is_ours && !repo.is_initialised() && repo.root.join(".git").exists()
    }

    /// Prepares the repository `id` for CAR; what is there stays.
    ///
    /// # Errors
    /// When there is no such repository, its directory is gone, or files cannot be written.
    pub async fn init_repo(&self, id: &str) -> Result<RepoSnapshot, EngineError> {
        let repo = self.find(id).await?;
        let hub = self.clone();
        blocking(move || {
            if !repo.exists() {
                return Err(EngineError::not_found(format!("Repo {} missing on disk", repo.id))
                    .with_hint("`car hub scan` finds it again when it was moved within the hub"));
            }
            seed_repository(&repo.root, false)?;
            if !repo.is_registered {
                manifest::edit(&hub.manifest_path(), |manifest| manifest.put(&repo.entry))?;
            }
            Ok(RepoSnapshot::of(&hub.root, &repo, None))
        })
        .await
    }
}
