//! The hub's trash: what was removed, whole, until a person deletes it.
//!
//! `<hub>/.codex-autorunner/trash/<time>-<id>/` holds the directory as `tree`, git's part of a worktree as `git`, and
//! `removed.json` with what is needed to put both back. Moving is a rename, so nothing is ever half removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use car_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::{Kind, RepoEntry, resolved, unique};
use super::registry::HubRepo;
use super::{Hub, RepoSnapshot, manifest};
use crate::config::CAR_DIR;
use crate::files::write_atomic;
use crate::served::blocking;
use crate::{EngineError, now};

/// Something in the trash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trashed {
    /// Its name in the trash.
    #[serde(skip_deserializing, default)]
    pub name: String,
    /// Id of the repository.
    pub id: String,
    /// Where it was.
    pub path: PathBuf,
    /// When it was removed.
    pub removed_at: Timestamp,
    /// Commit that was checked out.
    pub commit: Option<String>,
    /// Its entry in the manifest.
    pub entry: Value,
    /// Of a worktree: where git keeps its part.
    pub git_dir: Option<PathBuf>,
}

fn dir(root: &Path) -> PathBuf {
    root.join(CAR_DIR).join("trash")
}

type Thrown = (Option<String>, Option<String>);

/// Moves `place` to the trash. Returns its name there, and what did not work although it is gone.
pub(super) fn throw(
    hub: &Hub,
    repo: &HubRepo,
    place: &Path,
    commit: Option<String>,
) -> Result<Thrown, EngineError> {
    let trash = dir(hub.root());
    let failed = |error| EngineError::file("move to the trash", place, error);
    let at = now().whole_seconds();
    let stamp = at.to_string().replace([':', '-'], "");
    fs::create_dir_all(&trash).map_err(failed)?;
    let name = unique(&format!("{stamp}-{}", repo.id), |name| trash.join(name).exists());
    let own = trash.join(&name);
    let manifest = manifest::read(&hub.manifest_path())?;
    let trashed = Trashed {
        name: name.clone(),
        id: repo.id.clone(),
        path: place.to_path_buf(),
        removed_at: at,
        commit,
        entry: manifest.value(&repo.entry.id).unwrap_or_else(|| repo.entry.to_value()),
        git_dir: git_dir_of_worktree(place),
    };
    fs::create_dir(&own).map_err(failed)?;
    let text = serde_json::to_string_pretty(&trashed).unwrap_or_default();
    let moved = write_atomic(&own.join("removed.json"), text.as_bytes())
        .and_then(|()| fs::rename(place, own.join("tree")));
    if let Err(error) = moved {
        let _ = fs::remove_file(own.join("removed.json"));
        let _ = fs::remove_dir(&own);
        if error.kind() == io::ErrorKind::CrossesDevices {
            return Err(failed(error).with_hint(
                "the trash is on another file system; take it off the list with --keep-dir and move it yourself",
            ));
        }
        return Err(failed(error));
    }
    let _ = fs::remove_file(own.join("tree").join(CAR_DIR).join("lock"));
    let problem = trashed.git_dir.as_ref().and_then(|git_dir| {
        let error = fs::rename(git_dir, own.join("git")).err()?;
        Some(format!("git's part of the worktree could not be kept ({error}); what was staged is not restored"))
    });
    Ok((Some(name), problem))
}

/// `<repository>/.git/worktrees/<name>` of the worktree at `root`; `None` when it is none, or points elsewhere.
fn git_dir_of_worktree(root: &Path) -> Option<PathBuf> {
    let pointer = fs::read_to_string(root.join(".git")).ok()?;
    let git_dir = root.join(pointer.trim().strip_prefix("gitdir:")?.trim());
    let git_dir = fs::canonicalize(git_dir).ok()?;
    let is_worktrees = git_dir.parent()?.file_name()? == "worktrees";
    // Git's own file says which directory it belongs to; a forged pointer does not get another one moved.
    let back = fs::read_to_string(git_dir.join("gitdir")).ok()?;
    let is_mine =
        fs::canonicalize(Path::new(back.trim()).parent()?).ok()? == fs::canonicalize(root).ok()?;
    (is_worktrees && is_mine).then_some(git_dir)
}

