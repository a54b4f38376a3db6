//! The documents: the memory agents share between runs.
//!
//! The live file is the truth; anybody may edit it at any time. What CAR writes it writes against a version, and every version
//! it sees is kept for a while, so no text is lost by writing.

mod history;
mod report;
#[cfg(test)]
mod tests;
mod tick;
mod write;

pub use tick::Tick;
pub use write::{DocChange, DocWrite, Expected};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use car_domain::Timestamp;
use car_domain::docs::{DocKind, Document};
use car_domain::todo::TodoList;
use sha2::{Digest, Sha256};

use crate::{EngineError, Repo};

/// The documents of a repository.
#[derive(Clone, Copy, Debug)]
pub struct Docs<'a> {
    repo: &'a Repo,
}

/// Texts of the five work documents; a missing one is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct DocTexts {
    pub todo: String,
    pub progress: String,
    pub opinions: String,
    pub spec: String,
    pub summary: String,
}

impl<'a> Docs<'a> {
    pub(crate) fn new(repo: &'a Repo) -> Self {
        Self { repo }
    }

    /// Where a document is.
    pub fn path(&self, kind: DocKind) -> PathBuf {
        self.repo.root().join(self.configured(kind))
    }

    /// Where a document is, as configured: relative to the root, or absolute.
    pub fn configured(&self, kind: DocKind) -> &'a str {
        let docs = &self.repo.config().docs;
        match kind {
            DocKind::Todo => &docs.todo,
            DocKind::Progress => &docs.progress,
            DocKind::Opinions => &docs.opinions,
            DocKind::Spec => &docs.spec,
            DocKind::Summary => &docs.summary,
            DocKind::Snapshot => &docs.snapshot,
        }
    }

    /// A document as it is now.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn read(&self, kind: DocKind) -> Result<Document, EngineError> {
        let path = self.path(kind);
        let bytes = read_bytes(&path)?;
        let modified = fs::metadata(&path).and_then(|meta| meta.modified()).ok();
        Ok(Document {
            kind,
            path: self.configured(kind).to_owned(),
            text: bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned(),
            version: version_of(bytes.as_deref()),
            modified_at: modified.and_then(timestamp),
        })
    }

    /// The boxes of TODO.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn todo(&self) -> Result<TodoList, EngineError> {
        Ok(TodoList::parse(&self.text(DocKind::Todo)?))
    }

    /// A document's text; a missing one is empty.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn text(&self, kind: DocKind) -> Result<String, EngineError> {
        let bytes = read_bytes(&self.path(kind))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// All five texts agents work with.
    pub(crate) fn texts(&self) -> Result<DocTexts, EngineError> {
        Ok(DocTexts {
            todo: self.text(DocKind::Todo)?,
            progress: self.text(DocKind::Progress)?,
            opinions: self.text(DocKind::Opinions)?,
            spec: self.text(DocKind::Spec)?,
            summary: self.text(DocKind::Summary)?,
        })
    }
}

/// The content of a file; `None` when there is none.
fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EngineError::file("read", path, error)),
    }
}

fn version_of(bytes: Option<&[u8]>) -> String {
    let hex = |byte: &u8| format!("{byte:02x}");
    bytes.map_or_else(
        || Document::MISSING.to_owned(),
        |bytes| Sha256::digest(bytes).iter().map(hex).collect(),
    )
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_millis()).ok().map(Timestamp::from_millis)
}
