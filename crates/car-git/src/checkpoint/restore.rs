//! Bringing files back from a checkpoint: all of them into a directory, or some of them into the working tree.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::store::file_error;
use super::{Checkpoints, Entry, Renames};
use crate::GitError;

/// Files that are to go from how one checkpoint holds them to how another does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// To be written, with what they must become.
    pub write: Vec<PathBuf>,
    /// To be deleted.
    pub delete: Vec<PathBuf>,
    /// That are neither as in the first checkpoint nor as in the second, or whose place is taken. They are in one of the two
    /// lists above as well.
    pub conflicts: Vec<PathBuf>,
}

impl Move {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.write.is_empty() && self.delete.is_empty()
    }
}

impl Checkpoints {
    /// Writes everything that `commit` holds into `dir`, which must be empty or not there. Returns the number of files.
    ///
    /// # Errors
    /// When `dir` holds something, the checkpoint is gone, or a file cannot be written.
    pub async fn export(&self, commit: &str, dir: &Path) -> Result<u64, GitError> {
        fs::create_dir_all(dir).map_err(|error| file_error("create", dir, error))?;
        let mut entries = fs::read_dir(dir).map_err(|error| file_error("read", dir, error))?;
        if entries.next().is_some() {
            let source = io::Error::from(io::ErrorKind::DirectoryNotEmpty);
            return Err(file_error("restore into", dir, source));
        }
        let dir = dir.canonicalize().map_err(|error| file_error("read", dir, error))?;
        self.make().await?;
        let index = self.spare_index("export");
        let call = |command| self.git_at(&dir, command).env("GIT_INDEX_FILE", &index.0);
        call("read-tree").value(commit).done().await?;
        call("checkout-index").args(["--all", "--quiet"]).done().await?;
        let mut n_files = 0;
        call("ls-files").args(["-z"]).records(|_| n_files += 1).await?;
        Ok(n_files)
    }

    /// What has to be done so that the files in which `from` and `to` differ, or those of them that are in `only`, become as
    /// in `to`. `now` is a checkpoint or tree of the working tree as it is; a file that is as in `to` already needs nothing.
    ///
    /// # Errors
    /// When a checkpoint is gone, or git gives no answer.
    pub async fn plan(
        &self,
        from: &str,
        to: &str,
        now: &str,
        only: Option<&BTreeSet<PathBuf>>,
    ) -> Result<Move, GitError> {
        let wanted = self.compare(from, to, Renames::Split, &[]).await?;
        let later = self.compare(from, now, Renames::Split, &[]).await?;
        let later: HashMap<PathBuf, Option<Entry>> =
            later.into_iter().map(|file| (file.path, file.after)).collect();
        let mut plan = Move::default();
        let mut were_there = HashSet::new();
        for file in wanted {
            if only.is_some_and(|only| !only.contains(&file.path)) {
                continue;
            }
            let changed = later.get(&file.path);
            if changed.is_some_and(|now| *now == file.after) {
                continue;
            }
            if changed.is_some() {
                plan.conflicts.push(file.path.clone());
            }
            if changed.map_or(file.before.is_some(), Option::is_some) {
                were_there.insert(file.path.clone());
            }
            match file.after {
                Some(_) => plan.write.push(file.path),
                None => plan.delete.push(file.path),
            }
        }
        let (top, mut plan) = (self.top.clone(), plan);
        let blocked = tokio::task::spawn_blocking(move || {
            let doomed: HashSet<&Path> = plan.delete.iter().map(PathBuf::as_path).collect();
            let is_taken = |path: &&PathBuf| is_taken(&top, path, &doomed, &were_there);
            let taken: Vec<PathBuf> = plan.write.iter().filter(is_taken).cloned().collect();
            plan.conflicts.extend(taken);
            plan.conflicts.sort();
            plan.conflicts.dedup();
            plan
        });
        blocked.await.map_err(|error| GitError::Run(error.into()))
    }

    /// Does what a plan says, with the files that `to` holds. Nothing else is touched.
    ///
    /// # Errors
    /// When a file cannot be deleted or written; what was done by then stays done.
    pub async fn carry_out(&self, plan: Move, to: &str) -> Result<(), GitError> {
        let (top, delete) = (self.top.clone(), plan.delete);
        let deleting = tokio::task::spawn_blocking(move || delete_files(&top, &delete)).await;
        deleting.map_err(|error| GitError::Run(error.into()))??;
        if plan.write.is_empty() {
            return Ok(());
        }
        let index = self.spare_index("restore");
        let call = |command| self.git(command).env("GIT_INDEX_FILE", &index.0);
        call("read-tree").value(to).done().await?;
        let names = plan.write.iter().flat_map(|path| [path.as_os_str().as_bytes(), b"\0"]);
        let input = names.collect::<Vec<_>>().concat();
        let args = ["--force", "--quiet", "-z", "--stdin"];
        call("checkout-index").args(args).input(input).done().await
    }
}

/// Whether something stands in the way that no checkpoint holds: an ignored file, or a directory with other files in it.
fn is_taken(
    top: &Path,
    path: &Path,
    doomed: &HashSet<&Path>,
    were_there: &HashSet<PathBuf>,
) -> bool {
    for parent in path.ancestors().skip(1) {
        let Ok(metadata) = fs::symlink_metadata(top.join(parent)) else { continue };
        if !metadata.is_dir() {
            return !doomed.contains(parent);
        }
    }
    match fs::symlink_metadata(top.join(path)) {
        Ok(metadata) if metadata.is_dir() => !holds_only(top, path, doomed),
        Ok(_) => !were_there.contains(path),
        Err(_) => false,
    }
}

fn holds_only(top: &Path, dir: &Path, doomed: &HashSet<&Path>) -> bool {
    let Ok(entries) = fs::read_dir(top.join(dir)) else { return false };
    entries.into_iter().all(|entry| {
        let Ok(entry) = entry else { return false };
        let path = dir.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => holds_only(top, &path, doomed),
            _ => doomed.contains(path.as_path()),
        }
    })
}

/// Deletes files, and directories that become empty by it.
fn delete_files(top: &Path, paths: &[PathBuf]) -> Result<(), GitError> {
    for path in paths {
        let parents_are_real = path.ancestors().skip(1).all(|parent| {
            fs::symlink_metadata(top.join(parent)).is_ok_and(|metadata| metadata.is_dir())
        });
        if !parents_are_real {
            continue; // The file is gone with its directory; what a link leads to is not ours.
        }
        let full = top.join(path);
        match fs::remove_file(&full) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(file_error("delete", &full, error));
            }
            _ => {}
        }
        for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            if fs::remove_dir(top.join(parent)).is_err() {
                break; // Other files are in it.
            }
        }
    }
    Ok(())
}
