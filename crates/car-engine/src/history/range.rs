//! Reading a part of a journal, however long it is.
//!
//! Numbers in a journal only grow, so the first line that is wanted is found by halving the file: a few small reads instead of
//! all that lies before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use car_domain::run::JournalEntry;

/// Below this many bytes lines are looked at one after the other.
const SMALL: u64 = 64 * 1024;
/// Most bytes of lines in one answer; a single longer line is answered alone.
const MAX_BYTES: usize = 4 << 20;
/// Most bytes that are looked at for one answer when only some types are wanted.
const MAX_LOOKED_AT: usize = 32 << 20;
/// What every line of a journal begins with.
const SEQ: &[u8] = b"{\"seq\":";

/// Which entries of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalQuery {
    /// From this number on.
    pub from: u64,
    /// At most this many.
    pub limit: usize,
    /// Only of this type.
    pub kind: Option<String>,
}

/// A part of a journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JournalPage {
    /// What was asked for, in its order.
    pub entries: Vec<JournalEntry>,
    /// The number to go on from.
    pub next: u64,
    /// Whether there is more by now.
    pub has_more: bool,
}

/// Reads the entries `query` asks for from the journal at `path`. A line that is being written is left for the next time.
pub(super) fn read(path: &Path, query: &JournalQuery) -> io::Result<JournalPage> {
    let mut file = File::open(path)?;
    let start = first_line(&mut file, query.from)?;
    file.seek(SeekFrom::Start(start))?;
    let mut lines = BufReader::new(file);
    let mut page = JournalPage { next: query.from, ..JournalPage::default() };
    let (mut line, mut kept, mut looked_at) = (Vec::new(), 0, 0);
    while whole_line(&mut lines, &mut line)? {
        let is_wanted = seq_of(&line).is_some_and(|seq| seq >= page.next);
        if !is_wanted {
            continue;
        }
        let is_full = page.entries.len() >= query.limit
            || (kept > 0 && kept + line.len() > MAX_BYTES)
            || looked_at > MAX_LOOKED_AT;
        if is_full {
            page.has_more = true;
            break;
        }
        looked_at += line.len();
        let Some(entry) = JournalEntry::from_line(String::from_utf8_lossy(&line).trim_end()) else {
            continue; // Torn: it is nobody's.
        };
        page.next = entry.seq.saturating_add(1);
        if query.kind.as_deref().is_none_or(|kind| entry.event.name() == kind) {
            kept += line.len();
            page.entries.push(entry);
        }
    }
    Ok(page)
}

/// Where to begin so that no entry from `from` on is missed and few before it are read.
fn first_line(file: &mut File, from: u64) -> io::Result<u64> {
    // Every line before `low` has a smaller number, and no line before `high` that is not between them is wanted.
    let (mut low, mut high) = (0, file.metadata()?.len());
    while from > 1 && high - low > SMALL {
        let middle = low + (high - low) / 2;
        match line_after(file, middle, high)? {
            Some((start, seq)) if seq < from => low = start,
            Some((start, _)) => high = start,
            None => high = middle,
        }
    }
    Ok(low)
}

/// Start and number of the first line with a number that begins behind `place` and before `end`.
fn line_after(file: &mut File, place: u64, end: u64) -> io::Result<Option<(u64, u64)>> {
    file.seek(SeekFrom::Start(place))?;
    let mut lines = BufReader::with_capacity(8 * 1024, file.take(end - place));
    let mut start = place + lines.skip_until(b'\n')? as u64;
    let mut line = Vec::new();
    while start < end {
        line.clear();
        // The number stands in the beginning; a long line is not read for it.
        lines.by_ref().take(64).read_until(b'\n', &mut line)?;
        if let Some(seq) = seq_of(&line) {
            return Ok(Some((start, seq)));
        }
        let rest = if line.ends_with(b"\n") { 0 } else { lines.skip_until(b'\n')? };
        if line.is_empty() {
            break;
        }
        start += (line.len() + rest) as u64;
    }
    Ok(None)
}

/// The next line that has its newline.
fn whole_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    lines.read_until(b'\n', line)?;
    Ok(line.ends_with(b"\n"))
}

fn seq_of(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(SEQ)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use car_domain::Timestamp;
    use car_domain::run::RunEvent;

    use super::*;

    /// A journal of lines of very different lengths, one of them torn.
    fn journal(last: u64) -> tempfile::NamedTempFile {
        let mut text = String::new();
        for seq in 1..=last {
            let n = usize::try_from(seq % 97).expect("small") * 40;
            let event = match seq % 3 {
                0 => RunEvent::Output { text: "x".repeat(n), cut_bytes: 0 },
                _ => RunEvent::Message { text: "y".repeat(n) },
            };
            let entry = JournalEntry { seq, at: Timestamp::from_millis(0), event };
            text.push_str(&entry.to_line());
            text.push('\n');
            if seq == last / 2 {
                text.push_str("{\"seq\":9\n\n{\"se\n");
            }
        }
        text.push_str("{\"seq\":999999,\"at\"");
        let file = tempfile::NamedTempFile::new().expect("temp file");
        std::fs::write(file.path(), text).expect("write");
        file
    }

    fn page(
        file: &tempfile::NamedTempFile,
        from: u64,
        limit: usize,
        kind: Option<&str>,
    ) -> JournalPage {
        let query = JournalQuery { from, limit, kind: kind.map(str::to_owned) };
        read(file.path(), &query).expect("readable")
    }

    fn seqs(page: &JournalPage) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn every_range_is_found_wherever_it_lies() {
        let file = journal(2000);
        for from in (1..=2000).step_by(7).chain([999, 1000, 1001, 1999, 2000]) {
            let found = page(&file, from, 3, None);
            let expected: Vec<u64> = (from..=2000).take(3).collect();
            assert_eq!((seqs(&found), found.has_more), (expected, from + 3 <= 2000), "{from}");
            assert_eq!(found.next, (from + 3).min(2001));
        }
        let behind = page(&file, 2001, 5, None);
        assert_eq!((seqs(&behind), behind.next, behind.has_more), (vec![], 2001, false));
        assert_eq!(seqs(&page(&file, 0, 2, None)), [1, 2]);
    }

    #[test]
    fn pages_put_together_are_the_whole_journal_of_a_type() {
        let file = journal(500);
        let (mut all, mut from) = (Vec::new(), 1);
        loop {
            let page = page(&file, from, 13, Some("message"));
            all.extend(seqs(&page));
            from = page.next;
            if !page.has_more {
                break;
            }
        }
        assert_eq!(all, (1..=500).filter(|seq| seq % 3 != 0).collect::<Vec<_>>());
    }

    #[test]
    fn an_answer_is_bounded_and_a_line_longer_than_that_comes_alone() {
        let file = tempfile::NamedTempFile::new().expect("temp file");
        let line = |seq: u64, n: usize| {
            let event = RunEvent::Message { text: "z".repeat(n) };
            JournalEntry { seq, at: Timestamp::from_millis(0), event }.to_line()
        };
        let text = [line(1, 10), line(2, MAX_BYTES + 1), line(3, 10)].map(|line| line + "\n");
        std::fs::write(file.path(), text.concat()).expect("write");
        for (from, expected) in [(1, 1), (2, 2), (3, 3)] {
            let found = page(&file, from, 9, None);
            assert_eq!((seqs(&found), found.has_more), (vec![expected], expected < 3));
        }
    }
}
