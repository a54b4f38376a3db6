//! What host and client say to each other. Small, so that it can stay as it is: a newer client talks to an older host.
//!
//! # Frames
//!
//! A connection is two streams of frames. Numbers are unsigned and big-endian unless said otherwise.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of all that follows, kind included: 1 to [`MAX_FRAME`] |
//! | 1 | kind |
//! | length − 1 | payload |
//!
//! Three rules let both sides grow: a frame of unknown kind is skipped by its length; payload beyond the fields one knows is
//! ignored; a new meaning gets a new kind. Kinds below 0x80 come from the host, the others from the client.
//!
//! # From the host
//!
//! | kind | frame | payload |
//! |---|---|---|
//! | 0x01 | hello | version 2, oldest offset in the journal 8, end of the journal 8, columns 2, rows 2, has ended 1, activity (below) |
//! | 0x02 | output | offset of its first byte 8, then the bytes |
//! | 0x03 | snapshot | offset 8, columns 2, rows 2, why 1 (0 asked for, 1 after a gap), then the bytes |
//! | 0x04 | gap | offset that was wanted 8, oldest offset that is there 8 |
//! | 0x05 | input ack | seq 8, fate 1 (0 written, 1 refused: too much waits, 2 refused: the program has ended) |
//! | 0x06 | resized | columns 2, rows 2, end of the journal at that moment 8 |
//! | 0x07 | activity | last output 8, last input 8, bells 8, is active 1, length 2 and the foreground program's name |
//! | 0x08 | title | the title in UTF-8, at most [`MAX_TITLE`] bytes |
//! | 0x09 | exit | how 1 (0 code, 1 signal, 2 unknown), the number 4, signed |
//! | 0x0a | pong | what the ping said 8 |
//!
//! The host says `hello` and `title`, which may be empty, as soon as a client connects; output only comes after `attach`. Times are
//! milliseconds since 1970, 0 for never; *active* means that there was output within the last second. After `exit` the host
//! closes the connection. A snapshot is a stream of bytes that makes any fresh terminal of its size show the same screen; it stands for
//! all output before its offset, and output goes on from there.
//!
//! # From the client
//!
//! | kind | frame | payload |
//! |---|---|---|
//! | 0x81 | attach | version 2, flags 1 (1: it answers the program's questions to the terminal), window 4, offset 8, lines 4 |
//! | 0x82 | input | seq 8, id 16, then the bytes, at most [`MAX_INPUT`] |
//! | 0x83 | resize | columns 2, rows 2 |
//! | 0x84 | ack | offset 8 |
//! | 0x85 | snapshot, please | most lines of history 4 |
//! | 0x86 | end | milliseconds between TERM and KILL 4 |
//! | 0x87 | ping | anything 8 |
//!
//! `attach` starts the output at `offset`. When the journal no longer, or not yet, has it, a `gap` and a snapshot with at most
//! `lines` lines of history come first; [`FROM_SNAPSHOT`] asks for the snapshot right away.
//!
//! With a `window` other than 0 the client controls the flow: it is sent at most `window` bytes beyond its last `ack`, and the
//! program is slowed down once *every* such client is that far behind. One that acknowledges nothing for [`STALL_PATIENCE`]
//! while it holds the program up loses its say until it does. A client that falls off the journal's old end gets a gap.
//!
//! `input` is acknowledged once it is written to the PTY, with its `seq`. An `id` other than 0 is written once however often
//! it is sent, also over another connection: the host remembers the last [`KEPT_IDS`].

mod client_frame;
mod fields;
mod host_frame;
mod reader;

use std::time::Duration;

pub use client_frame::ClientFrame;
pub use host_frame::{Activity, HostFrame, InputFate};
pub use reader::{Incoming, RawReader};

/// The version this code speaks.
pub const VERSION: u16 = 1;
/// Longest frame. A snapshot of the largest screen in hostile colours takes about 20 MiB.
pub const MAX_FRAME: usize = 32 << 20;
/// Most bytes of one input, and of all input that waits for the program: the original's limit.
pub const MAX_INPUT: usize = 1 << 20;
/// Longest title told.
pub const MAX_TITLE: usize = 1024;
/// Ids of input the host remembers; the original remembers 256.
pub const KEPT_IDS: usize = 1024;
/// In `attach`: begin with a snapshot.
pub const FROM_SNAPSHOT: u64 = u64::MAX;
/// How long a client that acknowledges nothing may hold up the program.
pub const STALL_PATIENCE: Duration = Duration::from_secs(5);

/// The other side does not keep to the protocol.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A frame's length makes no sense.
    #[error("a frame of {0} bytes came from the other side of the terminal")]
    Length(usize),
    /// A frame is shorter than its fields.
    #[error("a cut frame of kind {0:#04x} came from the other side of the terminal")]
    Short(u8),
    /// The host speaks an older version than any we know.
    #[error("the terminal's host speaks version {0} of the protocol")]
    Version(u16),
    /// The first frame was none that a host begins with.
    #[error("whoever listens on the terminal's socket is no host")]
    NoHello,
}

