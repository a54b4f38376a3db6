//! The part of a run's journal that a client begins with.

use car_domain::live::LiveEvent;

use super::JournalMark;
use crate::history::JournalCursor;
use crate::served::blocking;
use crate::{EngineError, Repo};

/// Entries a client gets of a run when it does not say where it is.
const TAIL_ENTRIES: usize = 200;
/// Bytes of a journal they are looked for in.
const TAIL_BYTES: u64 = 512 << 10;
/// Bytes of a journal that are read for a client at once: what a slow one costs.
const PIECE: u64 = 256 << 10;

/// A journal to read from.
pub(super) struct Backlog {
    pub repo: String,
    pub run: u64,
    cursor: JournalCursor,
    /// The last entry the client has already; `None` when it wants the newest ones.
    after: Option<u64>,
    is_read: bool,
}

impl Backlog {
    /// The journal of run `run` up to what was told of it, the entries after number `after`, or the newest ones.
    pub(super) fn new(
        id: &str,
        repo: &Repo,
        run: u64,
        mark: Option<&JournalMark>,
        after: Option<u64>,
    ) -> Self {
        let path = repo.journal_path(run);
        let until = match mark.filter(|mark| mark.run == run) {
            Some(mark) => mark.offset,
            None => std::fs::metadata(&path).map_or(0, |meta| meta.len()),
        };
        let cursor = match after {
            Some(_) => JournalCursor::at(path, 0).until(until),
            None => JournalCursor::before(path, until, TAIL_BYTES),
        };
        let cursor = cursor.with_piece(PIECE);
        Self { repo: id.to_owned(), run, cursor, after, is_read: false }
    }

    /// The next events; empty at the end. Dropping the call loses nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) async fn next(&mut self) -> Result<Vec<LiveEvent>, EngineError> {
        let Some(after) = self.after else { return self.newest().await };
        loop {
            let cursor = self.cursor.clone();
            let (cursor, mut entries) = blocking(move || cursor.read_on()).await?;
            self.cursor = cursor;
            if entries.is_empty() {
                return Ok(Vec::new());
            }
            entries.retain(|entry| entry.seq > after);
            if !entries.is_empty() {
                return Ok(vec![self.event(entries)]);
            }
        }
    }

    async fn newest(&mut self) -> Result<Vec<LiveEvent>, EngineError> {
        if self.is_read {
            return Ok(Vec::new());
        }
        let mut cursor = self.cursor.clone();
        let entries = blocking(move || {
            let mut all = Vec::new();
            loop {
                let (read_on, entries) = cursor.read_on()?;
                cursor = read_on;
                if entries.is_empty() {
                    break;
                }
                all.extend(entries);
            }
            let surplus = all.len().saturating_sub(TAIL_ENTRIES);
            all.drain(..surplus);
            Ok(all)
        })
        .await?;
        self.is_read = true;
        Ok(vec![self.event(entries)])
    }

    fn event(&self, entries: Vec<car_domain::run::JournalEntry>) -> LiveEvent {
        LiveEvent::Journal { repo: self.repo.clone(), run: self.run, entries }
    }
}
