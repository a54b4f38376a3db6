//! Making a repository in a hub.

use std::fs;
use std::path::{Path, PathBuf};

use super::entry::{Kind, RepoEntry, checked_id, relative};
use super::{Hub, HubRepo, RepoSnapshot, manifest};
use crate::init::seed_repository;
use crate::served::blocking;
use crate::{EngineError, ErrorKind};

/// What to make.
#[derive(Clone, Debug, Default)]
pub struct CreateRequest {
    /// Its id.
    pub id: String,
    /// Its directory, absolute or below the repositories' directory; the id when absent.
    pub path: Option<PathBuf>,
    /// Make it a git repository when it is none.
    pub git_init: bool,
    /// Take a directory that is there already. Its documents are copied aside before they are replaced.
    pub force: bool,
}

impl Hub {
    /// Makes a repository, prepares it and adds it to the manifest.
    ///
    /// # Errors
    /// When the id or the directory is taken or lies elsewhere, or git or the file system refuses. A directory that was made
    /// for it is gone again then.
    pub async fn create(&self, request: &CreateRequest) -> Result<RepoSnapshot, EngineError> {
        let id = checked_id(&request.id)?.to_owned();
        let wanted = request.path.clone().unwrap_or_else(|| PathBuf::from(&id));
        let target = self.new_place(&self.repos_root(), &wanted)?;
        self.must_be_free(&id, &target)?;
        let is_new = !target.exists();
        if !is_new && !request.force {
            return Err(EngineError::conflict(format!(
                "Repo path already exists: {}",
                target.display()
            ))
            .with_hint(
                "--force takes it as it is; `car hub scan` finds repositories that are there",
            ));
        }
        fs::create_dir_all(&target).map_err(|error| EngineError::file("create", &target, error))?;
        let mut made = Made(is_new.then(|| target.clone()));
        if request.git_init && !target.join(".git").exists() {
            car_git::init(&target, None).await.map_err(|error| {
                let text = format!("git init failed for {}", target.display());
                EngineError::new(ErrorKind::Other, text).with_source(error)
            })?;
        }
        if !target.join(".git").exists() {
            return Err(EngineError::invalid(format!("{} is no git repository", target.display()))
                .with_hint("leave --no-git-init away to make it one"));
        }
        let shown = self.register(&id, &target, Kind::Base, request.force, |_| {}).await?;
        made.0 = None;
        Ok(shown)
    }

    /// An id that belongs to another directory is taken, as is a directory of another id.
    pub(super) fn must_be_free(&self, id: &str, target: &Path) -> Result<(), EngineError> {
        let registry = self.registry()?;
        let known = registry.repos.iter().find(|repo| repo.id == id || repo.entry.id == id);
        if let Some(known) = known.filter(|known| known.root != target) {
            let path = known.entry.path.display();
            return Err(EngineError::conflict(format!(
                "Repo id {id} already exists at {path}; choose a different id"
            )));
        }
        match registry.repos.iter().find(|repo| repo.root == target && repo.id != id) {
            Some(known) if known.is_registered => Err(EngineError::conflict(format!(
                "{} is in the hub already, as {}",
                target.display(),
                known.id
            ))),
            _ => Ok(()),
        }
    }

    /// Prepares the directory and adds it to the manifest.
    pub(super) async fn register(
        &self,
        id: &str,
        target: &Path,
        kind: Kind,
        force: bool,
        fill: impl FnOnce(&mut RepoEntry) + Send + 'static,
    ) -> Result<RepoSnapshot, EngineError> {
        let (hub, id, target) = (self.clone(), id.to_owned(), target.to_path_buf());
        blocking(move || {
            seed_repository(&target, force)?;
            let mut entry = RepoEntry::new(&id, relative(&hub.root, &target), kind);
            fill(&mut entry);
            manifest::edit(&hub.manifest_path(), |manifest| match manifest.get(&id) {
                Some(known) if known.path == entry.path => Ok(()),
                Some(known) => Err(EngineError::conflict(format!(
                    "Repo id {id} already exists at {}; choose a different id",
                    known.path.display()
                ))),
                None => manifest.put(&entry),
            })?;
            hub.look()?;
            let repo = HubRepo { id, root: target, entry, is_registered: true, moved_to: None };
            Ok(RepoSnapshot::of(&hub.root, &repo, None))
        })
        .await
    }
}

/// A directory we made, taken away again unless the work came to its end.
pub(super) struct Made(pub(super) Option<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        let Some(dir) = self.0.take() else { return };
        // A git that was ended a moment ago may still be writing; the kernel needs an instant to be done with it.
        for _ in 0..50 {
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                _ => return,
            }
        }
        tracing::warn!(dir = %dir.display(), "an unfinished directory could not be taken away");
    }
}
