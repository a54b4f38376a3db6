//! The lines of a session file that may tell of tokens, in bounded memory.
//!
//! A session file is mostly what the model said and saw; few of its lines tell of tokens, and those are short. So nothing is
//! parsed that does not hold one of four words, and a line too long for the buffer is passed over without being held. What
//! must stay true: the offset is always just behind a newline, so a line that is being written waits for its end.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memchr_iter, memmem, memrchr};

/// Bytes read at once, and the longest line that is looked at. Lines about tokens have a few hundred bytes, a `session_meta`
/// some twenty thousand.
pub(super) const PIECE: usize = 4 << 20;

/// A session file being read from some offset on.
pub(super) struct SessionLines<R> {
    source: R,
    offset: u64,
    buffer: Vec<u8>,
    /// Bytes at the beginning of the buffer that were given out.
    used: usize,
    piece: usize,
}

impl<R: Read> SessionLines<R> {
    /// Reads `source`, which stands at `offset`, in pieces of `piece` bytes.
    pub(super) fn new(source: R, offset: u64, piece: usize) -> Self {
        Self { source, offset, buffer: Vec::new(), used: 0, piece }
    }

    /// Bytes read, behind a newline.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Shows the next whole lines that may tell of tokens, without their newlines. False when there are no more whole lines.
    pub(super) fn next(&mut self, mut see: impl FnMut(&[u8])) -> io::Result<bool> {
        let Some(lines) = self.next_lines()? else { return Ok(false) };
        let lines = &self.buffer[lines];
        let mut start = 0;
        for end in memchr_iter(b'\n', lines) {
            let line = &lines[start..end];
            if may_tell_of_tokens(line) {
                see(line);
            }
            start = end + 1;
        }
        Ok(true)
    }

    fn next_lines(&mut self) -> io::Result<Option<Range<usize>>> {
        self.buffer.drain(..std::mem::take(&mut self.used));
        loop {
            self.fill()?;
            if let Some(end) = memrchr(b'\n', &self.buffer) {
                self.used = end + 1;
                self.offset += self.used as u64;
                return Ok(Some(0..self.used));
            }
            let is_too_long = self.buffer.len() >= self.piece;
            if !is_too_long || !self.pass_over_line()? {
                return Ok(None);
            }
        }
    }

    /// Passes over a line that does not fit. False when its end is not written yet; then it stays unread.
    fn pass_over_line(&mut self) -> io::Result<bool> {
        let mut passed = self.buffer.len() as u64;
        loop {
            self.buffer.clear();
            self.fill()?;
            if self.buffer.is_empty() {
                return Ok(false);
            }
            if let Some(at) = memchr(b'\n', &self.buffer) {
                self.offset += passed + at as u64 + 1;
                self.buffer.drain(..=at);
                return Ok(true);
            }
            passed += self.buffer.len() as u64;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let missing = self.piece.saturating_sub(self.buffer.len());
        (&mut self.source).take(missing as u64).read_to_end(&mut self.buffer)?;
        Ok(())
    }
}

fn may_tell_of_tokens(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 4] =
        [b"\"token_count\"", b"\"token_usage_record\"", b"\"turn_context\"", b"\"session_meta\""];
    WORDS.iter().any(|word| memmem::find(line, word).is_some())
}
