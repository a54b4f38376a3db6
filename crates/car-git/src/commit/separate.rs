//! Separating a run's own change from what a person had changed in the same file before.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::checkpoint::{Difference, Entry, file_error};
use crate::{Checkpoints, GitError};

/// Largest file that is separated, in bytes.
const MAX_FILE: usize = 4 << 20;

/// What becomes of a file that was not clean before the run.
#[derive(Debug)]
pub(super) enum Separated {
    /// The commit already holds what the run did, or there is nothing it could hold.
    Nothing,
    /// The committed version with the run's change, and the staged version with it when something is staged.
    Both {
        /// For the commit.
        commit: Entry,
        /// For the index, where the user's staged change stays on top.
        staged: Option<Entry>,
    },
    /// It cannot be separated; why.
    Not(&'static str),
}

impl Checkpoints {
    /// Puts what the run did to `file` on top of the committed version, and of the staged one.
    pub(super) async fn separate(
        &self,
        file: &Difference,
        head: Option<&Entry>,
        staged: Option<&Entry>,
    ) -> Result<Separated, GitError> {
        let Some(after) = &file.after else {
            return Ok(match head {
                Some(_) => Separated::Not("it held changes of yours, and the run deleted it"),
                None => Separated::Nothing,
            });
        };
        let Some(head) = head else {
            return Ok(Separated::Not("it was there before the run, but in no commit"));
        };
        if after.mode == head.mode && self.cleaned(&file.path, &after.id).await? == head.id {
            return Ok(Separated::Nothing);
        }
        let Some(before) = &file.before else {
            return Ok(Separated::Not("you had deleted it before the run"));
        };
        let Some(staged) = staged else {
            return Ok(Separated::Not("you had staged its deletion before the run"));
        };
        let Some(commit) = self.rebased(file, before, after, head).await? else {
            return Ok(Separated::Not("the run's change cannot be told from yours"));
        };
        if commit == *head {
            return Ok(Separated::Nothing);
        }
        if staged == head {
            return Ok(Separated::Both { commit, staged: None });
        }
        let Some(staged) = self.rebased(file, before, after, staged).await? else {
            return Ok(Separated::Not("the run's change cannot be told from what you have staged"));
        };
        Ok(Separated::Both { commit, staged: Some(staged) })
    }

    /// The version `onto` with what lies between `before` and `after`; `None` when they overlap or are no text.
    async fn rebased(
        &self,
        file: &Difference,
        before: &Entry,
        after: &Entry,
        onto: &Entry,
    ) -> Result<Option<Entry>, GitError> {
        if [before, after, onto].iter().any(|entry| !entry.mode.starts_with("100")) {
            return Ok(None);
        }
        let mode = if before.mode == after.mode { &onto.mode } else { &after.mode }.clone();
        if before.id == after.id {
            return Ok(Some(Entry { mode, id: onto.id.clone() }));
        }
        let filters = || {
            self.user_git("cat-file").args([OsString::from("--filters"), path_option(&file.path)])
        };
        let raw = |id: &str| self.git("cat-file").args(["blob"]).value(id).max_output(MAX_FILE);
        let versions = [
            filters().value(&onto.id).max_output(MAX_FILE).bytes().await,
            raw(&before.id).bytes().await,
            raw(&after.id).bytes().await,
        ];
        let mut texts = Vec::new();
        for version in versions {
            match version {
                Ok(bytes) => texts.push(bytes),
                Err(GitError::TooMuch { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let Some(merged) = self.merged(&texts).await? else { return Ok(None) };
        let call = self.user_git("hash-object").config("core.safecrlf=false");
        let args = [OsString::from("-w"), "--stdin".into(), path_option(&file.path)];
        let id = call.args(args).input(merged).text().await?;
        Ok(Some(Entry { mode, id }))
    }

    /// Git's three-way merge of ours, base, theirs; `None` when they overlap or are no text.
    async fn merged(&self, texts: &[Vec<u8>]) -> Result<Option<Vec<u8>>, GitError> {
        let dir = self.spare_index("merge").0.with_extension("files");
        fs::create_dir_all(&dir).map_err(|error| file_error("create", &dir, error))?;
        let paths = ["ours", "base", "theirs"].map(|name| dir.join(name));
        for (path, text) in paths.iter().zip(texts) {
            fs::write(path, text).map_err(|error| file_error("write", path, error))?;
        }
        let call = self.git("merge-file").args(["--stdout", "--quiet"]).args(&paths);
        let answer = call.max_output(3 * MAX_FILE).answer().await;
        let _ = fs::remove_dir_all(&dir); // Written anew next time.
        let answer = answer?;
        Ok(answer.status.success().then_some(answer.stdout))
    }

    /// What git would store for a file with the bytes of object `id`, after its filters and line ending conversion.
    async fn cleaned(&self, path: &Path, id: &str) -> Result<String, GitError> {
        let raw = self.git("cat-file").args(["blob"]).value(id).max_output(MAX_FILE);
        let bytes = match raw.bytes().await {
            Ok(bytes) => bytes,
            Err(GitError::TooMuch { .. }) => return Ok(String::new()),
            Err(error) => return Err(error),
        };
        let call = self.user_git("hash-object").config("core.safecrlf=false");
        call.args([OsString::from("--stdin"), path_option(path)]).input(bytes).text().await
    }
}

fn path_option(path: &Path) -> OsString {
    let mut option = OsString::from("--path=");
    option.push(path);
    option
}
