//! What the program wrote, byte by byte, with absolute offsets, in bounded memory and bounded files.
//!
//! The last [`TAIL`] bytes are in memory, for the readers that keep up. The last [`SEGMENTS`] files of [`SEGMENT`] bytes each
//! are for those that do not. A disk that is full costs the older bytes, never the session.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes of one file.
pub const SEGMENT: u64 = 1 << 20;
/// Files kept. Together 7 to 8 MiB: minutes of a busy screen, hours of an agent's, and little on a disk with many sessions.
pub const SEGMENTS: usize = 8;
/// Bytes in memory: more than all windows of flow control, so that who keeps up costs no disk reads.
pub const TAIL: usize = 1 << 20;

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    segments: VecDeque<Segment>,
    tail: VecDeque<u8>,
    end: u64,
    /// Where writing files is tried again after it failed.
    retry_at: u64,
}

#[derive(Debug)]
struct Segment {
    start: u64,
    length: u64,
    path: PathBuf,
    file: File,
}

impl Journal {
    /// A new journal in `dir`, which must exist.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            segments: VecDeque::new(),
            tail: VecDeque::with_capacity(TAIL),
            end: 0,
            retry_at: 0,
        }
    }

    /// Offset of the byte that will be written next.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Offset of the oldest byte that can be read.
    pub fn oldest(&self) -> u64 {
        let in_files = self.segments.front().map_or(self.end, |segment| segment.start);
        in_files.min(self.end - self.tail.len() as u64)
    }

    /// Adds what the program wrote.
    ///
    /// # Errors
    /// When the files cannot be written. The bytes are kept in memory all the same, older ones than those are lost.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = if self.end >= self.retry_at { self.append_to_files(bytes) } else { Ok(()) };
        let kept = &bytes[bytes.len().saturating_sub(TAIL)..];
        let excess = (self.tail.len() + kept.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend(kept);
        self.end += bytes.len() as u64;
        if result.is_err() {
            // What is in the files no longer reaches up to the end.
            for segment in self.segments.drain(..) {
                let _ = fs::remove_file(segment.path);
            }
            self.retry_at = self.end + SEGMENT;
        }
        result
    }

    /// Appends at most `max` bytes from `offset` on to `out` and tells how many; `None` when they are no longer, or not yet,
    /// there.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(&self, offset: u64, max: usize, out: &mut Vec<u8>) -> io::Result<Option<usize>> {
        if offset > self.end || offset < self.oldest() {
            return Ok(None);
        }
        let tail_start = self.end - self.tail.len() as u64;
        if offset >= tail_start {
            let from = (offset - tail_start) as usize;
            let count = max.min(self.tail.len() - from);
            let (first, second) = self.tail.as_slices();
            let until = from + count;
            out.extend_from_slice(&first[from.min(first.len())..until.min(first.len())]);
            let beyond = |at: usize| at.saturating_sub(first.len());
            out.extend_from_slice(&second[beyond(from)..beyond(until)]);
            return Ok(Some(count));
        }
        let holds = |segment: &&Segment| offset < segment.start + segment.length;
        let Some(segment) = self.segments.iter().find(holds) else { return Ok(None) };
        let from = offset - segment.start;
        let count = max.min((segment.length - from) as usize);
        let start = out.len();
        out.resize(start + count, 0);
        segment.file.read_exact_at(&mut out[start..], from)?;
        Ok(Some(count))
    }

    fn append_to_files(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut at = self.end;
        while !bytes.is_empty() {
            if self.segments.back().is_none_or(|segment| segment.length >= SEGMENT) {
                self.begin_segment(at)?;
            }
            let Some(segment) = self.segments.back_mut() else { return Ok(()) };
            let count = bytes.len().min((SEGMENT - segment.length) as usize);
            segment.file.write_all(&bytes[..count])?;
            segment.length += count as u64;
            at += count as u64;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    fn begin_segment(&mut self, start: u64) -> io::Result<()> {
        while self.segments.len() >= SEGMENTS {
            if let Some(old) = self.segments.pop_front() {
                fs::remove_file(old.path)?;
            }
        }
        let path = self.dir.join(format!("{start:020}.out"));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        self.segments.push_back(Segment { start, length: 0, path, file });
        Ok(())
    }
}

/// The bytes a session left behind in `dir`, and the offset of the first.
///
/// # Errors
/// When the files cannot be read.
pub fn left_behind(dir: &Path) -> io::Result<(u64, Vec<u8>)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "out"));
    paths.sort();
    let first = paths.first().and_then(|path| path.file_stem()?.to_str()?.parse().ok());
    let mut bytes = Vec::new();
    for path in &paths {
        bytes.append(&mut fs::read(path)?);
    }
    Ok((first.unwrap_or_default(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(from: u64, count: usize) -> Vec<u8> {
        (from..from + count as u64).map(|at| (at % 251) as u8).collect()
    }

    fn journal() -> (tempfile::TempDir, Journal) {
        let dir = tempfile::tempdir().expect("temp dir");
        let journal = Journal::new(dir.path());
        (dir, journal)
    }

    fn write(journal: &mut Journal, total: u64, step: usize) {
        while journal.end() < total {
            let bytes = pattern(journal.end(), step);
            journal.append(&bytes).expect("written");
        }
    }

    #[test]
    fn every_offset_that_is_there_gives_the_bytes_written_there() {
        let (_dir, mut journal) = journal();
        write(&mut journal, 12 << 20, 40_961);
        let mut at = journal.oldest();
        assert!(journal.end() - at >= 7 << 20 && journal.end() - at <= 8 << 20);
        while at < journal.end() {
            let mut out = Vec::new();
            let count = journal.read(at, 100_000, &mut out).expect("readable").expect("there");
            assert!(count > 0 && out == pattern(at, count), "at {at}");
            at += count as u64;
        }
        assert_eq!(journal.read(at, 10, &mut Vec::new()).expect("readable"), Some(0));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let (_dir, mut journal) = journal();
        write(&mut journal, 20 << 20, 1 << 19);
        let read = |offset| journal.read(offset, 10, &mut Vec::new()).expect("readable");
        assert_eq!(read(journal.oldest() - 1), None);
        assert_eq!(read(journal.end() + 1), None);
        assert_eq!(read(journal.oldest()), Some(10));
    }

    #[test]
    fn ten_times_the_bound_takes_no_more_disk_and_memory() {
        let (dir, mut journal) = journal();
        write(&mut journal, 80 << 20, 65_536);
        let files = fs::read_dir(dir.path()).expect("readable");
        let bytes: u64 =
            files.map(|file| file.expect("entry").metadata().expect("file").len()).sum();
        assert!(bytes <= SEGMENT * SEGMENTS as u64, "{bytes}");
        assert!(journal.tail.capacity() <= 2 * TAIL);
        let (first, left) = left_behind(dir.path()).expect("readable");
        assert_eq!((first, left.len() as u64), (journal.oldest(), bytes));
        assert_eq!(left, pattern(first, left.len()));
    }

    #[test]
    fn a_disk_that_refuses_costs_only_the_older_bytes() {
        let (dir, mut journal) = journal();
        write(&mut journal, 3 << 20, 65_536);
        let gone = dir.path().with_extension("gone");
        fs::rename(dir.path(), &gone).expect("moved");
        let mut failures = 0;
        while journal.end() < 6 << 20 {
            let bytes = pattern(journal.end(), 65_536);
            failures += usize::from(journal.append(&bytes).is_err());
        }
        assert!((1..5).contains(&failures), "{failures}");
        assert_eq!(journal.end() - journal.oldest(), TAIL as u64);
        let mut out = Vec::new();
        journal.read(journal.oldest(), 1000, &mut out).expect("readable").expect("there");
        assert_eq!(out, pattern(journal.oldest(), 1000));
        fs::rename(&gone, dir.path()).expect("moved back");
        write(&mut journal, 9 << 20, 65_536);
        assert!(journal.end() - journal.oldest() > TAIL as u64);
        out.clear();
        journal.read(journal.oldest(), 1000, &mut out).expect("readable").expect("there");
        assert_eq!(out, pattern(journal.oldest(), 1000));
    }
}
