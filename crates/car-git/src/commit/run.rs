//! Committing exactly what a run changed.
//!
//! The commit is built in an index of its own on top of HEAD. What the user had staged or edited before the run stays as it
//! is: staged, edited, uncommitted. A file in which both meet is committed with the run's part alone, or left out and named.
//! The commit is the user's: hooks and signing as they have set them up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::index::Entries;
use super::separate::Separated;
use crate::checkpoint::{Difference, Entry, Renames, file_error};
use crate::command::Git;
use crate::status::status_of;
use crate::{Checkpoints, FileState, GitError, Untracked};

/// How long the user's hooks and signing may take.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(300);
/// What in a git directory shows that somebody is in the middle of something.
const UNDER_WAY: [(&str, &str); 6] = [
    ("MERGE_HEAD", "a merge"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("BISECT_LOG", "a bisection"),
];

/// Files that were not as committed before a run: the user's own changes.
#[derive(Clone, Debug, Default)]
pub struct OwnChanges {
    changed: BTreeSet<PathBuf>,
    staged: BTreeSet<PathBuf>,
}

/// What is to be committed.
#[derive(Clone, Copy, Debug)]
pub struct CommitRequest<'a> {
    /// Checkpoint before the run.
    pub before: &'a str,
    /// Checkpoint after it; the newest one.
    pub after: &'a str,
    /// The user's own changes before it.
    pub own: &'a OwnChanges,
    /// The message.
    pub message: &'a str,
}

/// What was committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The commit; absent when there was nothing to commit.
    pub commit: Option<String>,
    /// The files in it.
    pub paths: Vec<PathBuf>,
    /// Files the run changed that are not in it, and why.
    pub left_out: Vec<(PathBuf, &'static str)>,
    /// What else the user should know, as sentences.
    pub notes: Vec<String>,
}

/// What the index of the commit gets, beside HEAD.
#[derive(Default)]
struct Selection {
    /// Taken from the working tree.
    whole: Vec<PathBuf>,
    /// Separated from the user's changes.
    parts: Entries,
    /// For the user's index: staged changes on top of the run's.
    restaged: Entries,
    left_out: Vec<(PathBuf, &'static str)>,
}

impl Checkpoints {
    /// The user's own changes as they are now. To be asked before a run.
    ///
    /// # Errors
    /// When git gives no answer.
    pub async fn own_changes(&self) -> Result<OwnChanges, GitError> {
        let mut own = OwnChanges::default();
        for file in status_of(self.user_git("status"), Untracked::All).await?.files {
            let paths = file.from.into_iter().chain([file.path]);
            for path in paths {
                if file.state.is_staged() {
                    own.staged.insert(path.clone());
                }
                own.changed.insert(path);
            }
        }
        Ok(own)
    }

    /// Commits what lies between two checkpoints and nothing else.
    ///
    /// # Errors
    /// When it is not the time for a commit, a hook or git refuses. Nothing is changed then.
    pub async fn commit(&self, request: CommitRequest<'_>) -> Result<Committed, GitError> {
        self.check_time().await?;
        let files = self.compare(request.before, request.after, Renames::Split, &[]).await?;
        if files.is_empty() {
            return Ok(Committed::default());
        }
        let user_index = self.git_dir.join("index");
        let index = self.spare_index("commit");
        let head = crate::head_id(&self.top).await;
        self.begin_from_head(&user_index, &index.0, head.is_some()).await?;
        let selection = self.select(&files, request.own, &user_index, &index.0).await?;
        self.fill(&files, &selection, &index.0).await?;
        let made = Committed { left_out: selection.left_out, ..Committed::default() };
        let tree = self.with_index("write-tree", &index.0).text().await?;
        let empty = self.git("hash-object").args(["-t", "tree", "/dev/null"]).text().await?;
        let base = head.unwrap_or(empty);
        let base_tree = self.git("rev-parse").value(format!("{base}^{{tree}}")).text().await?;
        if tree == base_tree {
            return Ok(made);
        }
        Git::for_user(&self.top, "commit")
            .env("GIT_INDEX_FILE", &index.0)
            .args(["--quiet", "--cleanup=whitespace", "--file=-"])
            .input(format!("{}\n", request.message).into_bytes())
            .timeout(COMMIT_TIMEOUT)
            .done()
            .await?;
        let commit = crate::head_id(&self.top).await;
        let listed = match &commit {
            Some(commit) => self.compare(&base, commit, Renames::Split, &[]).await?,
            None => Vec::new(),
        };
        let updated =
            self.update_user_index(&user_index, &listed, request.own, &selection.restaged).await;
        let notes = updated.err().map(|error| {
            format!("the commit is made, but the index is not up to date ({error}); `git reset` sets it right")
        });
        let paths = listed.into_iter().map(|file| file.path).collect();
        Ok(Committed { commit, paths, notes: notes.into_iter().collect(), ..made })
    }

