//! One client: what it says. What it is told is `output`'s.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::core::Core;
use super::input::Told;
use super::output;
use crate::protocol::{ClientFrame, HostFrame, InputFate, MAX_INPUT, RawReader};
use crate::session::Size;

/// Answers a client may be owed. One that does not read them is not heard any further.
const MAX_OWED: usize = 256;
/// The longest frame of use: input with its head.
const MAX_CLIENT_FRAME: usize = MAX_INPUT + 64;

/// What the reading side wants the writing side to do.
pub(super) enum Order {
    /// Say this.
    Say(HostFrame),
    /// Begin with the output.
    Attach(Attached),
    /// Send a snapshot and go on from there.
    Snapshot { lines: u32 },
}

/// An order, and the client's right to be owed it.
pub(super) struct Owed {
    pub(super) order: Order,
    _permit: OwnedSemaphorePermit,
}

/// How a client wants its output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attached {
    pub(super) offset: u64,
    pub(super) window: u32,
    pub(super) lines: u32,
}

/// What both sides of a connection know.
pub(super) struct Client {
    pub(super) core: Arc<Core>,
    /// Everything before is dealt with.
    pub(super) acked: watch::Sender<u64>,
    id: u64,
    answers: AtomicBool,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.core.gate.remove(self.id);
        self.set_answers(false);
    }
}

/// Serves a client until it is gone.
pub(super) async fn serve(core: Arc<Core>, socket: UnixStream) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let acked = watch::Sender::new(0);
    let client = Arc::new(Client { core, acked, id, answers: false.into() });
    let (reading, writing) = socket.into_split();
    // As many as permits, so that sending never has to wait.
    let (orders, ordered) = mpsc::channel(MAX_OWED);
    let written = output::write(&client, writing, ordered);
    let heard = hear(&client, reading, orders);
    tokio::pin!(heard);
    let ended = tokio::select! {
        ended = written => match ended {
            // It reads no more, but what it said before it left counts.
            Err(error) if has_left(&error) => heard.await,
            ended => ended,
        },
        ended = &mut heard => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a client is gone");
    }
}

fn has_left(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

async fn hear(
    client: &Arc<Client>,
    reading: OwnedReadHalf,
    orders: mpsc::Sender<Owed>,
) -> io::Result<()> {
    let mut reader = RawReader::new(reading, MAX_CLIENT_FRAME);
    let owed = Arc::new(Semaphore::new(MAX_OWED));
    while let Some(frame) = reader.next().await? {
        let is_long = frame.is_long;
        let decoded = ClientFrame::decode(frame.kind, frame.payload);
        let Some(frame) = decoded.map_err(io::Error::other)? else { continue };
        // Not among the answers: who is too slow to read them may still say how far it is, and that it wants an end.
        match frame {
            ClientFrame::Ack { offset } => {
                client.ack(offset);
                continue;
            }
            ClientFrame::Resize { cols, rows } => {
                client.core.resize(Size { cols, rows }).await;
                continue;
            }
            ClientFrame::End { grace_ms } => {
                let grace = Duration::from_millis(u64::from(grace_ms));
                client.core.ending.send_replace(Some(grace));
                continue;
            }
            _ => {}
        }
        let Ok(permit) = owed.clone().acquire_owned().await else { return Ok(()) };
        let order = match frame {
            ClientFrame::Input { seq, id, bytes } => {
                let input = (seq, id, bytes);
                take_input(client, input, is_long, orders.clone(), permit);
                continue;
            }
            ClientFrame::Attach { answers, window, offset, lines, .. } => {
                client.set_answers(answers);
                Order::Attach(Attached { offset, window, lines })
            }
            ClientFrame::Snapshot { lines } => Order::Snapshot { lines },
            ClientFrame::Ping(value) => Order::Say(HostFrame::Pong(value)),
            _ => continue,
        };
        // Fails only when the client reads no more.
        let _ = orders.try_send(Owed { order, _permit: permit });
    }
    Ok(())
}

fn take_input(
    client: &Client,
    (seq, id, bytes): (u64, [u8; 16], Vec<u8>),
    is_long: bool,
    orders: mpsc::Sender<Owed>,
    permit: OwnedSemaphorePermit,
) {
    let told: Told = Box::new(move |fate| {
        let order = Order::Say(HostFrame::InputAck { seq, fate });
        // Fails only when the client is gone.
        let _ = orders.try_send(Owed { order, _permit: permit });
    });
    if is_long || bytes.len() > MAX_INPUT {
        return told(InputFate::Full);
    }
    client.core.note_input();
    client.core.input.push(id, bytes, Some(told));
}

impl Client {
    /// Counts the client among those that control the flow, if it wants to.
    pub(super) fn control_flow(&self, from: u64, window: u32) {
        self.acked.send_replace(from);
        if window > 0 {
            self.core.gate.add(self.id, from, window);
        } else {
            self.core.gate.remove(self.id);
        }
    }

    fn ack(&self, offset: u64) {
        // Nobody can have dealt with what is not there yet.
        let offset = offset.min(self.core.journal().end());
        self.core.gate.ack(self.id, offset);
        self.acked.send_if_modified(|acked| {
            let is_new = offset > *acked;
            *acked = offset.max(*acked);
            is_new
        });
    }

    fn set_answers(&self, answers: bool) {
        if self.answers.swap(answers, Ordering::Relaxed) != answers {
            let count = &self.core.answering;
            if answers {
                count.fetch_add(1, Ordering::Relaxed);
            } else {
                count.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}
