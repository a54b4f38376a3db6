//! Every version of every document that CAR has seen.
//!
//! `history/<kind>.jsonl` lists the versions of a document, `history/versions/<sha256>` holds the texts. Versions older than
//! `docs.history_days` go, the newest one stays. What an agent or an editor writes is seen before and after each run, by the
//! server when the file changes, and before CAR writes the document itself.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use car_domain::docs::{DocKind, DocVersion, Document};

use super::{Docs, Expected, read_bytes, version_of};
use crate::files::{AppendFile, lock_file, write_atomic};
use crate::{EngineError, now};

/// Most versions kept of one document, whatever their age: enough for one every half hour of a month.
const MAX_VERSIONS: usize = 2000;
/// Fewest characters that name a version.
const MIN_PREFIX: usize = 4;

impl Docs<'_> {
    /// The versions of a document, oldest first.
    ///
    /// # Errors
    /// When the list exists and cannot be read.
    pub fn history(&self, kind: DocKind) -> Result<Vec<DocVersion>, EngineError> {
        let bytes = read_bytes(&self.list_path(kind))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        // A torn last line is no version; its text is kept again by whoever sees it next.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The version that `name` begins, as at least four characters of it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn find_version(&self, kind: DocKind, name: &str) -> Result<DocVersion, EngineError> {
        let name = name.trim().to_lowercase();
        let mut found: Vec<DocVersion> = self.history(kind)?;
        found.retain(|version| version.version.starts_with(&name));
        found.reverse();
        found.dedup_by(|a, b| a.version == b.version);
        let one = found.first().map(|version| version.version.clone());
        match one {
            Some(one) if name.len() >= MIN_PREFIX && found.iter().all(|v| v.version == one) => {
                Ok(found.swap_remove(0))
            }
            Some(_) => Err(EngineError::new(
                crate::ErrorKind::NotFound,
                format!("`{name}` names several versions of {}", kind.title()),
            )
            .with_hint("give more characters of it")),
            None => {
                Err(EngineError::not_found(format!("{} has no version `{name}`", kind.title()))
                    .with_hint(format!("`car docs history {kind}` lists them")))
            }
        }
    }

    /// The text of a version, byte by byte.
    ///
    /// # Errors
    /// When it is not kept (any more).
    pub fn version_bytes(&self, kind: DocKind, version: &str) -> Result<Vec<u8>, EngineError> {
        let path = self.text_path(version);
        fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EngineError::not_found(format!(
                "the text of version {version} of {} is not kept any more",
                kind.title()
            )),
            _ => EngineError::file("read", &path, error),
        })
    }

    /// Makes an old version the present one. The present one is in the history then.
    ///
    /// # Errors
    /// When there is no such version, its text is gone, or the document cannot be written.
    pub fn restore(&self, kind: DocKind, version: &str) -> Result<Document, EngineError> {
        let found = self.find_version(kind, version)?;
        let text = self.version_bytes(kind, &found.version)?;
        let text = String::from_utf8(text).map_err(|error| {
            EngineError::conflict(format!("version {} is no text", found.version))
                .with_source(error)
                .with_hint(format!("copy {} by hand", self.text_path(&found.version).display()))
        })?;
        self.write(kind, &text, Expected::Anything, "restore")?.into_result()
    }

    /// Keeps the present version of every document that is not kept yet. `author` is who wrote them, as far as known.
    ///
    /// # Errors
    /// When a document cannot be read or kept.
    pub fn observe(&self, author: &str) -> Result<(), EngineError> {
        let _lock = lock_file(&self.repo.car_dir().join("docs.lock"))?;
        DocKind::ALL.into_iter().try_for_each(|kind| self.keep_current(kind, author))
    }

    /// Keeps a text that could not be written, so that it is not lost, and tells the name of this version. The present one
    /// stays the newest. `author` is who wrote it.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn set_aside(
        &self,
        kind: DocKind,
        text: &str,
        author: &str,
    ) -> Result<String, EngineError> {
        let _lock = lock_file(&self.repo.car_dir().join("docs.lock"))?;
        self.keep_current(kind, "outside")?;
        let present = self.history(kind)?.pop();
        self.keep(kind, text.as_bytes(), author)?;
        if let Some(present) = present {
            self.keep_current(kind, &present.author)?;
        }
        Ok(version_of(Some(text.as_bytes())))
    }

    pub(super) fn keep_current(&self, kind: DocKind, author: &str) -> Result<(), EngineError> {
        match read_bytes(&self.path(kind))? {
            Some(bytes) => self.keep(kind, &bytes, author),
            None => Ok(()),
        }
    }

    /// Adds a version unless it is the newest one already. Only under the lock of the documents.
    pub(super) fn keep(
        &self,
        kind: DocKind,
        bytes: &[u8],
        author: &str,
    ) -> Result<(), EngineError> {
        let version = version_of(Some(bytes));
        let known = self.history(kind)?;
        if known.last().is_some_and(|last| last.version == version) {
            return Ok(());
        }
        let texts = self.texts_dir();
        fs::create_dir_all(&texts).map_err(|error| EngineError::file("create", &texts, error))?;
        let path = self.text_path(&version);
        if !path.exists() {
            write_atomic(&path, bytes).map_err(|error| EngineError::file("write", &path, error))?;
        }
        let entry =
            DocVersion { version, at: now(), author: author.to_owned(), bytes: bytes.len() as u64 };
        let list = self.list_path(kind);
        let line = serde_json::to_string(&entry).unwrap_or_default();
        AppendFile::open(&list)
            .and_then(|mut file| file.write_line(&line))
            .map_err(|error| EngineError::file("write", &list, error))?;
        self.prune(kind, known, entry)
    }

    /// Forgets what is too old, when there is something.
    fn prune(
        &self,
        kind: DocKind,
        mut known: Vec<DocVersion>,
        newest: DocVersion,
    ) -> Result<(), EngineError> {
        let days = u64::from(self.repo.config().docs.history_days);
        let max_age = Duration::from_secs(days * 24 * 3600);
        let is_old = |version: &DocVersion| newest.at.since(version.at) > max_age;
        let n_old = known.iter().take_while(|version| is_old(version)).count();
        let n_surplus = (known.len() + 1).saturating_sub(MAX_VERSIONS);
        // In pieces, so that a long history is not rewritten with every version.
        if n_old == 0 && n_surplus < MAX_VERSIONS / 10 {
            return Ok(());
        }
        known.drain(..n_old.max(n_surplus));
        known.push(newest);
        let lines = known.iter().filter_map(|version| serde_json::to_string(version).ok());
        let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
        let list = self.list_path(kind);
        write_atomic(&list, text.as_bytes())
            .map_err(|error| EngineError::file("write", &list, error))?;
        self.drop_unlisted_texts()
    }

    fn drop_unlisted_texts(&self) -> Result<(), EngineError> {
        let mut listed = HashSet::new();
        for kind in DocKind::ALL {
            listed.extend(self.history(kind)?.into_iter().map(|version| version.version));
        }
        let dir = self.texts_dir();
        let entries = fs::read_dir(&dir).map_err(|error| EngineError::file("list", &dir, error))?;
        for entry in entries.flatten() {
            let is_listed = entry.file_name().to_str().is_some_and(|name| listed.contains(name));
            if !is_listed {
                // One that stays is a little waste and goes with the next pruning.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn list_path(&self, kind: DocKind) -> PathBuf {
        self.repo.car_dir().join("history").join(format!("{kind}.jsonl"))
    }

    pub(super) fn texts_dir(&self) -> PathBuf {
        self.repo.car_dir().join("history/versions")
    }

    fn text_path(&self, version: &str) -> PathBuf {
        self.texts_dir().join(version)
    }
}
