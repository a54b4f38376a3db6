//! The thread that keeps the model of the screen.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};

use super::core::Core;
use crate::screen::Screen;
use crate::session::Size;

/// What the thread is given to do, in the order things happened. Output comes in pieces of what one read of the PTY gives,
/// 4 KiB as a rule, so that the model is at most a quarter of a megabyte behind.
pub(super) enum ModelTask {
    Output(Vec<u8>),
    Resize(Size),
    Snapshot { lines: u32, answer: oneshot::Sender<Snapshot> },
}

/// Tasks that may wait.
pub(super) const MODEL_QUEUE: usize = 64;

/// The screen at one offset.
pub(super) struct Snapshot {
    pub(super) offset: u64,
    pub(super) size: Size,
    pub(super) bytes: Vec<u8>,
}

/// The screen after everything the reader thread has read by now; `None` when the thread is gone.
pub(super) async fn snapshot(core: &Core, lines: u32) -> Option<Snapshot> {
    let (answer, snapshot) = oneshot::channel();
    core.model.send(ModelTask::Snapshot { lines, answer }).await.ok()?;
    snapshot.await.ok()
}

/// Works until nobody has anything to do for it any more.
pub(super) fn keep(core: &Arc<Core>, size: Size, mut tasks: mpsc::Receiver<ModelTask>) {
    let mut screen = Screen::new(size);
    let mut offset = 0;
    while let Some(task) = tasks.blocking_recv() {
        match task {
            ModelTask::Output(bytes) => {
                screen.advance(&bytes);
                offset += bytes.len() as u64;
                let news = screen.take_news();
                core.note_news(news.title, news.bells);
                if !news.replies.is_empty() && core.answering.load(Ordering::Relaxed) == 0 {
                    core.input.push([0; 16], news.replies, None);
                }
            }
            ModelTask::Resize(size) => screen.resize(size),
            ModelTask::Snapshot { lines, answer } => {
                let lines = usize::try_from(lines).unwrap_or(usize::MAX);
                let bytes = screen.snapshot(lines, &core.title());
                // Whoever asked may be gone.
                let _ = answer.send(Snapshot { offset, size: screen.size(), bytes });
            }
        }
    }
}
