//! What a run changed, what is not committed, what a branch changed.

use std::path::{Component, Path, PathBuf};

use car_domain::changes::Compared;
use car_domain::run::{FileChangeKind, FileDiff, RunSummary};
use car_git::{Checkpoints, Difference, PatchForm, Renames};

use super::{git_failed, open};
use crate::history::History;
use crate::served::blocking;
use crate::{EngineError, Repo};

/// The difference between two states of the working tree.
#[derive(Debug)]
pub struct Changes {
    checkpoints: Checkpoints,
    /// Commit or tree that holds the files before.
    pub before: String,
    /// Commit, or for the present files the tree, that holds them after.
    pub after: String,
    /// Whether the present files are what is compared with.
    pub is_up_to_now: bool,
    /// Name of the branch that was left, when that is what is compared with.
    pub left: Option<String>,
}

impl Changes {
    /// What `compared` says.
    ///
    /// # Errors
    /// When there is no such thing, or git gives no answer.
    pub async fn of(repo: &Repo, compared: Compared) -> Result<Self, EngineError> {
        match compared {
            Compared::Run(run) => Self::of_run(repo, run).await,
            Compared::Uncommitted => {
                let before = match car_git::head_id(repo.root()).await {
                    Some(commit) => commit,
                    None => car_git::empty_tree(repo.root()).await.map_err(no_answer)?,
                };
                Self::since(repo, before, None).await
            }
            Compared::Branch => match car_git::fork_point(repo.root()).await {
                Some((before, left)) => Self::since(repo, before, Some(left)).await,
                None => Err(EngineError::not_found(
                    "No branch was left here, so there is none to compare.",
                )
                .with_hint("this needs a checked-out branch that began at `main` or `master`")),
            },
        }
    }

    /// Whether the checked-out branch of `repo` left another one, so that [`Compared::Branch`] means something.
    pub async fn has_branch(repo: &Repo) -> bool {
        car_git::fork_point(repo.root()).await.is_some()
    }

    async fn since(repo: &Repo, before: String, left: Option<String>) -> Result<Self, EngineError> {
        let checkpoints = open(repo).await.map_err(no_answer)?;
        let after = checkpoints.tree().await.map_err(no_answer)?;
        Ok(Self { checkpoints, before, after, is_up_to_now: true, left })
    }

    /// Looks at run `run` of `repo`. A run without a checkpoint afterwards is compared with the present files.
    ///
    /// # Errors
    /// When there is no such run, it has no checkpoints, or they were given up.
    pub async fn of_run(repo: &Repo, run: u64) -> Result<Self, EngineError> {
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
        Ok(Self { checkpoints, before, after, is_up_to_now, left: None })
    }

    /// Top of the working tree, to which paths are relative.
    pub fn top(&self) -> &Path {
        self.checkpoints.top()
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
    /// As for [`Changes::files`].
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

fn no_answer(error: car_git::GitError) -> EngineError {
    git_failed("the changes cannot be read", error)
}

pub(super) fn failed(run: u64, error: car_git::GitError) -> EngineError {
    git_failed(&format!("the checkpoints of run {run} cannot be read"), error)
}

pub(super) fn no_checkpoint(run: u64) -> EngineError {
    EngineError::not_found(format!("run {run} has no checkpoint"))
        .with_hint("checkpoints are taken while `git.checkpoints` is on; the run's log says more")
}
