//! From the host to the client.

use std::sync::atomic::Ordering;

use axum::extract::ws::Message;
use bytes::{BufMut, Bytes, BytesMut};
use car_domain::terminal::{OFFSET_BYTES, ServerFrame, TerminalClient, TerminalRole};
use car_engine::terminals::{self, Heard, Seat};
use car_host::protocol::{HostFrame, InputFate};
use car_host::{Exit, Frames};
use futures::SinkExt;
use tokio::sync::{mpsc, watch};

use super::talk::{End, Said, Sink, Talk, Wanted};

/// The telling side.
pub(super) struct Telling<'a> {
    pub(super) talk: &'a Talk,
    pub(super) sink: &'a mut Sink,
    pub(super) frames: Frames,
    pub(super) seat: &'a Seat,
    pub(super) heard: Heard,
    pub(super) saying: mpsc::Receiver<Said>,
    pub(super) wants: watch::Sender<Wanted>,
    /// Whether an old client waits for the end of the replay.
    pub(super) has_replay: bool,
    /// Offset the output was asked for from.
    pub(super) from: Option<u64>,
    /// Who is attached, as the client was told.
    pub(super) present: Vec<TerminalClient>,
}

/// The client does not take any more.
pub(super) struct Gone;

/// Tells the client everything until it, or the terminal, is gone.
pub(super) async fn tell(mut telling: Telling<'_>) -> End {
    let mut changes = telling.seat.changes();
    let mut role = telling.seat.role();
    if telling.from.is_some() && telling.end_replay().await.is_err() {
        return End::Gone;
    }
    if telling.talk.is_v2 && telling.tell_presence().await.is_err() {
        return End::Gone;
    }
    loop {
        let done = tokio::select! {
            biased;
            () = changes.next() => match telling.seat.role() {
                None => return End::Replaced,
                Some(now) => telling.members_changed(&mut role, now).await,
            },
            Some(said) = telling.saying.recv() => match said {
                Said::Frame(frame) => say(telling.sink, &frame).await,
                Said::Ping => send(telling.sink, Message::Ping(Bytes::new())).await,
            },
            frame = telling.frames.next() => {
                let frame = frame.unwrap_or_else(|error| {
                    tracing::debug!(%error, "a terminal's host is gone");
                    None
                });
                match frame {
                    Some(HostFrame::Exit(exit)) => return telling.tell_exit(exit).await,
                    Some(frame) => telling.pass_on(frame).await,
                    None => return telling.tell_exit(Exit::Unknown).await,
                }
            }
        };
        if done.is_err() {
            return End::Gone;
        }
    }
}

impl Telling<'_> {
    async fn pass_on(&mut self, frame: HostFrame) -> Result<(), Gone> {
        let is_news = self.heard.note(&frame);
        match frame {
            HostFrame::Output { offset, bytes } => self.output(offset, &bytes).await,
            HostFrame::Snapshot { offset, cols, rows, after_gap, bytes } => {
                self.talk.position.store(offset, Ordering::Relaxed);
                if !self.talk.is_v2 {
                    self.binary(None, &bytes).await?;
                    self.note_sent(offset);
                    return self.end_replay().await;
                }
                let head = ServerFrame::Snapshot { offset, cols, rows, after_gap };
                say(self.sink, &head).await?;
                self.binary(Some(offset), &bytes).await
            }
            HostFrame::InputAck { seq, fate } => self.tell_fate(seq, fate).await,
            _ if !self.talk.is_v2 || !is_news => Ok(()),
            HostFrame::Resized { cols, rows, .. } => {
                say(self.sink, &ServerFrame::Resized { cols, rows }).await
            }
            HostFrame::Activity(_) => {
                say(self.sink, &ServerFrame::Activity(self.heard.activity())).await
            }
            HostFrame::Title(title) => say(self.sink, &ServerFrame::Title { title }).await,
            _ => Ok(()),
        }
    }

    /// Output, without what was sent before the host was asked to begin anew.
    async fn output(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Gone> {
        let position = self.talk.position.load(Ordering::Relaxed);
        let end = offset + bytes.len() as u64;
        if end <= position {
            return Ok(());
        }
        let known = usize::try_from(position.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (offset, bytes) = (offset + known as u64, &bytes[known..]);
        // Before it is sent: whoever attaches anew must not be sent it twice.
        self.talk.position.store(end, Ordering::Relaxed);
        self.binary(self.talk.is_v2.then_some(offset), bytes).await?;
        self.note_sent(end);
        Ok(())
    }

    async fn binary(&mut self, offset: Option<u64>, bytes: &[u8]) -> Result<(), Gone> {
        let mut message = BytesMut::with_capacity(OFFSET_BYTES + bytes.len());
        if let Some(offset) = offset {
            message.put_u64(offset);
        }
        message.put_slice(bytes);
        send(self.sink, Message::Binary(message.freeze())).await
    }

    /// An old client does not acknowledge; that it took the bytes has to do.
    fn note_sent(&self, end: u64) {
        if !self.talk.is_v2 {
            self.wants.send_modify(|wanted| wanted.acked = end);
        }
    }

    async fn end_replay(&mut self) -> Result<(), Gone> {
        if std::mem::take(&mut self.has_replay) {
            say(self.sink, &ServerFrame::ReplayEnd).await?;
        }
        Ok(())
    }

    async fn tell_fate(&mut self, seq: u64, fate: InputFate) -> Result<(), Gone> {
        let id = self.talk.asked().remove(&seq);
        let message = match fate {
            InputFate::Written => None,
            InputFate::Full => Some("too much waits for the program already"),
            InputFate::Ended => Some("the program has ended"),
        };
        let frame = match (id, message) {
            (Some(id), message) => {
                let (ok, message) = (message.is_none(), message.map(str::to_owned));
                ServerFrame::Ack { id, ok, message }
            }
            (None, Some(message)) => super::hear::error("input_refused", message, None),
            (None, None) => return Ok(()),
        };
        say(self.sink, &frame).await
    }

    async fn members_changed(
        &mut self,
        role: &mut Option<TerminalRole>,
        now: TerminalRole,
    ) -> Result<(), Gone> {
        let is_new = role.replace(now) != Some(now);
        if !self.talk.is_v2 || self.seat.clients() == self.present {
            return Ok(());
        }
        if is_new {
            self.wants.send_modify(|wanted| wanted.answers = now == TerminalRole::Controller);
            say(self.sink, &ServerFrame::Role { role: now }).await?;
        }
        self.tell_presence().await
    }

    async fn tell_presence(&mut self) -> Result<(), Gone> {
        self.present = self.seat.clients();
        say(self.sink, &ServerFrame::Presence { clients: self.present.clone() }).await
    }

    async fn tell_exit(&mut self, exit: Exit) -> End {
        match say(self.sink, &exit_frame(exit, &self.talk.session_id)).await {
            Ok(()) => End::Done,
            Err(Gone) => End::Gone,
        }
    }
}

pub(super) fn exit_frame(exit: Exit, session_id: &str) -> ServerFrame {
    let exit = terminals::exit(exit);
    let session_id = session_id.to_owned();
    ServerFrame::Exit { code: exit.code, signal: exit.signal, session_id }
}

/// Sends a frame in text.
pub(super) async fn say(sink: &mut Sink, frame: &ServerFrame) -> Result<(), Gone> {
    // Plain data: it can always be written.
    let text = serde_json::to_string(frame).unwrap_or_default();
    send(sink, Message::Text(text.into())).await
}

pub(super) async fn send(sink: &mut Sink, message: Message) -> Result<(), Gone> {
    sink.send(message).await.map_err(|_| Gone)
}
