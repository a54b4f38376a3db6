//! Frames out of a stream, in bounded memory.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::ProtocolError;

/// Room for the next bytes.
const CHUNK: usize = 64 << 10;
/// What is kept of a frame that is too long: enough for the fields in front of its bytes.
const KEPT_OF_LONG: usize = 64;

/// Reads frames. A read that is given up loses nothing.
pub struct RawReader<R> {
    source: R,
    limit: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the next frame begins.
    at: usize,
    /// Bytes of a frame that was too long, still to be thrown away.
    skip: usize,
}

/// A frame as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// Its kind.
    pub kind: u8,
    /// Its payload, or the beginning of it.
    pub payload: &'a [u8],
    /// Whether the frame is longer than allowed; only the beginning of its payload was kept.
    pub is_long: bool,
}

impl<R: AsyncRead + Unpin> RawReader<R> {
    /// Reads from `source`; of frames longer than `limit` only the beginning is kept.
    pub fn new(source: R, limit: usize) -> Self {
        Self { source, limit, buffer: Vec::new(), at: 0, skip: 0 }
    }

    /// The next frame; `None` when the other side is gone.
    ///
    /// # Errors
    /// When the connection fails, or what comes is no frame.
    pub async fn next(&mut self) -> io::Result<Option<Incoming<'_>>> {
        while !self.is_whole()? {
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
        let length = self.length().unwrap_or_default();
        let start = self.at;
        let is_long = length > self.limit;
        let kept = if is_long { length.min(KEPT_OF_LONG) } else { length };
        self.at += 4 + kept;
        self.skip = length - kept;
        let frame = &self.buffer[start + 4..start + 4 + kept];
        Ok(Some(Incoming { kind: frame[0], payload: &frame[1..], is_long }))
    }

    /// Whether the buffer holds a frame, as far as it is to be kept.
    fn is_whole(&mut self) -> io::Result<bool> {
        let skipped = self.skip.min(self.buffer.len() - self.at);
        self.at += skipped;
        self.skip -= skipped;
        let Some(length) = self.length() else { return Ok(false) };
        if length == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, ProtocolError::Length(0)));
        }
        let needed = if length > self.limit { length.min(KEPT_OF_LONG) } else { length };
        Ok(self.buffer.len() - self.at >= 4 + needed)
    }

    fn length(&self) -> Option<usize> {
        let head = self.buffer[self.at..].first_chunk()?;
        Some(u32::from_be_bytes(*head) as usize)
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * CHUNK {
            // One large frame must not keep its memory for good.
            self.buffer = Vec::new();
        }
        self.buffer.reserve(CHUNK);
        self.source.read_buf(&mut self.buffer).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ClientFrame;

    #[tokio::test]
    async fn a_frame_that_is_too_long_costs_no_memory_and_the_next_one_is_read() {
        let mut bytes = Vec::new();
        ClientFrame::Input { seq: 7, id: [0; 16], bytes: vec![b'x'; 300_000] }.encode(&mut bytes);
        ClientFrame::Ping(3).encode(&mut bytes);
        let mut reader = RawReader::new(bytes.as_slice(), 1000);
        let long = reader.next().await.expect("readable").expect("there");
        assert!(long.is_long && long.payload.starts_with(&7_u64.to_be_bytes()));
        let next = reader.next().await.expect("readable").expect("there");
        assert_eq!(
            ClientFrame::decode(next.kind, next.payload).expect("whole"),
            Some(ClientFrame::Ping(3))
        );
        assert!(reader.buffer.capacity() < 4 * CHUNK);
        assert_eq!(reader.next().await.expect("readable"), None);
    }

    #[tokio::test]
    async fn frames_are_read_from_any_pieces() {
        let mut bytes = Vec::new();
        for value in 0..50 {
            ClientFrame::Ping(value).encode(&mut bytes);
        }
        let (mut near, far) = tokio::io::duplex(3);
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut near, &bytes).await });
        let mut reader = RawReader::new(far, 1000);
        for value in 0..50 {
            let frame = reader.next().await.expect("readable").expect("there");
            assert_eq!(
                ClientFrame::decode(frame.kind, frame.payload).expect("whole"),
                Some(ClientFrame::Ping(value))
            );
        }
        assert_eq!(reader.next().await.expect("readable"), None);
    }
}
