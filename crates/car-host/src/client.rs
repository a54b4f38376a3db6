//! Attaching to a session.

use std::io;
use std::time::Duration;

use car_process::{is_alive, kill_now, terminate, wait_until_gone};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::error::HostError;
use crate::protocol::{
    ClientFrame, FROM_SNAPSHOT, HostFrame, MAX_FRAME, ProtocolError, RawReader, VERSION,
};
use crate::session::{Session, Size, State};

/// How long a host may take to say hello; it does so at once, unless the machine is at its limits.
const HELLO_PATIENCE: Duration = Duration::from_secs(10);
/// How long a host may take to end beyond the grace its program has.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// How to attach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attach {
    /// Offset of the first byte wanted; `None` for a snapshot of the screen.
    pub from: Option<u64>,
    /// Bytes we may be behind before the program is slowed down; 0 when we do not acknowledge what we got.
    pub window: u32,
    /// Most lines of history in a snapshot.
    pub lines: u32,
    /// Whether our terminal answers the program's questions, so that the host need not.
    pub answers: bool,
}

/// A connection to a host.
pub struct Attachment {
    /// The host's first frame, a [`HostFrame::Hello`].
    pub hello: HostFrame,
    /// What it says from now on.
    pub frames: Frames,
    /// What we say to it.
    pub sender: Sender,
}

/// What a host says.
pub struct Frames {
    reader: RawReader<OwnedReadHalf>,
}

/// What we say to a host.
pub struct Sender {
    socket: OwnedWriteHalf,
    buffer: Vec<u8>,
    seq: u64,
}

impl Session {
    /// Attaches; output comes as asked for in `how`.
    ///
    /// # Errors
    /// When the session has ended, or its host does not answer.
    pub async fn attach(&self, how: &Attach) -> Result<Attachment, HostError> {
        let mut attachment = self.connect().await?;
        let attach = ClientFrame::Attach {
            version: VERSION,
            answers: how.answers,
            window: how.window,
            offset: how.from.unwrap_or(FROM_SNAPSHOT),
            lines: how.lines,
        };
        attachment.sender.send(&attach).await?;
        Ok(attachment)
    }

    /// Connects without attaching: the host says hello and its title, and does what it is told.
    ///
    /// # Errors
    /// When the session has ended, or its host does not answer.
    pub async fn connect(&self) -> Result<Attachment, HostError> {
        if matches!(self.record.state, State::Ended | State::Lost) {
            return Err(HostError::Ended(self.record.id.clone()));
        }
        let hello = async {
            let (reading, writing) = UnixStream::connect(&self.record.socket).await?.into_split();
            let mut frames = Frames { reader: RawReader::new(reading, MAX_FRAME) };
            let hello = frames.next().await?;
            let sender = Sender { socket: writing, buffer: Vec::new(), seq: 0 };
            match hello {
                Some(HostFrame::Hello { version: 0, .. }) => Err(ProtocolError::Version(0).into()),
                Some(hello @ HostFrame::Hello { .. }) => Ok(Attachment { hello, frames, sender }),
                _ => Err(ProtocolError::NoHello.into()),
            }
        };
        timeout(HELLO_PATIENCE, hello).await.map_err(io::Error::from)?
    }

    /// Ends the program with everything it started: HUP and TERM now, KILL after `grace`. Returns when it and its host are
    /// gone; a session that has ended is no error.
    ///
    /// # Errors
    /// When the host does not go, not even by force.
    pub async fn end(&mut self, grace: Duration) -> Result<(), HostError> {
        self.reload()?;
        let (Some(host), State::Starting | State::Running) = (self.record.host, self.record.state)
        else {
            return Ok(());
        };
        let grace_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        let asked = async {
            let mut attachment = self.connect().await?;
            attachment.sender.send(&ClientFrame::End { grace_ms }).await?;
            // It goes when nobody is attached any more.
            Ok::<_, HostError>(())
        };
        if asked.await.is_err() {
            // A host that does not answer takes TERM for the same wish.
            terminate(host);
        }
        if !wait_until_gone(host, grace + END_PATIENCE).await {
            kill_now(host);
            if !wait_until_gone(host, END_PATIENCE).await || is_alive(host) {
                return Err(HostError::Stuck(self.record.id.clone()));
            }
        }
        // Also ends what a killed host left.
        self.reload()
    }
}

impl Attachment {
    /// The next frame; see [`Frames::next`].
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn next(&mut self) -> Result<Option<HostFrame>, HostError> {
        self.frames.next().await
    }
}

impl Frames {
    /// The next frame; `None` when the host is gone. Giving up waiting loses nothing.
    ///
    /// # Errors
    /// When the connection fails, or what comes is no frame.
    pub async fn next(&mut self) -> Result<Option<HostFrame>, HostError> {
        loop {
            let Some(frame) = self.reader.next().await? else { return Ok(None) };
            if frame.is_long {
                return Err(ProtocolError::Length(MAX_FRAME).into());
            }
            // A kind of a later version is none of our business.
            if let Some(frame) = HostFrame::decode(frame.kind, frame.payload)? {
                return Ok(Some(frame));
            }
        }
    }
}

impl Sender {
    /// Sends a frame.
    ///
    /// # Errors
    /// When the host is gone.
    pub async fn send(&mut self, frame: &ClientFrame) -> Result<(), HostError> {
        self.buffer.clear();
        frame.encode(&mut self.buffer);
        Ok(self.socket.write_all(&self.buffer).await?)
    }

    /// The number the next input gets.
    pub fn next_seq(&self) -> u64 {
        self.seq + 1
    }

    /// Sends input; returns the number it is acknowledged by. An `id` makes it written once, however often it is sent.
    ///
    /// # Errors
    /// When the host is gone.
    pub async fn input(&mut self, id: Option<[u8; 16]>, bytes: &[u8]) -> Result<u64, HostError> {
        self.seq += 1;
        let (seq, id) = (self.seq, id.unwrap_or_default());
        self.send(&ClientFrame::Input { seq, id, bytes: bytes.to_vec() }).await?;
        Ok(seq)
    }

    /// Says that everything before `offset` is dealt with.
    ///
    /// # Errors
    /// When the host is gone.
    pub async fn ack(&mut self, offset: u64) -> Result<(), HostError> {
        self.send(&ClientFrame::Ack { offset }).await
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    /// When the host is gone.
    pub async fn resize(&mut self, size: Size) -> Result<(), HostError> {
        self.send(&ClientFrame::Resize { cols: size.cols, rows: size.rows }).await
    }

    /// Asks for a snapshot with at most `lines` lines of history.
    ///
    /// # Errors
    /// When the host is gone.
    pub async fn snapshot(&mut self, lines: u32) -> Result<(), HostError> {
        self.send(&ClientFrame::Snapshot { lines }).await
    }
}
