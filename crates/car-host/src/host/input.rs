//! Input on its way to the program: in order, bounded, each id once.

use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::protocol::{InputFate, KEPT_IDS, MAX_INPUT};

/// Pieces that may wait; small ones, such as keys, would otherwise be unbounded in number.
const MAX_WAITING: usize = 4096;

/// Called with what became of an input.
pub(super) type Told = Box<dyn FnOnce(InputFate) + Send>;

/// The way to the program.
pub(super) struct InputQueue {
    inner: Mutex<Inner>,
}

struct Inner {
    /// `None` once the program has ended.
    queue: Option<mpsc::Sender<Job>>,
    waiting: usize,
    ids: Ids,
}

pub(super) struct Job {
    bytes: Vec<u8>,
    told: Option<Told>,
}

/// The ids of what was written, or waits to be.
#[derive(Default)]
struct Ids {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl InputQueue {
    /// The queue, and what the writer thread takes from.
    pub(super) fn new() -> (Self, mpsc::Receiver<Job>) {
        let (queue, jobs) = mpsc::channel(MAX_WAITING);
        let inner = Inner { queue: Some(queue), waiting: 0, ids: Ids::default() };
        (Self { inner: Mutex::new(inner) }, jobs)
    }

    /// Takes all of `bytes` or none. `told` is called once: now when they are refused, else when they are written.
    pub(super) fn push(&self, id: [u8; 16], bytes: Vec<u8>, told: Option<Told>) {
        let mut inner = self.lock();
        let has_id = id != [0; 16];
        // What was taken before is written before: an empty piece waits its turn behind it.
        let bytes = if has_id && inner.ids.known.contains(&id) { Vec::new() } else { bytes };
        let size = bytes.len();
        if inner.waiting + size > MAX_INPUT {
            drop(inner);
            return tell(told, InputFate::Full);
        }
        let Some(queue) = &inner.queue else {
            drop(inner);
            return tell(told, InputFate::Ended);
        };
        match queue.try_send(Job { bytes, told }) {
            Ok(()) => {
                inner.waiting += size;
                if has_id {
                    inner.ids.insert(id);
                }
            }
            Err(error) => {
                drop(inner);
                let (fate, job) = match error {
                    mpsc::error::TrySendError::Full(job) => (InputFate::Full, job),
                    mpsc::error::TrySendError::Closed(job) => (InputFate::Ended, job),
                };
                tell(job.told, fate);
            }
        }
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        self.lock().queue = None;
    }

    /// Writes what comes, until there is no queue any more. Blocks.
    pub(super) fn write_to(&self, writer: &mut dyn Write, mut jobs: mpsc::Receiver<Job>) {
        while let Some(Job { bytes, told }) = jobs.blocking_recv() {
            let written = writer.write_all(&bytes).and_then(|()| writer.flush());
            self.lock().waiting -= bytes.len();
            tell(told, if written.is_ok() { InputFate::Written } else { InputFate::Ended });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(told: Option<Told>, fate: InputFate) {
    if let Some(told) = told {
        told(fate);
    }
}

impl Ids {
    fn insert(&mut self, id: [u8; 16]) {
        if !self.known.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > KEPT_IDS
            && let Some(old) = self.order.pop_front()
        {
            self.known.remove(&old);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn push(queue: &InputQueue, id: u8, bytes: &[u8], fates: &Arc<Mutex<Vec<InputFate>>>) {
        let fates = fates.clone();
        let told: Told = Box::new(move |fate| fates.lock().expect("lock").push(fate));
        queue.push([id; 16], bytes.to_vec(), Some(told));
    }

    #[test]
    fn an_id_is_written_once_and_acknowledged_each_time() {
        let (queue, jobs) = InputQueue::new();
        let fates = Arc::default();
        push(&queue, 1, b"one ", &fates);
        push(&queue, 1, b"one ", &fates);
        push(&queue, 0, b"key ", &fates);
        push(&queue, 0, b"key ", &fates);
        assert!(fates.lock().expect("lock").is_empty());
        queue.close();
        let mut written = Vec::new();
        queue.write_to(&mut written, jobs);
        assert_eq!(written, b"one key key ");
        assert_eq!(*fates.lock().expect("lock"), [InputFate::Written; 4]);
        push(&queue, 2, b"late", &fates);
        assert_eq!(fates.lock().expect("lock").last(), Some(&InputFate::Ended));
    }

    #[test]
    fn what_does_not_fit_is_refused_whole() {
        let (queue, jobs) = InputQueue::new();
        let fates = Arc::default();
        push(&queue, 0, &vec![b'x'; MAX_INPUT - 1], &fates);
        push(&queue, 3, b"ab", &fates);
        assert_eq!(*fates.lock().expect("lock"), [InputFate::Full]);
        push(&queue, 0, b"a", &fates);
        queue.close();
        let mut written = Vec::new();
        queue.write_to(&mut written, jobs);
        assert_eq!(written.len(), MAX_INPUT);
    }

    #[test]
    fn only_so_many_ids_are_remembered() {
        let mut ids = Ids::default();
        for id in 1..=2000_u128 {
            ids.insert(id.to_be_bytes());
        }
        assert_eq!((ids.known.len(), ids.order.len()), (KEPT_IDS, KEPT_IDS));
        assert!(
            !ids.known.contains(&1_u128.to_be_bytes())
                && ids.known.contains(&2000_u128.to_be_bytes())
        );
    }
}
