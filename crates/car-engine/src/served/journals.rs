//! Reading on in the journals of a repository: the newest run's, and those of every run after it.

use std::collections::VecDeque;

use car_domain::run::JournalEntry;

use super::live::JournalMark;
use crate::history::{History, JournalCursor};
use crate::{EngineError, Repo};

/// Bytes of a journal that make one event.
const PIECE: u64 = 256 << 10;
/// Bytes by which a journal is known again. Entries begin with their number and time, so two of them differ within a line.
const KNOWN_BY: u64 = 256;
/// Events that are made at once, before they are told.
const PIECES: usize = 16;

/// A place in the newest journal that is known.
#[derive(Clone, Debug)]
pub(super) struct Journals {
    run: u64,
    cursor: JournalCursor,
    /// The last bytes that were read, by which the journal is known again.
    read: Vec<u8>,
}

/// What was added to a journal, and where that ends.
pub(super) struct Added {
    pub entries: Vec<JournalEntry>,
    pub mark: JournalMark,
}

/// What reading on gave.
pub(super) struct ReadOn {
    pub journals: Journals,
    pub added: Vec<Added>,
    /// Whether there is more.
    pub is_more: bool,
}

impl Journals {
    /// The end of the newest journal: what is there already is part of what a client begins with.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn at_end(repo: &Repo) -> Result<ReadOn, EngineError> {
        let run = newest_run(repo);
        let path = repo.journal_path(run);
        let (cursor, _) = JournalCursor::at_end(path.clone())
            .map_err(|error| EngineError::file("read", &path, error))?;
        let journals = Self::at(run, cursor.with_piece(PIECE))?;
        Ok(ReadOn { journals, added: Vec::new(), is_more: false })
    }

    /// The last part of the newest journal, to be read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn newest(repo: &Repo) -> Result<Self, EngineError> {
        let end = Self::at_end(repo)?.journals;
        let path = repo.journal_path(end.run);
        let start = JournalCursor::before(path.clone(), end.cursor.offset(), PIECE).offset();
        Self::at(end.run, JournalCursor::at(path, start).with_piece(PIECE))
    }

    /// How far the newest journal was read.
    pub(super) fn mark(&self) -> JournalMark {
        JournalMark { run: self.run, offset: self.cursor.offset() }
    }

    /// Reads on, and from the beginning of every newer run. `None` when these are not the journals that were read before: the
    /// runs, or the whole repository, were removed, and others took their place.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub(super) fn read_on(mut self, repo: &Repo) -> Result<Option<ReadOn>, EngineError> {
        let mut added = Vec::new();
        let runs = History::new(repo).runs();
        let newest = runs.last().copied().unwrap_or_default();
        if newest < self.run || self.cursor.last_bytes(KNOWN_BY)? != self.read {
            return Ok(None);
        }
        let mut newer = runs.into_iter().filter(|run| *run > self.run).collect::<VecDeque<_>>();
        while added.len() < PIECES {
            let (cursor, entries) = self.cursor.read_on()?;
            self = Self::at(self.run, cursor)?;
            if !entries.is_empty() {
                added.push(Added { entries, mark: self.mark() });
                continue;
            }
            match newer.pop_front() {
                Some(run) => {
                    let cursor = JournalCursor::new(repo.journal_path(run)).with_piece(PIECE);
                    self = Self::at(run, cursor)?;
                }
                None => return Ok(Some(ReadOn { journals: self, added, is_more: false })),
            }
        }
        Ok(Some(ReadOn { journals: self, added, is_more: true }))
    }

    fn at(run: u64, cursor: JournalCursor) -> Result<Self, EngineError> {
        Ok(Self { run, read: cursor.last_bytes(KNOWN_BY)?, cursor })
    }
}

fn newest_run(repo: &Repo) -> u64 {
    History::new(repo).runs().last().copied().unwrap_or(0)
}
