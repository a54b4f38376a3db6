//! What the threads and tasks of a host share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portable_pty::{MasterPty, PtySize};
use tokio::sync::{Notify, mpsc, watch};

use super::gate::Gate;
use super::input::InputQueue;
use super::model::ModelTask;
use crate::journal::Journal;
use crate::protocol::Activity;
use crate::session::{Exit, Size, now};

/// After how long without output a program counts as idle.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// The one thing everybody knows.
pub(super) struct Core {
    pub(super) gate: Gate,
    pub(super) input: InputQueue,
    pub(super) model: mpsc::Sender<ModelTask>,
    /// Clients whose terminals answer the program's questions; without one the host does.
    pub(super) answering: AtomicUsize,
    /// The wish to end the program, with the time it has.
    pub(super) ending: watch::Sender<Option<Duration>>,
    journal: Mutex<Journal>,
    is_closed: Mutex<bool>,
    end: watch::Sender<u64>,
    scene: watch::Sender<Scene>,
    exit: watch::Sender<Option<Exit>>,
    master: Mutex<Box<dyn MasterPty + Send>>,
    last_output: AtomicU64,
    last_input: AtomicU64,
    /// Told about output after a pause.
    stirred: Notify,
}

/// What a client is told besides output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) size: Size,
    /// End of the journal when it got this size.
    pub(super) sized_at: u64,
    pub(super) bells: u64,
    pub(super) is_active: bool,
    pub(super) foreground: String,
}

impl Core {
    pub(super) fn new(
        journal: Journal,
        master: Box<dyn MasterPty + Send>,
        input: InputQueue,
        model: mpsc::Sender<ModelTask>,
        size: Size,
    ) -> Self {
        Self {
            gate: Gate::default(),
            input,
            model,
            answering: AtomicUsize::new(0),
            ending: watch::Sender::new(None),
            journal: Mutex::new(journal),
            is_closed: Mutex::new(false),
            end: watch::Sender::new(0),
            scene: watch::Sender::new(Scene { size, ..Scene::default() }),
            exit: watch::Sender::new(None),
            master: Mutex::new(master),
            last_output: AtomicU64::new(0),
            last_input: AtomicU64::new(0),
            stirred: Notify::new(),
        }
    }

    /// Keeps output; `false` when nobody wants it any more.
    pub(super) fn append(&self, bytes: &[u8]) -> bool {
        let is_closed = lock(&self.is_closed);
        if *is_closed {
            return false;
        }
        let mut journal = lock(&self.journal);
        if let Err(error) = journal.append(bytes) {
            tracing::warn!(%error, "older output is lost: its files cannot be written");
        }
        let end = journal.end();
        drop(journal);
        self.last_output.store(millis(), Ordering::Relaxed);
        self.end.send_replace(end);
        drop(is_closed);
        if !self.scene.borrow().is_active {
            self.stirred.notify_one();
        }
        true
    }

    /// From now on the journal stays as it is.
    pub(super) fn close_journal(&self) {
        *lock(&self.is_closed) = true;
    }

    /// The program has ended, and so has its output.
    pub(super) fn end(&self, exit: Exit) {
        self.input.close();
        self.exit.send_replace(Some(exit));
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        lock(&self.journal)
    }

    pub(super) fn watch_end(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    pub(super) fn watch_scene(&self) -> watch::Receiver<Scene> {
        self.scene.subscribe()
    }

    pub(super) fn watch_exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.subscribe()
    }

    pub(super) fn size(&self) -> Size {
        self.scene.borrow().size
    }

    pub(super) fn title(&self) -> String {
        self.scene.borrow().title.clone()
    }

    pub(super) fn activity(&self) -> Activity {
        let scene = self.scene.borrow();
        Activity {
            last_output: self.last_output.load(Ordering::Relaxed),
            last_input: self.last_input.load(Ordering::Relaxed),
            bells: scene.bells,
            is_active: scene.is_active,
            foreground: scene.foreground.clone(),
        }
    }

    pub(super) fn note_input(&self) {
        self.last_input.store(millis(), Ordering::Relaxed);
    }

    /// A title, or bells, were found in the output.
    pub(super) fn note_news(&self, title: Option<String>, bells: u64) {
        self.scene.send_if_modified(|scene| {
            let is_new = bells > 0 || title.as_ref().is_some_and(|title| *title != scene.title);
            scene.bells += bells;
            if let Some(title) = title {
                scene.title = title;
            }
            is_new
        });
    }

    /// Gives the PTY another size and the model, too.
    pub(super) async fn resize(&self, size: Size) {
        let size = size.clamped();
        if self.size() == size {
            return;
        }
        let pty = PtySize { rows: size.rows, cols: size.cols, pixel_width: 0, pixel_height: 0 };
        if let Err(error) = lock(&self.master).resize(pty) {
            tracing::warn!(%error, "the terminal keeps its size");
            return;
        }
        let sized_at = self.journal().end();
        self.scene.send_modify(|scene| {
            scene.size = size;
            scene.sized_at = sized_at;
        });
        // Fails only when there is no model any more, and then nobody needs its size.
        let _ = self.model.send(ModelTask::Resize(size)).await;
    }

    /// Tells working from idle, for as long as the host lives.
    pub(super) async fn watch_activity(&self) {
        loop {
            self.stirred.notified().await;
            self.set_active(true);
            loop {
                let last = self.last_output.load(Ordering::Relaxed);
                let quiet = Duration::from_millis(millis().saturating_sub(last));
                let Some(rest) = IDLE_AFTER.checked_sub(quiet).filter(|rest| !rest.is_zero())
                else {
                    break;
                };
                tokio::time::sleep(rest).await;
            }
            self.set_active(false);
        }
    }

    fn set_active(&self, is_active: bool) {
        let foreground = self.foreground();
        self.scene.send_modify(|scene| {
            scene.is_active = is_active;
            scene.foreground = foreground;
        });
    }

    /// Name of the program in the foreground of the terminal.
    fn foreground(&self) -> String {
        let leader = lock(&self.master).process_group_leader();
        let name = leader.and_then(|pid| std::fs::read(format!("/proc/{pid}/comm")).ok());
        String::from_utf8_lossy(&name.unwrap_or_default()).trim_end().to_owned()
    }
}

/// A lock whose holder panicked is as good as any: what it guards is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis() -> u64 {
    u64::try_from(now().as_millis()).unwrap_or_default()
}
