//! What is left of a terminal that has ended, for a client of version 2: the rest of its output, or its last screen.

use axum::extract::ws::Message;
use bytes::{BufMut, BytesMut};
use car_domain::terminal::{Hello, OFFSET_BYTES, ServerFrame};
use car_engine::terminals::{self, Seat};
use car_engine::{EngineError, blocking};
use car_host::{Exit, Session};

use super::talk::{self, End, Sink, Talk};
use super::tell::{Gone, exit_frame, say, send};

/// Bytes of one message.
const PIECE: usize = 64 << 10;

/// What is left.
struct Left {
    /// Offset of the first byte of the output.
    oldest: u64,
    output: Vec<u8>,
    screen: Vec<u8>,
}

pub(super) async fn tell(
    sink: &mut Sink,
    talk: &Talk,
    session: &Session,
    seat: &Seat,
    from: Option<u64>,
) -> End {
    match told(sink, talk, session, seat, from).await {
        Ok(()) => End::Done,
        Err(Gone) => End::Gone,
    }
}

async fn told(
    sink: &mut Sink,
    talk: &Talk,
    session: &Session,
    seat: &Seat,
    from: Option<u64>,
) -> Result<(), Gone> {
    let left = left(session).await;
    let end = left.oldest + left.output.len() as u64;
    let from = from.filter(|from| (left.oldest..=end).contains(from));
    let shown = terminals::view(&session.record, None, seat.clients());
    let hello = Hello {
        offset: from.unwrap_or(end),
        oldest: left.oldest,
        end,
        ..talk::hello_of(&shown, seat)
    };
    say(sink, &ServerFrame::Hello(Box::new(hello))).await?;
    if talk.is_v2 {
        match from {
            Some(from) => tell_output(sink, &left, from).await?,
            None => {
                let (cols, rows) = (shown.cols, shown.rows);
                let head = ServerFrame::Snapshot { offset: end, cols, rows, after_gap: false };
                say(sink, &head).await?;
                send(sink, binary(end, &left.screen)).await?;
            }
        }
    }
    let exit = session.record.exit.unwrap_or(Exit::Unknown);
    say(sink, &exit_frame(exit, &session.record.id)).await
}

async fn tell_output(sink: &mut Sink, left: &Left, from: u64) -> Result<(), Gone> {
    let start = usize::try_from(from - left.oldest).unwrap_or(usize::MAX).min(left.output.len());
    let mut offset = from;
    for piece in left.output[start..].chunks(PIECE) {
        send(sink, binary(offset, piece)).await?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// Of one that was lost there may be nothing.
async fn left(session: &Session) -> Left {
    let session = session.clone();
    let read = blocking(move || {
        let (oldest, output) = session.output().unwrap_or_default();
        let screen = session.last_screen().unwrap_or_default();
        Ok::<_, EngineError>(Left { oldest, output, screen })
    });
    read.await.unwrap_or(Left { oldest: 0, output: Vec::new(), screen: Vec::new() })
}

fn binary(offset: u64, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(OFFSET_BYTES + bytes.len());
    message.put_u64(offset);
    message.put_slice(bytes);
    Message::Binary(message.freeze())
}