/// Appends a frame to `out`: its head, then what `payload` writes.
pub(crate) fn frame(out: &mut Vec<u8>, kind: u8, payload: impl FnOnce(&mut Vec<u8>)) {
    let head = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind]);
    payload(out);
    let length = u32::try_from(out.len() - head - 4).unwrap_or(u32::MAX);
    out[head..head + 4].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host_frames() -> impl Strategy<Value = HostFrame> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..50);
        let activity = (any::<[u64; 3]>(), any::<bool>(), "[a-z]{0,9}").prop_map(
            |([last_output, last_input, bells], is_active, foreground)| Activity {
                last_output,
                last_input,
                bells,
                is_active,
                foreground,
            },
        );
        prop_oneof![
            (any::<[u64; 2]>(), any::<[u16; 3]>(), any::<bool>(), activity.clone()).prop_map(
                |([oldest, end], [version, cols, rows], has_ended, activity)| HostFrame::Hello {
                    version,
                    oldest,
                    end,
                    cols,
                    rows,
                    has_ended,
                    activity,
                }
            ),
            (any::<u64>(), bytes()).prop_map(|(offset, bytes)| HostFrame::Output { offset, bytes }),
            (any::<u64>(), any::<[u16; 2]>(), any::<bool>(), bytes()).prop_map(
                |(offset, [cols, rows], after_gap, bytes)| HostFrame::Snapshot {
                    offset,
                    cols,
                    rows,
                    after_gap,
                    bytes,
                }
            ),
            any::<[u64; 2]>().prop_map(|[wanted, oldest]| HostFrame::Gap { wanted, oldest }),
            any::<u64>().prop_map(|seq| HostFrame::InputAck { seq, fate: InputFate::Full }),
            activity.prop_map(HostFrame::Activity),
            "\\PC{0,20}".prop_map(HostFrame::Title),
            any::<i32>().prop_map(|code| HostFrame::Exit(crate::Exit::Code(code))),
        ]
    }

    proptest! {
        #[test]
        fn what_a_host_says_is_understood(frame in host_frames(), extra in any::<[u8; 3]>()) {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes);
            let length = u32::from_be_bytes(bytes[..4].try_into().expect("four")) as usize;
            prop_assert_eq!(length, bytes.len() - 4);
            prop_assert_eq!(HostFrame::decode(bytes[4], &bytes[5..]).expect("whole"), Some(frame.clone()));
            // A field added by a later version, where the payload does not end in bytes of any length.
            if !matches!(frame, HostFrame::Output { .. } | HostFrame::Snapshot { .. } | HostFrame::Title(_)) {
                bytes.extend(extra);
                prop_assert_eq!(HostFrame::decode(bytes[4], &bytes[5..]).expect("whole"), Some(frame));
            }
        }

        #[test]
        fn no_bytes_make_either_side_panic(kind in any::<u8>(), bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = HostFrame::decode(kind, &bytes);
            let _ = ClientFrame::decode(kind, &bytes);
        }
    }

    /// The bytes of version 1. They never change; hosts of today meet servers of next year.
    #[test]
    fn the_protocol_is_frozen() {
        let bytes = |frame: ClientFrame| {
            let mut out = Vec::new();
            frame.encode(&mut out);
            out.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let attach = ClientFrame::Attach {
            version: 1,
            answers: true,
            window: 0x40000,
            offset: 7,
            lines: 500,
        };
        assert_eq!(bytes(attach), "0000001481000101000400000000000000000007000001f4");
        let input = ClientFrame::Input { seq: 1, id: [2; 16], bytes: b"ls\n".to_vec() };
        assert_eq!(
            bytes(input),
            "0000001c820000000000000001020202020202020202020202020202026c730a"
        );
        assert_eq!(bytes(ClientFrame::Resize { cols: 80, rows: 24 }), "000000058300500018");
        assert_eq!(bytes(ClientFrame::Ack { offset: 9 }), "00000009840000000000000009");
        assert_eq!(bytes(ClientFrame::Snapshot { lines: 3 }), "000000058500000003");
        assert_eq!(bytes(ClientFrame::End { grace_ms: 5000 }), "000000058600001388");
        assert_eq!(bytes(ClientFrame::Ping(5)), "00000009870000000000000005");
        let mut out = Vec::new();
        HostFrame::Output { offset: 258, bytes: b"hi".to_vec() }.encode(&mut out);
        assert_eq!(out, [0, 0, 0, 11, 2, 0, 0, 0, 0, 0, 0, 1, 2, b'h', b'i']);
    }
}
