//! Reading and writing entries of an index.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::checkpoint::{Entry, STEP};
use crate::command::{Git, path};
use crate::{Checkpoints, GitError};

/// Entries by path; `None` is an entry that goes.
pub(super) type Entries = BTreeMap<PathBuf, Option<Entry>>;

impl Checkpoints {
    /// A call in the user's repository whose hooks do not run, with another index.
    pub(super) fn with_index(&self, command: &'static str, index: &Path) -> Git {
        let call = Git::write(&self.top, command).env("GIT_INDEX_FILE", index).timeout(STEP);
        call.config("core.safecrlf=false") // It would refuse files that git converts.
    }

    /// What an index holds of `paths`.
    pub(super) async fn entries(
        &self,
        index: &Path,
        paths: &BTreeSet<PathBuf>,
    ) -> Result<BTreeMap<PathBuf, Entry>, GitError> {
        let mut entries = BTreeMap::new();
        self.with_index("ls-files", index)
            .args(["-z", "--stage"])
            .records(|record| {
                let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { return };
                let path = path(&record[tab + 1..]);
                if paths.contains(&path) {
                    let head = String::from_utf8_lossy(&record[..tab]).into_owned();
                    let mut words = head.split(' ').map(str::to_owned);
                    if let (Some(mode), Some(id)) = (words.next(), words.next()) {
                        entries.insert(path, Entry { mode, id });
                    }
                }
            })
            .await?;
        Ok(entries)
    }

    /// Writes entries into an index.
    pub(super) async fn set_entries(
        &self,
        index: &Path,
        entries: &Entries,
    ) -> Result<(), GitError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        // What goes makes room for what comes, when a file becomes a directory.
        for is_deletion in [true, false] {
            for (path, entry) in entries.iter().filter(|(_, e)| e.is_none() == is_deletion) {
                let head = match entry {
                    Some(Entry { mode, id }) => format!("{mode} {id}\t"),
                    None => format!("0 {}\t", self.null_id()),
                };
                lines.extend_from_slice(head.as_bytes());
                lines.extend_from_slice(path.as_os_str().as_bytes());
                lines.push(0);
            }
        }
        let call = self.with_index("update-index", index);
        call.args(["-z", "--replace", "--index-info"]).input(lines).done().await
    }
}
