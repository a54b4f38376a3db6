//! Reading on in the journals of a repository: the newest run's, and those of every run after it.

use car_domain::run::JournalEntry;

use super::live::JournalMark;
use crate::history::{History, JournalCursor};
use crate::{EngineError, Repo};

/// Bytes of a journal that make one event.
const PIECE: u64 = 256 << 10;
/// Events that are made at once, before they are told.
const PIECES: usize = 16;

/// A place in the newest journal that is known.
#[derive(Clone, Debug)]
pub(super) struct Journals {
    run: u64,
    cursor: JournalCursor,
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
        let journals = Self { run, cursor: cursor.with_piece(PIECE) };
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
        Ok(Self { run: end.run, cursor: JournalCursor::at(path, start).with_piece(PIECE) })
    }

    /// How far the newest journal was read.
    pub(super) fn mark(&self) -> JournalMark {
        JournalMark { run: self.run, offset: self.cursor.offset() }
    }

    /// Reads on, and from the beginning of every newer run. When the runs were removed it begins anew.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub(super) fn read_on(mut self, repo: &Repo) -> Result<ReadOn, EngineError> {
        let mut added = Vec::new();
        let runs = History::new(repo).runs();
        if runs.last().is_none_or(|newest| *newest < self.run) || self.was_cut(repo) {
            let run = runs.first().copied().unwrap_or(0);
            self = Self::from_start(repo, run);
        }
        let newer: Vec<_> = runs.into_iter().filter(|run| *run > self.run).collect();
        let mut newer = newer.into_iter();
        while added.len() < PIECES {
            let (cursor, entries) = self.cursor.read_on()?;
            self.cursor = cursor;
            if !entries.is_empty() {
                added.push(Added { entries, mark: self.mark() });
                continue;
            }
            match newer.next() {
                Some(run) => self = Self::from_start(repo, run),
                None => return Ok(ReadOn { journals: self, added, is_more: false }),
            }
        }
        Ok(ReadOn { journals: self, added, is_more: true })
    }

    fn from_start(repo: &Repo, run: u64) -> Self {
        let cursor = JournalCursor::new(repo.journal_path(run));
        Self { run, cursor: cursor.with_piece(PIECE) }
    }

    /// Whether the journal is shorter than what was read of it, so is another one.
    fn was_cut(&self, repo: &Repo) -> bool {
        let len = std::fs::metadata(repo.journal_path(self.run)).map_or(0, |meta| meta.len());
        len < self.cursor.offset()
    }
}

fn newest_run(repo: &Repo) -> u64 {
    History::new(repo).runs().last().copied().unwrap_or(0)
}
