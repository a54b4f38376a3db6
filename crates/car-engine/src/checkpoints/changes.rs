//! What a run changed.

use std::path::{Component, Path, PathBuf};

use car_domain::run::{FileChangeKind, FileDiff, RunSummary};
use car_git::{Checkpoints, Difference, PatchForm, Renames};

use super::{git_failed, open};
use crate::history::History;
use crate::served::blocking;
use crate::{EngineError, Repo};

/// The difference between the two checkpoints of a run.
#[derive(Debug)]
pub struct RunChanges {
    checkpoints: Checkpoints,
    /// Commit that holds the working tree before the run.
    pub before: String,
    /// Commit, or for a run without end the tree, that holds it after the run.
    pub after: String,
    /// Whether the run has no checkpoint of its own afterwards, so that the present files stand in for it.
    pub is_up_to_now: bool,
}

impl RunChanges {
    /// Looks at run `run` of `repo`.
    ///
    /// # Errors
    /// When there is no such run, it has no checkpoints, or they were given up.
    pub async fn of(repo: &Repo, run: u64) -> Result<Self, EngineError> {
        let summary = summary_of(repo, run).await?;
        let checkpoints = open(repo).await.map_err(|error| failed(run, error))?;
        let before = summary.checkpoint_before.ok_or_else(|| no_checkpoint(run))?;
        let is_up_to_now = summary.checkpoint_after.is_none();
        let after = match summary.checkpoint_after {
            Some(after) => after,
            None => checkpoints.tree().await.map_err(|error| failed(run, error))?,
        };
        for commit in [&before, &after] {
            if !checkpoints.exists(commit).await {
                return Err(EngineError::not_found(format!(
                    "the checkpoints of run {run} are gone"
                ))
                .with_hint("only those of the newest runs are kept"));
            }
        }
        Ok(Self { checkpoints, before, after, is_up_to_now })
    }

    /// What differs between the last commit and the files as they are now, new files included.
    ///
    /// # Errors
    /// When there is no commit yet, or git gives no answer.
    pub async fn uncommitted(repo: &Repo) -> Result<Self, EngineError> {
        let failed = |error| git_failed("cannot compare the files with the last commit", error);
        let checkpoints = open(repo).await.map_err(failed)?;
        let before = car_git::head_id(repo.root()).await.map(|id| id.trim().to_owned());
        let before = before
            .ok_or_else(|| EngineError::conflict("there is no commit yet to compare with"))?;
        let after = checkpoints.tree().await.map_err(failed)?;
        Ok(Self { checkpoints, before, after, is_up_to_now: true })
    }

    /// The files that differ, restricted to `paths` and what is below them. The paths are relative to `base` or absolute.
    ///
    /// # Errors
    /// When a path lies outside the repository, or git gives no answer.
    pub async fn files(
        &self,
        base: &Path,
        paths: &[PathBuf],
    ) -> Result<Vec<FileDiff>, EngineError> {
        let paths = self.below_top(base, paths)?;
        let list =
            self.checkpoints.compare(&self.before, &self.after, Renames::Found, &paths).await;
        let list = list.map_err(|error| git_failed("cannot compare the checkpoints", error))?;
        Ok(list.into_iter().map(file_diff).collect())
    }

    /// Writes the differences into `sink`, piece by piece, whatever their size.
    ///
    /// # Errors
    /// As for [`RunChanges::files`].
    pub async fn write(
        &self,
        form: PatchForm,
        base: &Path,
        paths: &[PathBuf],
        sink: impl FnMut(&[u8]) + Send,
    ) -> Result<(), EngineError> {
        let paths = self.below_top(base, paths)?;
        let written = self.checkpoints.patch(&self.before, &self.after, form, &paths, sink).await;
        written.map_err(|error| git_failed("cannot compare the checkpoints", error))
    }

    fn below_top(&self, base: &Path, paths: &[PathBuf]) -> Result<Vec<PathBuf>, EngineError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let base =
            base.canonicalize().map_err(|error| EngineError::file("look at", base, error))?;
        let top = self.checkpoints.top();
        let mut below = Vec::new();
        for path in paths {
            let full = without_dots(&base.join(path));
            let Ok(relative) = full.strip_prefix(top) else {
                return Err(EngineError::not_found(format!(
                    "{} is outside the repository",
                    path.display()
                )));
            };
            if relative.as_os_str().is_empty() {
                return Ok(Vec::new()); // The whole tree.
            }
            below.push(relative.to_path_buf());
        }
        Ok(below)
    }
}

/// Run `run`, off the async workers: its journal may be long.
pub(super) async fn summary_of(repo: &Repo, run: u64) -> Result<RunSummary, EngineError> {
    let repo = repo.clone();
    let summary = blocking(move || Ok(History::new(&repo).summary(run))).await?;
    summary.ok_or_else(|| EngineError::not_found(format!("run {run} not found")))
}

/// Without `.` and `..`; the file need not exist any more, so the file system cannot be asked.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    plain
}

fn file_diff(file: Difference) -> FileDiff {
    FileDiff {
        path: file.path.to_string_lossy().into_owned(),
        from: file.from.map(|path| path.to_string_lossy().into_owned()),
        change: match file.letter {
            'A' => FileChangeKind::Added,
            'D' => FileChangeKind::Deleted,
            'R' => FileChangeKind::Renamed,
            'T' => FileChangeKind::Retyped,
            _ => FileChangeKind::Modified,
        },
        insertions: file.insertions,
        deletions: file.deletions,
    }
}

pub(super) fn failed(run: u64, error: car_git::GitError) -> EngineError {
    git_failed(&format!("the checkpoints of run {run} cannot be read"), error)
}

pub(super) fn no_checkpoint(run: u64) -> EngineError {
    EngineError::not_found(format!("run {run} has no checkpoint"))
        .with_hint("checkpoints are taken while `git.checkpoints` is on; the run's log says more")
}
