//! What a host says.

use super::fields::Fields;
use super::{ProtocolError, frame};
use crate::session::Exit;

/// A frame from the host. The [module](super) says what each means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostFrame {
    /// The first frame of a connection.
    Hello {
        /// Version the host speaks.
        version: u16,
        /// Oldest offset its journal has.
        oldest: u64,
        /// Offset of the next byte the program writes.
        end: u64,
        /// Columns of the terminal.
        cols: u16,
        /// Rows of the terminal.
        rows: u16,
        /// Whether the program has ended.
        has_ended: bool,
        /// What is going on.
        activity: Activity,
    },
    /// What the program wrote.
    Output {
        /// Offset of the first byte.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The screen; stands for all output before its offset.
    Snapshot {
        /// Where output goes on.
        offset: u64,
        /// Columns it was made for.
        cols: u16,
        /// Rows it was made for.
        rows: u16,
        /// Whether it was sent because of a gap, and not asked for.
        after_gap: bool,
        /// What to show on a fresh terminal.
        bytes: Vec<u8>,
    },
    /// Output the client wanted is not there.
    Gap {
        /// The offset it wanted.
        wanted: u64,
        /// The oldest there is.
        oldest: u64,
    },
    /// What became of an input.
    InputAck {
        /// The input's number.
        seq: u64,
        /// Its fate.
        fate: InputFate,
    },
    /// The terminal has another size.
    Resized {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
        /// End of the journal at that moment.
        offset: u64,
    },
    /// What is going on.
    Activity(Activity),
    /// The title the program gave its window.
    Title(String),
    /// The program has ended, and all its output was sent.
    Exit(Exit),
    /// The answer to a ping.
    Pong(u64),
}

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFate {
    /// It is written, or was before under the same id.
    Written,
    /// Nothing of it is written: it is too long, or too much waits already.
    Full,
    /// Nothing of it is written: the program has ended.
    Ended,
}

/// What is going on in the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// When the program wrote last, in milliseconds since 1970; 0 for never.
    pub last_output: u64,
    /// When somebody typed last.
    pub last_input: u64,
    /// How often the bell has rung.
    pub bells: u64,
    /// Whether the program wrote something within the last second.
    pub is_active: bool,
    /// Name of the program in the foreground; empty where the system does not tell.
    pub foreground: String,
}

impl HostFrame {
    /// Kind of `Output`, for the one place that makes it without copying.
    pub(crate) const OUTPUT: u8 = 0x02;

    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello { version, oldest, end, cols, rows, has_ended, activity } => {
                frame(out, 0x01, |out| {
                    out.extend(version.to_be_bytes());
                    out.extend(oldest.to_be_bytes());
                    out.extend(end.to_be_bytes());
                    out.extend(cols.to_be_bytes());
                    out.extend(rows.to_be_bytes());
                    out.push(u8::from(*has_ended));
                    activity.encode(out);
                });
            }
            Self::Output { offset, bytes } => frame(out, Self::OUTPUT, |out| {
                out.extend(offset.to_be_bytes());
                out.extend_from_slice(bytes);
            }),
            Self::Snapshot { offset, cols, rows, after_gap, bytes } => frame(out, 0x03, |out| {
                out.extend(offset.to_be_bytes());
                out.extend(cols.to_be_bytes());
                out.extend(rows.to_be_bytes());
                out.push(u8::from(*after_gap));
                out.extend_from_slice(bytes);
            }),
            Self::Gap { wanted, oldest } => frame(out, 0x04, |out| {
                out.extend(wanted.to_be_bytes());
                out.extend(oldest.to_be_bytes());
            }),
            Self::InputAck { seq, fate } => frame(out, 0x05, |out| {
                out.extend(seq.to_be_bytes());
                out.push(*fate as u8);
            }),
            Self::Resized { cols, rows, offset } => frame(out, 0x06, |out| {
                out.extend(cols.to_be_bytes());
                out.extend(rows.to_be_bytes());
                out.extend(offset.to_be_bytes());
            }),
            Self::Activity(activity) => frame(out, 0x07, |out| activity.encode(out)),
            Self::Title(title) => frame(out, 0x08, |out| out.extend(title.as_bytes())),
            Self::Exit(exit) => frame(out, 0x09, |out| {
                let (how, number) = match exit {
                    Exit::Code(code) => (0, *code),
                    Exit::Signal(signal) => (1, *signal),
                    Exit::Unknown => (2, 0),
                };
                out.push(how);
                out.extend(number.to_be_bytes());
            }),
            Self::Pong(value) => frame(out, 0x0a, |out| out.extend(value.to_be_bytes())),
        }
    }

    /// The frame of this kind; `None` for a kind of a later version.
    ///
    /// # Errors
    /// When the payload is too short.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Option<Self>, ProtocolError> {
        let mut fields = Fields::new(kind, payload);
        Ok(Some(match kind {
            0x01 => Self::Hello {
                version: fields.u16()?,
                oldest: fields.u64()?,
                end: fields.u64()?,
                cols: fields.u16()?,
                rows: fields.u16()?,
                has_ended: fields.u8()? != 0,
                activity: Activity::decode(&mut fields)?,
            },
            Self::OUTPUT => Self::Output { offset: fields.u64()?, bytes: fields.rest().to_vec() },
            0x03 => Self::Snapshot {
                offset: fields.u64()?,
                cols: fields.u16()?,
                rows: fields.u16()?,
                after_gap: fields.u8()? != 0,
                bytes: fields.rest().to_vec(),
            },
            0x04 => Self::Gap { wanted: fields.u64()?, oldest: fields.u64()? },
            0x05 => Self::InputAck {
                seq: fields.u64()?,
                fate: match fields.u8()? {
                    0 => InputFate::Written,
                    2 => InputFate::Ended,
                    _ => InputFate::Full,
                },
            },
            0x06 => {
                Self::Resized { cols: fields.u16()?, rows: fields.u16()?, offset: fields.u64()? }
            }
            0x07 => Self::Activity(Activity::decode(&mut fields)?),
            0x08 => Self::Title(String::from_utf8_lossy(fields.rest()).into_owned()),
            0x09 => {
                let (how, number) = (fields.u8()?, i32::from_be_bytes(fields.array()?));
                Self::Exit(match how {
                    0 => Exit::Code(number),
                    1 => Exit::Signal(number),
                    _ => Exit::Unknown,
                })
            }
            0x0a => Self::Pong(fields.u64()?),
            _ => return Ok(None),
        }))
    }
}

impl Activity {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.last_output.to_be_bytes());
        out.extend(self.last_input.to_be_bytes());
        out.extend(self.bells.to_be_bytes());
        out.push(u8::from(self.is_active));
        // The kernel keeps 15 bytes of a program's name.
        let name = &self.foreground.as_bytes()[..self.foreground.len().min(255)];
        out.extend((name.len() as u16).to_be_bytes());
        out.extend(name);
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, ProtocolError> {
        Ok(Self {
            last_output: fields.u64()?,
            last_input: fields.u64()?,
            bells: fields.u64()?,
            is_active: fields.u8()? != 0,
            foreground: fields.text()?,
        })
    }
}
