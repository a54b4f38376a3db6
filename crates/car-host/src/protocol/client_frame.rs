//! What a client says.

use super::fields::Fields;
use super::{ProtocolError, frame};

/// A frame from the client. The [module](super) says what each means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Output, please.
    Attach {
        /// Version the client speaks.
        version: u16,
        /// Whether the client's terminal answers the program's questions, so that the host need not.
        answers: bool,
        /// Bytes it may be behind; 0 when it does not control the flow.
        window: u32,
        /// Where to begin.
        offset: u64,
        /// Most lines of history in a snapshot sent in place of what is no longer there.
        lines: u32,
    },
    /// Bytes for the program.
    Input {
        /// Comes back in the acknowledgement.
        seq: u64,
        /// What is written at most once; all zero for none.
        id: [u8; 16],
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A new size of the terminal.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// All output before this offset has been dealt with.
    Ack {
        /// The offset.
        offset: u64,
    },
    /// A snapshot, please.
    Snapshot {
        /// Most lines of history in it.
        lines: u32,
    },
    /// End the program and everything it started.
    End {
        /// Milliseconds between TERM and KILL.
        grace_ms: u32,
    },
    /// Are you there?
    Ping(u64),
}

impl ClientFrame {
    /// Kind of `Input`, which the host also has to know of a frame that is too long.
    pub(crate) const INPUT: u8 = 0x82;

    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Attach { version, answers, window, offset, lines } => frame(out, 0x81, |out| {
                out.extend(version.to_be_bytes());
                out.push(u8::from(*answers));
                out.extend(window.to_be_bytes());
                out.extend(offset.to_be_bytes());
                out.extend(lines.to_be_bytes());
            }),
            Self::Input { seq, id, bytes } => frame(out, Self::INPUT, |out| {
                out.extend(seq.to_be_bytes());
                out.extend(id);
                out.extend_from_slice(bytes);
            }),
            Self::Resize { cols, rows } => frame(out, 0x83, |out| {
                out.extend(cols.to_be_bytes());
                out.extend(rows.to_be_bytes());
            }),
            Self::Ack { offset } => frame(out, 0x84, |out| out.extend(offset.to_be_bytes())),
            Self::Snapshot { lines } => frame(out, 0x85, |out| out.extend(lines.to_be_bytes())),
            Self::End { grace_ms } => frame(out, 0x86, |out| out.extend(grace_ms.to_be_bytes())),
            Self::Ping(value) => frame(out, 0x87, |out| out.extend(value.to_be_bytes())),
        }
    }

    /// The frame of this kind; `None` for a kind of a later version.
    ///
    /// # Errors
    /// When the payload is too short.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Option<Self>, ProtocolError> {
        let mut fields = Fields::new(kind, payload);
        Ok(Some(match kind {
            0x81 => Self::Attach {
                version: fields.u16()?,
                answers: fields.u8()? & 1 != 0,
                window: fields.u32()?,
                offset: fields.u64()?,
                lines: fields.u32()?,
            },
            Self::INPUT => Self::Input {
                seq: fields.u64()?,
                id: fields.array()?,
                bytes: fields.rest().to_vec(),
            },
            0x83 => Self::Resize { cols: fields.u16()?, rows: fields.u16()? },
            0x84 => Self::Ack { offset: fields.u64()? },
            0x85 => Self::Snapshot { lines: fields.u32()? },
            0x86 => Self::End { grace_ms: fields.u32()? },
            0x87 => Self::Ping(fields.u64()?),
            _ => return Ok(None),
        }))
    }
}
