//! From the client to the host.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ws::Message;
use car_domain::terminal::{ServerFrame, TerminalError, TerminalRole};
use car_engine::terminals::{Seat, Size};
use car_host::protocol::{ClientFrame, FROM_SNAPSHOT, MAX_INPUT, VERSION};
use car_host::{HostError, Sender};
use futures::StreamExt;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};

use super::talk::{End, MAX_LINES, Said, Stream, Talk, Wanted};

/// Inputs whose fate may be open.
const MAX_ASKED: usize = 1024;

/// The hearing side.
pub(super) struct Hearing<'a> {
    pub(super) talk: &'a Talk,
    pub(super) stream: Stream,
    pub(super) sender: Sender,
    pub(super) seat: &'a Seat,
    pub(super) said: mpsc::Sender<Said>,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) was_heard: &'a AtomicBool,
}

/// Hears the client until it is gone. That the host is gone is the telling side's to say.
pub(super) async fn hear(mut hearing: Hearing<'_>) -> End {
    let mut known = *hearing.wanted.borrow_and_update();
    loop {
        let done = tokio::select! {
            message = hearing.stream.next() => {
                hearing.was_heard.store(true, Ordering::Relaxed);
                match message {
                    Some(Ok(Message::Binary(keys))) => hearing.keys(&keys).await,
                    Some(Ok(Message::Text(text))) => hearing.text(&text).await,
                    // Pings are answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                }
            }
            Ok(()) = hearing.wanted.changed() => {
                let now = *hearing.wanted.borrow_and_update();
                let before = std::mem::replace(&mut known, now);
                hearing.tell_host(before, now).await
            }
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a terminal's host hears nothing any more");
            // It may still have something to say.
            std::future::pending::<()>().await;
        }
    }
}

impl Hearing<'_> {
    async fn tell_host(&mut self, before: Wanted, now: Wanted) -> Result<(), HostError> {
        if now.acked != before.acked {
            self.sender.ack(now.acked).await?;
        }
        if now.answers != before.answers {
            // Output begins anew where the client is; what is on its way already is dropped on the telling side.
            let offset = self.talk.position.load(Ordering::Relaxed);
            let attach = ClientFrame::Attach {
                version: VERSION,
                answers: now.answers,
                window: self.talk.window,
                offset,
                lines: self.talk.lines,
            };
            // Before the first snapshot there is no place yet, and that is on its way.
            if offset != FROM_SNAPSHOT {
                self.sender.send(&attach).await?;
            }
        }
        Ok(())
    }

    async fn keys(&mut self, keys: &[u8]) -> Result<(), HostError> {
        if !self.may_type() {
            self.say(viewer_error()).await;
            return Ok(());
        }
        if keys.len() > MAX_INPUT {
            self.say(error("too_large", "Nothing was typed: it is too much at once.", None)).await;
            return Ok(());
        }
        self.sender.input(None, keys).await.map(drop)
    }

    async fn text(&mut self, text: &str) -> Result<(), HostError> {
        let Ok(Value::Object(frame)) = serde_json::from_str(text) else {
            self.bad("A message in text has to be a JSON object.").await;
            return Ok(());
        };
        let kind = frame.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "input" => return self.input(&frame).await,
            "resize" => return self.resize(&frame).await,
            "ack" => match frame.get("offset").and_then(Value::as_u64) {
                Some(offset) => return self.sender.ack(offset).await,
                None => self.bad("`offset` has to be a number.").await,
            },
            "snapshot" => {
                let lines = frame.get("lines").and_then(Value::as_u64).unwrap_or_default();
                let lines = u32::try_from(lines).unwrap_or(MAX_LINES).min(MAX_LINES);
                return self.sender.snapshot(lines).await;
            }
            "ping" => {
                let at = frame.get("at").cloned().unwrap_or_default();
                self.say(ServerFrame::Pong { at }).await;
            }
            "take" => self.seat.take(),
            // The original ignores what it does not know.
            _ if !self.talk.is_v2 => {}
            _ => {
                let message = format!("There is no message of type `{}`.", headline(kind));
                self.say(error("unknown_frame", &message, None)).await;
            }
        }
        Ok(())
    }

    async fn input(&mut self, frame: &Map<String, Value>) -> Result<(), HostError> {
        let id = frame.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let Some(id) = id else {
            self.say(error("invalid_input", "invalid input id", None)).await;
            return Ok(());
        };
        let data = frame.get("data").and_then(Value::as_str);
        let refusal = match data {
            None => Some("invalid input data"),
            Some(data) if data.len() > MAX_INPUT => Some("input too large"),
            Some(_) if !self.may_type() => Some("you are looking on: take over to type"),
            Some(_) if self.talk.asked().len() >= MAX_ASKED => {
                Some("too much waits for the program already")
            }
            Some(_) => None,
        };
        if let Some(message) = refusal {
            let (id, message) = (id.to_owned(), Some(message.to_owned()));
            self.say(ServerFrame::Ack { id, ok: false, message }).await;
            return Ok(());
        }
        // Known before the host can have answered.
        self.talk.asked().insert(self.sender.next_seq(), id.to_owned());
        self.sender.input(Some(host_id(id)), data.unwrap_or_default().as_bytes()).await.map(drop)
    }

    async fn resize(&mut self, frame: &Map<String, Value>) -> Result<(), HostError> {
        let side = |name: &str| {
            let value = frame.get(name)?.as_u64().filter(|value| *value > 0)?;
            Some(u16::try_from(value).unwrap_or(u16::MAX))
        };
        let (Some(cols), Some(rows)) = (side("cols"), side("rows")) else {
            self.bad("`cols` and `rows` have to be numbers from 1 on.").await;
            return Ok(());
        };
        let leads = self.seat.role() == Some(TerminalRole::Controller);
        if leads || (!self.talk.is_v2 && !self.seat.is_led()) {
            return self.sender.resize(Size { cols, rows }).await;
        }
        if self.talk.is_v2 {
            self.say(viewer_error()).await;
        }
        Ok(())
    }

    /// All old clients type; of the others only the controller.
    fn may_type(&self) -> bool {
        !self.talk.is_v2 || self.seat.role() == Some(TerminalRole::Controller)
    }

    async fn bad(&self, message: &str) {
        self.say(error("bad_frame", message, None)).await;
    }

    /// Fails only when the client is gone.
    async fn say(&self, frame: ServerFrame) {
        let _ = self.said.send(Said::Frame(frame)).await;
    }
}

fn viewer_error() -> ServerFrame {
    error("viewer", "You are looking on.", Some("take over to type and to set the size"))
}

pub(super) fn error(code: &str, message: &str, hint: Option<&str>) -> ServerFrame {
    ServerFrame::Error(Box::new(TerminalError {
        code: code.to_owned(),
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
        ..TerminalError::default()
    }))
}

/// The host knows inputs by ids of one length.
fn host_id(id: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(id.as_bytes())[..16]);
    short
}

fn headline(text: &str) -> String {
    text.chars().take(40).collect()
}
