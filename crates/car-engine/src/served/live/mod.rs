//! The stream of live events: numbered, kept once for all clients, with enough memory to give one that comes back what it
//! missed.

mod backlog;
mod feed;
mod memory;
mod subject;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use car_domain::live::{LiveEvent, Topics};
use tokio::sync::watch;

pub use feed::{LiveFeed, Told};
pub(super) use memory::JournalMark;

use memory::{Item, Memory};
use subject::Subject;

/// Everything that was told and can still be heard.
pub(super) struct Live {
    /// Changes with every start of the server, so that numbers of another start are known as such.
    stream: String,
    memory: Mutex<Memory>,
    /// The number of the next event, for those who wait for it.
    next: watch::Sender<u64>,
}

/// What a new client begins with: the last words, how far journals were told, and the number to go on from.
struct Present {
    items: Vec<Arc<Item>>,
    marks: Vec<(String, JournalMark)>,
    from: u64,
}

impl Default for Live {
    fn default() -> Self {
        let stream = format!("{:x}", crate::now().as_millis());
        Self { stream, memory: Mutex::default(), next: watch::Sender::new(1) }
    }
}

impl Live {
    /// Tells everybody.
    pub(super) fn publish(&self, event: &LiveEvent) {
        self.add(event, None);
    }

    /// Tells what was added to a journal, and remembers how far that is.
    pub(super) fn publish_journal(&self, event: &LiveEvent, mark: JournalMark) {
        self.add(event, Some(mark));
    }

    /// Says how far the journal of `id` is part of what a client begins with.
    pub(super) fn mark_journal(&self, id: &str, mark: JournalMark) {
        self.memory().mark(id, mark);
    }

    fn add(&self, event: &LiveEvent, mark: Option<JournalMark>) {
        let json = match serde_json::to_string(event) {
            Ok(json) => json,
            Err(error) => return tracing::error!(%error, "an event cannot be written as JSON"),
        };
        let subject = Subject::of(event);
        let seqs = match event {
            LiveEvent::Journal { entries, .. } => {
                entries.first().zip(entries.last()).map(|(first, last)| (first.seq, last.seq))
            }
            _ => None,
        };
        let is_end = matches!(event, LiveEvent::Terminal { session: None, .. });
        let mut memory = self.memory();
        if let (Some(mark), Subject::Journal(id, _)) = (mark, &subject) {
            memory.mark(id, mark);
        }
        memory.add(subject, event.name(), &json, seqs, is_end);
        let next = memory.next();
        drop(memory);
        // Two at once may come here in the other order; the larger number stays.
        self.next.send_if_modified(|told| {
            let is_newer = next > *told;
            *told = next.max(*told);
            is_newer
        });
    }

    fn present(&self, topics: &Topics) -> Present {
        let memory = self.memory();
        let marks = topics
            .iter()
            .filter_map(|topic| topic.repo())
            .filter_map(|id| Some((id.to_owned(), memory.mark_of(id)?.clone())))
            .collect();
        Present { items: memory.present(topics), marks, from: memory.next() }
    }

    fn after(&self, topics: &Topics, from: u64, max: usize) -> Option<(Vec<Arc<Item>>, u64)> {
        self.memory().after(topics, from, max)
    }

    /// Whether the last word about this terminal is known.
    fn knows_terminal(&self, id: &str) -> bool {
        self.memory().knows(&Subject::Terminal(id.to_owned()))
    }

    /// Whether the last word about this job is known.
    fn knows_job(&self, id: &str) -> bool {
        self.memory().knows(&Subject::Job(id.to_owned()))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