impl Hub {
    /// What is in the trash, the newest first.
    ///
    /// # Errors
    /// When the trash cannot be read.
    pub fn trash(&self) -> Result<Vec<Trashed>, EngineError> {
        let trash = dir(&self.root);
        let entries = match fs::read_dir(&trash) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(EngineError::file("read", &trash, error)),
        };
        let read = |entry: fs::DirEntry| {
            let bytes = fs::read(entry.path().join("removed.json")).ok()?;
            let mut trashed: Trashed = serde_json::from_slice(&bytes).ok()?;
            trashed.name = entry.file_name().into_string().ok()?;
            entry.path().join("tree").is_dir().then_some(trashed)
        };
        let mut found: Vec<Trashed> = entries.flatten().filter_map(read).collect();
        found.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(found)
    }

    /// Puts something back where it was: the newest removal with this id, or the one with this name in the trash.
    ///
    /// # Errors
    /// When there is none, or its place or id is taken.
    pub async fn restore(&self, wanted: &str) -> Result<RepoSnapshot, EngineError> {
        let (hub, name) = (self.clone(), wanted.to_owned());
        let (trashed, shown) = blocking(move || hub.restore_now(&name)).await?;
        if let Some(entry) =
            RepoEntry::parse(&trashed.entry).ok().filter(|it| it.kind == Kind::Worktree)
            && let (Some(base), Some(branch), Some(commit)) =
                (&entry.worktree_of, &entry.branch, &trashed.commit)
            && let Ok(base) = self.find(base).await
            && !car_git::has_branch(&base.root, branch).await
            && let Err(error) = car_git::make_branch(&base.root, branch, commit).await
        {
            tracing::warn!(%error, branch, "the branch of a restored worktree is gone");
        }
        Ok(shown)
    }

    fn restore_now(&self, wanted: &str) -> Result<(Trashed, RepoSnapshot), EngineError> {
        let all = self.trash()?;
        let found = all
            .iter()
            .find(|it| it.name == wanted)
            .or_else(|| all.iter().find(|it| it.id == wanted));
        let trashed = found.cloned().ok_or_else(|| {
            EngineError::not_found(format!("There is nothing called {wanted} in the trash."))
                .with_hint("`car hub restore` without a name lists what there is")
        })?;
        let entry = RepoEntry::parse(&trashed.entry).map_err(|why| {
            EngineError::invalid(format!("{wanted} cannot be put back: its entry {why}"))
        })?;
        let target = resolved(&self.root, &entry.path);
        let base =
            if entry.kind == Kind::Worktree { self.worktrees_root() } else { self.repos_root() };
        let target = self.new_place(&base, &target)?;
        if target.exists() {
            return Err(EngineError::conflict(format!(
                "Repo path already exists: {}",
                target.display()
            ))
            .with_hint("move that away first"));
        }
        if self.registry()?.is_taken(&entry.id) {
            return Err(EngineError::conflict(format!("Repo id {} already exists", entry.id)));
        }
        let own = dir(&self.root).join(&trashed.name);
        let failed = |error| EngineError::file("put back", &target, error);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let kept = own.join("git");
        if let Some(git_dir) = trashed.git_dir.as_ref().filter(|_| kept.is_dir()) {
            if git_dir.exists()
                || !git_dir.parent().and_then(Path::parent).is_some_and(Path::is_dir)
            {
                return Err(EngineError::conflict(format!(
                    "The repository of this worktree has no place for it at {}",
                    git_dir.display()
                ))
                .with_hint("restore the repository it belongs to first"));
            }
            if let Some(parent) = git_dir.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            fs::rename(&kept, git_dir).map_err(failed)?;
        }
        fs::rename(own.join("tree"), &target).map_err(failed)?;
        manifest::edit(&self.manifest_path(), |it| it.put_back(trashed.entry.clone()))?;
        self.look()?;
        let _ = fs::remove_file(own.join("removed.json"));
        let _ = fs::remove_dir(&own);
        let shown = RepoSnapshot::of(&self.root, self.registry()?.get(&entry.id)?, None);
        Ok((trashed, shown))
    }
}
