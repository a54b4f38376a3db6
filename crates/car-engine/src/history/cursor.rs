//! Reading a journal from a place in it, while it grows.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use car_domain::run::JournalEntry;

use crate::EngineError;

/// How much of a journal is read at once, in bytes.
const PIECE: u64 = 8 << 20;
/// Where the search for the last entry begins: so many bytes before the end.
const LAST_WINDOW: u64 = 64 << 10;

/// A place in a journal, to read on from.
#[derive(Clone, Debug)]
pub(crate) struct JournalCursor {
    path: PathBuf,
    offset: u64,
    piece: u64,
    until: u64,
}

impl JournalCursor {
    /// The beginning of the journal at `path`, which need not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self::at(path, 0)
    }

    /// A place told by [`JournalCursor::offset`].
    pub(crate) fn at(path: PathBuf, offset: u64) -> Self {
        Self { path, offset, piece: PIECE, until: u64::MAX }
    }

    /// The end of the journal behind its last whole line, and the number of its last entry, 0 for none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) fn at_end(path: PathBuf) -> io::Result<(Self, u64)> {
        let len = match std::fs::metadata(&path) {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut window = LAST_WINDOW;
        loop {
            let start = len.saturating_sub(window);
            let mut bytes = Vec::new();
            if len > 0 {
                let mut file = File::open(&path)?;
                file.seek(SeekFrom::Start(start))?;
                file.take(len - start).read_to_end(&mut bytes)?;
            }
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let text = String::from_utf8_lossy(&bytes[..end]);
            let last = text.lines().rev().find_map(JournalEntry::from_line);
            if last.is_some() || start == 0 {
                let cursor = Self::at(path, start + end as u64);
                return Ok((cursor, last.map_or(0, |entry| entry.seq)));
            }
            window *= 4;
        }
    }

    /// The first whole line within the last `window` bytes before `until`, where reading ends.
    pub(crate) fn before(path: PathBuf, until: u64, window: u64) -> Self {
        let start = until.saturating_sub(window);
        let mut cursor = Self { until, ..Self::at(path, start) };
        if start == 0 {
            return cursor;
        }
        let mut bytes = Vec::new();
        let read = File::open(&cursor.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(start))?;
            file.take(window).read_to_end(&mut bytes)
        });
        let newline = bytes.iter().position(|byte| *byte == b'\n').filter(|_| read.is_ok());
        cursor.offset = newline.map_or(until, |at| start + at as u64 + 1);
        cursor
    }

    /// The same place, to be read in pieces of about `bytes`.
    pub(crate) fn with_piece(self, bytes: u64) -> Self {
        Self { piece: bytes, ..self }
    }

    /// The same place, to be read up to byte `until`, which has to be the end of a line.
    pub(crate) fn until(self, until: u64) -> Self {
        Self { until, ..self }
    }

    /// Bytes read, always just behind a newline.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// At most `count` bytes before this place; fewer when the journal is shorter than that.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) fn last_bytes(&self, count: u64) -> Result<Vec<u8>, EngineError> {
        let failed = |error| EngineError::file("read", &self.path, error);
        let start = self.offset.saturating_sub(count);
        let mut file = match File::open(&self.path) {
            Ok(file) if self.offset > 0 => file,
            Ok(_) => return Ok(Vec::new()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(start))
            .and_then(|_| file.take(self.offset - start).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(failed)
    }

    /// [`JournalCursor::read_new`] for a cursor that is lent to another thread and comes back.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) fn read_on(mut self) -> Result<(Self, Vec<JournalEntry>), EngineError> {
        let entries =
            self.read_new().map_err(|error| EngineError::file("read", &self.path, error))?;
        Ok((self, entries))
    }

    /// What was added, as far as it is complete; a line that is being written waits. At most a piece at a time: call again
    /// until it is empty.
    pub(crate) fn read_new(&mut self) -> io::Result<Vec<JournalEntry>> {
        let mut piece = self.piece;
        loop {
            let left = self.until.saturating_sub(self.offset);
            let mut file = match File::open(&self.path) {
                Ok(file) if left > 0 => file,
                Ok(_) => return Ok(Vec::new()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            file.seek(SeekFrom::Start(self.offset))?;
            let mut bytes = Vec::new();
            file.take(piece.min(left)).read_to_end(&mut bytes)?;
            let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
                if (bytes.len() as u64) < piece {
                    return Ok(Vec::new());
                }
                piece *= 2; // A single line longer than the piece.
                continue;
            };
            self.offset += end as u64 + 1;
            let text = String::from_utf8_lossy(&bytes[..end]);
            let entries: Vec<_> = text.lines().filter_map(JournalEntry::from_line).collect();
            if entries.is_empty() {
                continue; // Only torn lines; what follows them may be whole.
            }
            return Ok(entries);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use car_domain::Timestamp;
    use car_domain::run::RunEvent;

    use super::*;

    fn line(seq: u64) -> String {
        let event = RunEvent::Message { text: format!("m{seq}") };
        JournalEntry { seq, at: Timestamp::from_millis(0), event }.to_line()
    }

    #[test]
    fn a_cursor_waits_for_the_newline_and_skips_torn_lines() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("j");
        let seqs = |cursor: &mut JournalCursor| -> Vec<u64> {
            cursor.read_new().expect("readable").iter().map(|entry| entry.seq).collect()
        };
        let mut cursor = JournalCursor::new(path.clone());
        assert!(seqs(&mut cursor).is_empty());
        let (first, second) = (line(1), line(2));
        fs::write(&path, format!("{first}\n{}", &second[..9])).expect("write");
        assert_eq!(seqs(&mut cursor), [1]);
        assert!(seqs(&mut cursor).is_empty());
        fs::write(&path, format!("{first}\n{}\n{second}\n", &second[..9])).expect("write");
        assert_eq!(seqs(&mut cursor), [2]);
        assert_eq!(cursor.offset(), fs::metadata(&path).expect("stat").len());
    }

    #[test]
    fn the_end_and_the_last_lines_are_found_without_reading_everything() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("j");
        let (cursor, seq) = JournalCursor::at_end(path.clone()).expect("no file yet");
        assert_eq!((cursor.offset(), seq), (0, 0));
        let lines: String = (1..=3000).map(|seq| line(seq) + "\n").collect();
        let half = &line(3001)[..9];
        fs::write(&path, format!("{lines}torn\n{half}")).expect("write");
        let (cursor, seq) = JournalCursor::at_end(path.clone()).expect("readable");
        assert_eq!((cursor.offset(), seq), (lines.len() as u64 + 5, 3000));
        let whole = lines.len() as u64;
        let mut cursor = JournalCursor::before(path, whole, 1000).with_piece(300);
        let mut seqs = Vec::new();
        loop {
            let entries = cursor.read_new().expect("readable");
            if entries.is_empty() {
                break;
            }
            seqs.extend(entries.iter().map(|entry| entry.seq));
        }
        assert_eq!(seqs.last(), Some(&3000));
        assert!((8..20).contains(&seqs.len()), "{seqs:?}");
        assert_eq!(seqs.len() as u64, 3001 - seqs[0], "none is left out");
    }
}
