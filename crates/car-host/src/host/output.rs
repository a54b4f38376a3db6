//! One client: what it is told, in order, as fast as it reads and no faster than it acknowledges.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};

use super::connection::{Attached, Client, Order, Owed};
use super::core::Scene;
use super::model;
use crate::protocol::{FROM_SNAPSHOT, HostFrame, VERSION, frame};
use crate::session::Exit;

/// Most output in one frame.
const MAX_OUTPUT: usize = 64 << 10;

/// The writing side of a connection.
struct Output<'a> {
    client: &'a Client,
    socket: OwnedWriteHalf,
    buffer: Vec<u8>,
    attached: Option<Attached>,
    /// Offset of the next byte to send.
    position: u64,
    told: Scene,
}

/// Tells the client everything until it, or the session, is gone.
pub(super) async fn write(
    client: &Client,
    socket: OwnedWriteHalf,
    mut orders: mpsc::Receiver<Owed>,
) -> io::Result<()> {
    let core = &client.core;
    let (mut scene, mut end) = (core.watch_scene(), core.watch_end());
    let (mut exit, mut acked) = (core.watch_exit(), client.acked.subscribe());
    let told = scene.borrow_and_update().clone();
    let mut output =
        Output { client, socket, buffer: Vec::new(), attached: None, position: 0, told };
    output.greet(&exit).await?;
    loop {
        while let Ok(owed) = orders.try_recv() {
            output.obey(owed.order).await?;
        }
        let news = {
            let now = scene.borrow_and_update();
            (*now != output.told).then(|| now.clone())
        };
        if let Some(now) = news {
            output.tell_scene(now).await?;
        }
        let ended = *exit.borrow_and_update();
        acked.mark_unchanged();
        end.mark_unchanged();
        if output.send_some().await? {
            continue;
        }
        if let Some(exit) = ended.filter(|_| output.has_all()) {
            return output.say(&HostFrame::Exit(exit)).await;
        }
        tokio::select! {
            order = orders.recv() => match order {
                Some(owed) => output.obey(owed.order).await?,
                None => return Ok(()),
            },
            changed = scene.changed() => gone(changed)?,
            changed = end.changed() => gone(changed)?,
            changed = exit.changed() => gone(changed)?,
            changed = acked.changed() => gone(changed)?,
        }
    }
}

fn gone(changed: Result<(), watch::error::RecvError>) -> io::Result<()> {
    changed.map_err(io::Error::other)
}

impl Output<'_> {
    async fn greet(&mut self, exit: &watch::Receiver<Option<Exit>>) -> io::Result<()> {
        let core = &self.client.core;
        let (oldest, end) = {
            let journal = core.journal();
            (journal.oldest(), journal.end())
        };
        let size = self.told.size;
        let hello = HostFrame::Hello {
            version: VERSION,
            oldest,
            end,
            cols: size.cols,
            rows: size.rows,
            has_ended: exit.borrow().is_some(),
            activity: core.activity(),
        };
        let title = HostFrame::Title(self.told.title.clone());
        self.say(&hello).await?;
        self.say(&title).await
    }

    async fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Say(frame) => self.say(&frame).await,
            Order::Snapshot { lines } => self.snapshot(lines, false).await,
            Order::Attach(attached) => {
                self.attached = Some(attached);
                if attached.offset == FROM_SNAPSHOT {
                    return self.snapshot(attached.lines, false).await;
                }
                self.position = attached.offset;
                let is_there = {
                    let journal = self.client.core.journal();
                    (journal.oldest()..=journal.end()).contains(&attached.offset)
                };
                if !is_there {
                    return self.bridge_gap().await;
                }
                self.client.control_flow(self.position, attached.window);
                Ok(())
            }
        }
    }

    /// What was wanted next is not there: says so and sends the screen in its place.
    async fn bridge_gap(&mut self) -> io::Result<()> {
        let oldest = self.client.core.journal().oldest();
        self.say(&HostFrame::Gap { wanted: self.position, oldest }).await?;
        let lines = self.attached.map_or(0, |attached| attached.lines);
        self.snapshot(lines, true).await
    }

    async fn snapshot(&mut self, lines: u32, after_gap: bool) -> io::Result<()> {
        let Some(snapshot) = model::snapshot(&self.client.core, lines).await else {
            return Err(io::Error::other("the model of the screen is gone"));
        };
        self.position = snapshot.offset;
        if let Some(attached) = self.attached {
            // Anew from here: what was sent before counts as dealt with.
            self.client.control_flow(snapshot.offset, attached.window);
        }
        let (cols, rows) = (snapshot.size.cols, snapshot.size.rows);
        let (offset, bytes) = (snapshot.offset, snapshot.bytes);
        self.say(&HostFrame::Snapshot { offset, cols, rows, after_gap, bytes }).await
    }

    async fn tell_scene(&mut self, now: Scene) -> io::Result<()> {
        let before = std::mem::replace(&mut self.told, now);
        let now = &self.told;
        let mut frames = Vec::new();
        if now.size != before.size || now.sized_at != before.sized_at {
            let (cols, rows) = (now.size.cols, now.size.rows);
            frames.push(HostFrame::Resized { cols, rows, offset: now.sized_at });
        }
        if now.title != before.title {
            frames.push(HostFrame::Title(now.title.clone()));
        }
        let is_same = |one: &Scene, other: &Scene| {
            (one.bells, one.is_active, &one.foreground)
                == (other.bells, other.is_active, &other.foreground)
        };
        if !is_same(now, &before) {
            frames.push(HostFrame::Activity(self.client.core.activity()));
        }
        for frame in frames {
            self.say(&frame).await?;
        }
        Ok(())
    }

    /// Sends what there is, if the client may have it; `false` when there is nothing to do.
    async fn send_some(&mut self) -> io::Result<bool> {
        let Some(attached) = self.attached else { return Ok(false) };
        let mut most = MAX_OUTPUT;
        if attached.window > 0 {
            let until = *self.client.acked.borrow() + u64::from(attached.window);
            let room = until.saturating_sub(self.position);
            most = most.min(usize::try_from(room).unwrap_or(usize::MAX));
        }
        self.buffer.clear();
        let position = self.position;
        let mut read = Ok(Some(0));
        let core = &self.client.core;
        frame(&mut self.buffer, HostFrame::OUTPUT, |out| {
            out.extend(position.to_be_bytes());
            read = core.journal().read(position, most, out);
        });
        match read? {
            None => {
                self.bridge_gap().await?;
                Ok(true)
            }
            Some(0) => Ok(false),
            Some(count) => {
                self.position += count as u64;
                self.socket.write_all(&self.buffer).await?;
                Ok(true)
            }
        }
    }

    /// Whether the client wants no more of the output than it was sent.
    fn has_all(&self) -> bool {
        self.attached.is_none() || self.position == self.client.core.journal().end()
    }

    async fn say(&mut self, frame: &HostFrame) -> io::Result<()> {
        self.buffer.clear();
        frame.encode(&mut self.buffer);
        self.socket.write_all(&self.buffer).await?;
        if self.buffer.capacity() > 4 * MAX_OUTPUT {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}