    /// Refuses while the user is in the middle of something.
    async fn check_time(&self) -> Result<(), GitError> {
        let status = status_of(self.user_git("status"), Untracked::None).await?;
        if status.branch.is_none() {
            return Err(GitError::NotNow("no branch is checked out".to_owned()));
        }
        for (name, what) in UNDER_WAY {
            if self.git_dir.join(name).exists() {
                return Err(GitError::NotNow(format!("{what} is under way")));
            }
        }
        if status.files.iter().any(|file| file.state == FileState::Conflicted) {
            return Err(GitError::NotNow("there are unresolved conflicts".to_owned()));
        }
        if self.git_dir.join("index.lock").exists() {
            return Err(GitError::NotNow(
                "another git is at work (index.lock is there)".to_owned(),
            ));
        }
        Ok(())
    }

    /// An index that holds HEAD. What git knows of unchanged files is taken over, or it would read all of them.
    async fn begin_from_head(
        &self,
        user_index: &Path,
        index: &Path,
        has_head: bool,
    ) -> Result<(), GitError> {
        let args: &[&str] = match (has_head, fs::copy(user_index, index)) {
            (false, _) => &["--empty"],
            (true, Ok(_)) => &["--reset", "-i", "HEAD"],
            (true, Err(error)) if error.kind() == io::ErrorKind::NotFound => &["HEAD"],
            (true, Err(error)) => return Err(file_error("copy", user_index, error)),
        };
        self.with_index("read-tree", index).args(args).done().await
    }

    async fn select(
        &self,
        files: &[Difference],
        own: &OwnChanges,
        user_index: &Path,
        index: &Path,
    ) -> Result<Selection, GitError> {
        let changed_since = self.changed_since().await?;
        let both: BTreeSet<PathBuf> = files
            .iter()
            .map(|file| &file.path)
            .filter(|path| own.changed.contains(*path))
            .cloned()
            .collect();
        let head = self.entries(index, &both).await?;
        let staged = self.entries(user_index, &both).await?;
        let mut selection = Selection::default();
        for file in files {
            let path = file.path.clone();
            if changed_since.contains(path.as_os_str().as_bytes()) {
                selection.left_out.push((path, "it was changed again after the run"));
            } else if !both.contains(&path) {
                selection.whole.push(path);
            } else {
                let separated = self.separate(file, head.get(&path), staged.get(&path)).await?;
                selection.add(path, separated);
            }
        }
        Ok(selection)
    }

    /// Writes what was selected into the index of the commit.
    async fn fill(
        &self,
        files: &[Difference],
        selection: &Selection,
        index: &Path,
    ) -> Result<(), GitError> {
        let deleted: BTreeSet<&Path> = files
            .iter()
            .filter(|file| file.after.is_none())
            .map(|file| file.path.as_path())
            .collect();
        let (gone, there): (Vec<_>, Vec<_>) =
            selection.whole.iter().partition(|path| deleted.contains(path.as_path()));
        let update = || self.with_index("update-index", index).args(["-z"]);
        if !gone.is_empty() {
            update().args(["--force-remove", "--stdin"]).input(joined(&gone)).done().await?;
        }
        if !there.is_empty() {
            let args = ["--add", "--replace", "--remove", "--stdin"];
            update().args(args).input(joined(&there)).timeout(COMMIT_TIMEOUT).done().await?;
        }
        self.set_entries(index, &selection.parts).await
    }

    /// Takes the commit over into the user's index, so that it does not look reverted. What was staged stays staged.
    async fn update_user_index(
        &self,
        user_index: &Path,
        committed: &[Difference],
        own: &OwnChanges,
        restaged: &Entries,
    ) -> Result<(), GitError> {
        let paths = committed.iter().map(|file| file.path.clone()).collect();
        let index: BTreeMap<PathBuf, Entry> = self.entries(user_index, &paths).await?;
        let mut entries = restaged.clone();
        for file in committed {
            let is_as_before = index.get(&file.path) == file.before.as_ref();
            if is_as_before || !own.staged.contains(&file.path) {
                entries.entry(file.path.clone()).or_insert_with(|| file.after.clone());
            }
        }
        self.set_entries(user_index, &entries).await
    }
}

impl Selection {
    fn add(&mut self, path: PathBuf, separated: Separated) {
        match separated {
            Separated::Nothing => {}
            Separated::Not(why) => self.left_out.push((path, why)),
            Separated::Both { commit, staged } => {
                if staged.is_some() {
                    self.restaged.insert(path.clone(), staged);
                }
                self.parts.insert(path, Some(commit));
            }
        }
    }
}

fn joined(paths: &[&PathBuf]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path.as_os_str().as_bytes());
        bytes.push(0);
    }
    bytes
}
