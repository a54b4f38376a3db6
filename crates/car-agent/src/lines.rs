//! Reading lines of any length in bounded memory.
//!
//! A line longer than the limit is cut: its beginning is kept, the rest is read and counted, never stored. Bytes that are not
//! UTF-8 become replacement characters; nothing an agent prints can stop the reader.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// One line without its newline (and without a carriage return before it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text, lossily decoded.
    pub text: String,
    /// Bytes of the line that were not kept.
    pub cut_bytes: u64,
}

/// Reads lines from a byte stream, keeping at most `max_bytes` of each.
pub struct LineReader<R> {
    inner: BufReader<R>,
    max_bytes: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Reads from `inner`.
    pub fn new(inner: R, max_bytes: usize) -> Self {
        Self { inner: BufReader::with_capacity(64 * 1024, inner), max_bytes }
    }

    /// The next line; `None` at the end. A last line without newline counts.
    pub async fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut kept = Vec::new();
        let mut cut_bytes = 0;
        let mut any = false;
        loop {
            let (used, ended) =
                take_piece(&mut self.inner, self.max_bytes, &mut kept, &mut cut_bytes).await?;
            any |= used > 0;
            if ended {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        if kept.last() == Some(&b'\r') {
            kept.pop();
        }
        let text = String::from_utf8_lossy(&kept).into_owned();
        Ok(Some(Line { text, cut_bytes }))
    }
}

/// Moves what is buffered up to a newline into `kept`. Returns bytes consumed and whether the line (or the stream) ended.
async fn take_piece<R: AsyncBufRead + Unpin>(
    inner: &mut R,
    max_bytes: usize,
    kept: &mut Vec<u8>,
    cut_bytes: &mut u64,
) -> io::Result<(usize, bool)> {
    let buffer = inner.fill_buf().await?;
    if buffer.is_empty() {
        return Ok((0, true));
    }
    let newline = buffer.iter().position(|byte| *byte == b'\n');
    let piece = &buffer[..newline.unwrap_or(buffer.len())];
    let room = max_bytes.saturating_sub(kept.len()).min(piece.len());
    kept.extend_from_slice(&piece[..room]);
    *cut_bytes += (piece.len() - room) as u64;
    let used = newline.map_or(buffer.len(), |at| at + 1);
    inner.consume(used);
    Ok((used, newline.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn read_all(bytes: &[u8], max_bytes: usize) -> Vec<Line> {
        let mut reader = LineReader::new(bytes, max_bytes);
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().await.expect("a slice does not fail") {
            lines.push(line);
        }
        lines
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("runtime").block_on(future)
    }

    #[test]
    fn empty_lines_count_and_the_last_newline_makes_no_line() {
        let texts: Vec<_> =
            block_on(read_all(b"a\r\n\nb\n", 100)).into_iter().map(|l| l.text).collect();
        assert_eq!(texts, ["a", "", "b"]);
        assert_eq!(block_on(read_all(b"", 100)), []);
    }

    #[test]
    fn bytes_that_are_no_text_and_nul_do_not_stop_it() {
        let lines = block_on(read_all(b"a\xff\0b\nc", 100));
        assert_eq!(lines[0].text, "a\u{fffd}\0b");
        assert_eq!(lines[1].text, "c");
    }

    /// 64 MiB without a newline, then a normal line.
    #[test]
    fn a_huge_line_is_cut_and_the_next_one_is_whole() {
        let huge = tokio::io::AsyncReadExt::take(tokio::io::repeat(b'x'), 64 << 20);
        let both = tokio::io::AsyncReadExt::chain(huge, &b"\nnext\n"[..]);
        let mut reader = LineReader::new(both, 1000);
        let first = block_on(reader.next_line()).expect("readable").expect("a line");
        assert_eq!((first.text.len(), first.cut_bytes), (1000, (64 << 20) - 1000));
        let second = block_on(reader.next_line()).expect("readable").expect("a line");
        assert_eq!(second.text, "next");
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_doubled(bytes in prop::collection::vec(prop::sample::select(b"ab\n".to_vec()), 0..200), max in 0usize..20) {
            let lines = block_on(read_all(&bytes, max));
            let counted: u64 = lines.iter().map(|line| line.text.len() as u64 + line.cut_bytes).sum();
            let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
            prop_assert_eq!(counted, (bytes.len() - newlines) as u64);
            prop_assert!(lines.iter().all(|line| line.text.len() <= max));
        }
    }
}
