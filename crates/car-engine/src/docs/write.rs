//! Writing documents against the version their writer has seen.

use car_domain::docs::{DocKind, Document};

use super::{Docs, read_bytes, version_of};
use crate::files::{exchange, lock_file};
use crate::{EngineError, ErrorKind};

/// What a writer believes to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Whatever is there. Only for writers that say so, such as a restore; the old text stays in the history.
    Anything,
    /// Exactly this version, [`Document::MISSING`] for no file.
    Version(&'a str),
}

/// A new text for a document.
#[derive(Clone, Copy, Debug)]
pub struct DocChange<'a> {
    /// Which.
    pub kind: DocKind,
    /// The new text.
    pub text: &'a str,
    /// What it replaces.
    pub expected: Expected<'a>,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a stale write has written nothing"]
pub enum DocWrite {
    /// It is written; the documents as they are now, in the order of the changes.
    Written(Vec<Document>),
    /// Nothing is written, because this document is not what the writer believed.
    Stale(Box<Document>),
}

impl DocWrite {
    /// Whether nothing was written.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }

    /// The document of a write of one; a stale one becomes an error that says what to do.
    ///
    /// # Errors
    /// When it is stale.
    pub fn into_result(self) -> Result<Document, EngineError> {
        let stale = |document: &Document| {
            EngineError::conflict(format!(
                "{} was changed by somebody else meanwhile",
                document.kind.title()
            ))
            .with_hint("look at the present text and bring both together")
        };
        match self {
            Self::Written(documents) => documents
                .into_iter()
                .next()
                .ok_or_else(|| EngineError::conflict("nothing to write")),
            Self::Stale(document) => Err(stale(&document)),
        }
    }
}

impl Docs<'_> {
    /// Writes one document. `author` is who writes, as the history names it.
    ///
    /// # Errors
    /// When it cannot be written; the old text is still there then.
    pub fn write(
        &self,
        kind: DocKind,
        text: &str,
        expected: Expected<'_>,
        author: &str,
    ) -> Result<DocWrite, EngineError> {
        self.write_all(&[DocChange { kind, text, expected }], author)
    }

    /// Writes several documents, all or none. What was there before is in the history.
    ///
    /// # Errors
    /// When one cannot be written; those written already are put back then.
    pub fn write_all(
        &self,
        changes: &[DocChange<'_>],
        author: &str,
    ) -> Result<DocWrite, EngineError> {
        let _lock = lock_file(&self.repo.car_dir().join("docs.lock"))?;
        for change in changes {
            let current = self.read(change.kind)?;
            let differs = |version: &str| version != current.version;
            if matches!(change.expected, Expected::Version(version) if differs(version)) {
                return Ok(DocWrite::Stale(Box::new(current)));
            }
            // Before anything is replaced: a text that cannot be kept is not replaced.
            self.keep_current(change.kind, "outside")?;
        }
        for (done, change) in changes.iter().enumerate() {
            match self.replace(change, author) {
                Ok(None) => {}
                Ok(Some(current)) => {
                    self.put_back(&changes[..done])?;
                    return Ok(DocWrite::Stale(current));
                }
                Err(error) => {
                    self.put_back(&changes[..done])?;
                    return Err(error);
                }
            }
        }
        let documents = changes.iter().map(|change| self.read(change.kind));
        Ok(DocWrite::Written(documents.collect::<Result<_, _>>()?))
    }

    /// Replaces one document; tells the present one when somebody wrote it in this very moment.
    fn replace(
        &self,
        change: &DocChange<'_>,
        author: &str,
    ) -> Result<Option<Box<Document>>, EngineError> {
        let path = self.path(change.kind);
        let failed = |error| EngineError::file("write", &path, error);
        let replaced = exchange(&path, change.text.as_bytes()).map_err(failed)?;
        let seen = version_of(replaced.as_deref());
        if let Some(replaced) = &replaced {
            self.keep(change.kind, replaced, "outside")?;
        }
        match change.expected {
            Expected::Version(version) if version != seen => {
                // Theirs came first. Ours goes back to its writer, unless there is a third text by now.
                let theirs = replaced.unwrap_or_default();
                let ours = exchange(&path, &theirs).map_err(failed)?.unwrap_or_default();
                if ours != change.text.as_bytes() {
                    self.keep(change.kind, &ours, "outside")?;
                    exchange(&path, &ours).map_err(failed)?;
                }
                self.read(change.kind).map(|document| Some(Box::new(document)))
            }
            Expected::Version(_) | Expected::Anything => {
                self.keep(change.kind, change.text.as_bytes(), author)?;
                Ok(None)
            }
        }
    }

    /// Undoes the first writes of a change set whose later ones failed. A text that somebody wrote since stays.
    fn put_back(&self, changes: &[DocChange<'_>]) -> Result<(), EngineError> {
        for change in changes {
            let path = self.path(change.kind);
            if read_bytes(&path)?.as_deref() != Some(change.text.as_bytes()) {
                continue;
            }
            let versions = self.history(change.kind)?;
            let before = versions
                .iter()
                .rev()
                .find(|version| version.version != version_of(Some(change.text.as_bytes())));
            let Some(before) = before else { continue };
            let text = self.version_bytes(change.kind, &before.version)?;
            exchange(&path, &text).map_err(|error| EngineError::file("put back", &path, error))?;
        }
        Ok(())
    }

    /// Empties TODO, PROGRESS and OPINIONS to their headings. What was there is in the history.
    ///
    /// # Errors
    /// When one cannot be written; none is changed then.
    pub fn clear(&self) -> Result<Vec<Document>, EngineError> {
        let change = |kind, text| DocChange { kind, text, expected: Expected::Anything };
        let changes = [
            change(DocKind::Todo, "# TODO\n\n"),
            change(DocKind::Progress, "# Progress\n\n"),
            change(DocKind::Opinions, "# Opinions\n\n"),
        ];
        match self.write_all(&changes, "clear-docs")? {
            DocWrite::Written(documents) => Ok(documents),
            DocWrite::Stale(document) => Err(EngineError::new(
                ErrorKind::Conflict,
                format!("{} was written at the same time", document.kind.title()),
            )),
        }
    }
}
