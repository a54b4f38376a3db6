//! Taking a checkpoint.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;

use car_domain::run::CheckpointStage;

use super::sorting::Sorted;
use super::{CheckpointName, Checkpoints};
use crate::GitError;
use crate::command::Git;

/// Files that may differ from the last checkpoint. More than that in one directory tree is no source code.
const MAX_FILES: usize = 1_000_000;
/// Who makes checkpoints.
const AUTHOR: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "CAR"),
    ("GIT_AUTHOR_EMAIL", "car@localhost"),
    ("GIT_COMMITTER_NAME", "CAR"),
    ("GIT_COMMITTER_EMAIL", "car@localhost"),
];

/// A checkpoint that was just taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The commit that holds it.
    pub commit: String,
    /// Its tree; the same tree means the same files.
    pub tree: String,
    /// What is not in it, as sentences.
    pub notes: Vec<String>,
}

/// What happens to a file that was in the last checkpoint and is ignored now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ignored {
    /// It leaves the checkpoint.
    Leave,
    /// It stays: a run that adds a rule to `.gitignore` has not deleted the file.
    Stay,
}

impl Checkpoints {
    /// Takes a checkpoint of the working tree and keeps it as `name`.
    ///
    /// # Errors
    /// When git fails or the disk is full. Nothing is changed then.
    pub async fn take(&self, name: CheckpointName) -> Result<Checkpoint, GitError> {
        let _lock = self.ready().await?;
        let ignored = match name {
            CheckpointName::Run(_, CheckpointStage::Before) => Ignored::Leave,
            CheckpointName::Run(_, CheckpointStage::After)
            | CheckpointName::Undo(_)
            | CheckpointName::Redo(_) => Ignored::Stay,
        };
        let (tree, notes) = self.tree_again(ignored).await?;
        let mut call = self.git("commit-tree").args(["-m", &format!("CAR checkpoint {name}")]);
        for parent in self.parents(name).await {
            call = call.args(["-p", &parent]);
        }
        for (variable, value) in AUTHOR {
            call = call.env(variable, value);
        }
        let commit = call.args([&tree]).text().await?;
        self.keep(name, &commit).await?;
        Ok(Checkpoint { commit, tree, notes })
    }

    /// HEAD. For what is undone or redone once more also the earlier checkpoints, which lose their name by it: whatever a
    /// person overwrote stays reachable.
    async fn parents(&self, name: CheckpointName) -> Vec<String> {
        let mut parents = Vec::from_iter(crate::head_id(&self.top).await);
        if let CheckpointName::Undo(run) | CheckpointName::Redo(run) = name {
            for earlier in [CheckpointName::Undo(run), CheckpointName::Redo(run)] {
                parents.extend(self.find(earlier).await);
            }
        }
        parents.dedup();
        parents
    }

    /// The id of the working tree as it is now; the same id means the same files. Cheap when little has changed since the
    /// last checkpoint.
    ///
    /// # Errors
    /// As for [`Checkpoints::take`].
    pub async fn tree(&self) -> Result<String, GitError> {
        let _lock = self.ready().await?;
        self.tree_again(Ignored::Stay).await.map(|(tree, _)| tree)
    }

    /// Files of the last checkpoint that are no longer as they were then.
    pub(crate) async fn changed_since(&self) -> Result<BTreeSet<Vec<u8>>, GitError> {
        let _lock = self.ready().await?;
        let names = list(self.git("ls-files").args(["-z", "--modified", "--deleted"])).await?;
        Ok(names.into_iter().collect())
    }

    /// Once more from nothing, when the index cannot be used: it is damaged, or git has dropped the objects of checkpoints
    /// that were given up.
    async fn tree_again(&self, ignored: Ignored) -> Result<(String, Vec<String>), GitError> {
        match self.write_tree(ignored).await {
            Err(GitError::Failed { .. }) if fs::remove_file(self.index()).is_ok() => {
                self.write_tree(ignored).await
            }
            answer => answer,
        }
    }

    async fn write_tree(&self, ignored: Ignored) -> Result<(String, Vec<String>), GitError> {
        let excludes = self.excludes_file().await?.map(|file| {
            let mut setting = OsString::from("core.excludesFile=");
            setting.push(file);
            setting
        });
        let ls_files = |call: Git| match &excludes {
            Some(setting) => call.config(setting.clone()),
            None => call,
        };
        let differing = ["-z", "--modified", "--others", "--exclude-standard"];
        let mut names = list(ls_files(self.git("ls-files")).args(differing)).await?;
        // A file may be ignored and tracked all the same.
        let both = ["-z", "--cached", "--ignored", "--exclude-standard"];
        let tracked = list(self.user_git("ls-files").args(both)).await?;
        let here = list(ls_files(self.git("ls-files")).args(both)).await?;
        let (tracked, here) = (set(tracked), set(here));
        names.extend(tracked.difference(&here).cloned());
        let mut sorted = self.sorted(names).await?;
        if ignored == Ignored::Leave {
            for name in here.difference(&tracked) {
                sorted.forget.extend_from_slice(name);
                sorted.forget.push(0);
            }
        }
        let notes = sorted.notes();
        self.update_index(sorted).await?;
        let tree = self.git("write-tree").text().await?;
        Ok((tree, notes))
    }

    async fn sorted(&self, names: Vec<Vec<u8>>) -> Result<Sorted, GitError> {
        let (top, left_alone) = (self.top.clone(), self.left_alone.clone());
        let sorting =
            tokio::task::spawn_blocking(move || Sorted::sort(&top, &names, &left_alone)).await;
        sorting.map_err(|error| GitError::Run(error.into()))
    }

    async fn update_index(&self, sorted: Sorted) -> Result<(), GitError> {
        let update = || self.git("update-index").args(["-z"]);
        if !sorted.forget.is_empty() {
            update().args(["--force-remove", "--stdin"]).input(sorted.forget).done().await?;
        }
        if !sorted.store.is_empty() {
            let add = ["--add", "--replace", "--remove", "--stdin"];
            update().args(add).input(sorted.store).done().await?;
        }
        Ok(())
    }
}

fn set(names: Vec<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    names.into_iter().collect()
}

async fn list(call: Git) -> Result<Vec<Vec<u8>>, GitError> {
    let (mut names, mut n_names) = (Vec::new(), 0);
    call.records(|name| {
        n_names += 1;
        if n_names <= MAX_FILES {
            names.push(name.to_vec());
        }
    })
    .await?;
    if n_names > MAX_FILES {
        return Err(GitError::TooManyFiles(MAX_FILES));
    }
    names.dedup(); // A deleted file is also a changed one.
    Ok(names)
}
