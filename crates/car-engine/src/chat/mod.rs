//! Talking with the agent about documents.
//!
//! The agent works on copies in a directory of the chat, never on the live files: what it writes becomes a proposal, and only a
//! person applies that, whole or in part, against whatever the documents are by then. A chat works while the loop runs, is kept
//! over restarts, and has one turn at a time; chats about different documents do not wait for each other.

mod apply;
mod prompt;
mod store;
mod talk;
#[cfg(test)]
mod tests;
mod working_copy;

use std::path::PathBuf;

use car_domain::Timestamp;
use car_domain::docs::DocKind;

use crate::{EngineError, ErrorKind, Repo};

pub use apply::{Applied, Choice};
pub use talk::ChatAnswer;

/// A chat about one or several documents of a repository.
#[derive(Clone, Debug)]
pub struct DocChat<'a> {
    repo: &'a Repo,
    kinds: Vec<DocKind>,
    /// The proposal that is decided about, as its time; any unless said.
    seen: Option<Timestamp>,
}

impl<'a> DocChat<'a> {
    /// The chat about `kinds`; about several documents it makes one change set.
    ///
    /// # Errors
    /// When no document is named, or one that only CAR writes.
    pub fn new(repo: &'a Repo, kinds: &[DocKind]) -> Result<Self, EngineError> {
        let mut kinds = kinds.to_vec();
        kinds.sort();
        kinds.dedup();
        if kinds.is_empty() || kinds.contains(&DocKind::Snapshot) {
            return Err(EngineError::new(ErrorKind::Invalid, "invalid doc kind")
                .with_hint("choose among todo, progress, opinions, spec and summary"));
        }
        Ok(Self { repo, kinds, seen: None })
    }

    /// Lets only the proposal of this time be applied or discarded, so that nobody decides about one they have not seen.
    #[must_use]
    pub fn seen(self, at: Timestamp) -> Self {
        Self { seen: Some(at), ..self }
    }

    /// The documents.
    pub fn kinds(&self) -> &[DocKind] {
        &self.kinds
    }

    /// Its name: that of the document, or of all of them with `+` between.
    pub fn name(&self) -> String {
        self.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join("+")
    }

    fn dir(&self) -> PathBuf {
        self.repo.car_dir().join("chat").join(self.name())
    }
}
