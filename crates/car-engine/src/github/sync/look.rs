//! The state of the repository that a sync starts from, read from git alone.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use car_git::{FileState, FileStatus, Untracked};
use sha2::{Digest, Sha256};

use crate::config::CAR_DIR;
use crate::{EngineError, ErrorKind, Repo};

/// A branch and its working tree.
pub(super) struct Look {
    /// Top of the working tree; paths of files are relative to it.
    pub(super) top: PathBuf,
    pub(super) branch: Option<String>,
    pub(super) head: Option<String>,
    /// What would be committed.
    pub(super) files: Vec<FileStatus>,
    /// Untracked repositories inside this one, which are left alone.
    pub(super) nested: Vec<String>,
    pub(super) remote: Option<String>,
    /// Size and time of each file, which a write changes.
    stamps: Vec<[i64; 3]>,
}

impl Look {
    pub(super) async fn at(repo: &Repo) -> Result<Self, EngineError> {
        let root = repo.root();
        let top = car_git::top(root).await.map_err(asked)?;
        let status = car_git::status(&top, Untracked::All).await.map_err(asked)?;
        let own = root.join(CAR_DIR);
        let mut look = Self {
            remote: match &status.branch {
                Some(branch) => car_git::push_remote(&top, branch).await.map_err(asked)?,
                None => None,
            },
            top,
            branch: status.branch,
            head: status.commit,
            files: Vec::new(),
            nested: Vec::new(),
            stamps: Vec::new(),
        };
        for file in status.files {
            let is_untracked = file.state == FileState::Untracked;
            if is_untracked && look.top.join(&file.path).starts_with(&own) {
                continue; // CAR's own files, where nothing makes git ignore them.
            }
            if is_untracked && file.path.as_os_str().as_bytes().ends_with(b"/") {
                look.nested.push(file.path.display().to_string());
                continue;
            }
            look.files.push(file);
        }
        let paths: Vec<PathBuf> = look.files.iter().map(|file| look.top.join(&file.path)).collect();
        let stamps = tokio::task::spawn_blocking(move || {
            paths.iter().map(|path| stamp(path)).collect::<Vec<_>>()
        });
        look.stamps = stamps.await.unwrap_or_default();
        Ok(look)
    }

    /// A text that is another one when a commit was made, a file was changed, or another branch is checked out.
    pub(super) fn version(&self, base: &str) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for text in
            [Some(base), self.branch.as_deref(), self.head.as_deref(), self.remote.as_deref()]
        {
            add(text.unwrap_or_default().as_bytes());
        }
        for file in &self.files {
            add(file.path.as_os_str().as_bytes());
            add(letters(file.state).as_bytes());
        }
        for number in self.stamps.iter().flatten() {
            add(&number.to_le_bytes());
        }
        let digest = hash.finalize();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Untracked files whose names say that they hold secrets.
    pub(super) fn secret_files(&self) -> Vec<String> {
        let untracked = self.files.iter().filter(|file| file.state == FileState::Untracked);
        let secret = untracked.filter(|file| is_secret(&file.path));
        secret.map(|file| file.path.display().to_string()).collect()
    }

    /// Files in the middle of a merge.
    pub(super) fn conflicts(&self) -> usize {
        self.files.iter().filter(|file| file.state == FileState::Conflicted).count()
    }

    pub(super) fn paths(&self) -> Vec<&Path> {
        self.files.iter().map(|file| file.path.as_path()).collect()
    }

    /// How `base` is called here: as the remote has it, else the local branch.
    pub(super) async fn base_ref(&self, base: &str) -> Option<String> {
        let remote = self.remote.as_ref().map(|remote| format!("refs/remotes/{remote}/{base}"));
        for name in remote.into_iter().chain([format!("refs/heads/{base}")]) {
            if car_git::commit_id(&self.top, &name).await.is_some() {
                return Some(name);
            }
        }
        None
    }
}

fn stamp(path: &Path) -> [i64; 3] {
    let seen = fs::symlink_metadata(path);
    seen.map(|seen| [seen.len().cast_signed(), seen.mtime(), seen.mtime_nsec()]).unwrap_or_default()
}

/// Git's two letters for how a file differs.
pub(super) fn letters(state: FileState) -> String {
    match state {
        FileState::Changed { index, tree } => format!("{index}{tree}"),
        FileState::Conflicted => "UU".to_owned(),
        FileState::Untracked => "??".to_owned(),
    }
}

/// Git gave no answer, or refused.
pub(super) fn asked(error: car_git::GitError) -> EngineError {
    EngineError::new(ErrorKind::Other, "git does not do what a sync needs").with_source(error)
}

fn is_secret(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_example = [".example", ".sample", ".template"].iter().any(|end| name.ends_with(end));
    let names = [".env", "id_rsa", "id_ed25519", "id_ecdsa", ".npmrc", ".pypirc", ".netrc"];
    let ends = [".pem", ".key", ".p12", ".pfx", ".kdbx"];
    !is_example
        && (names.contains(&name.as_str())
            || name.starts_with(".env.")
            || ends.iter().any(|end| name.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_and_examples_are_none() {
        for name in [".env", "a/.env.local", "key.PEM", "b/id_ed25519"] {
            assert!(is_secret(Path::new(name)), "{name}");
        }
        for name in [".env.example", "env", "keys.rs", "id_ed25519.pub"] {
            assert!(!is_secret(Path::new(name)), "{name}");
        }
    }
}
