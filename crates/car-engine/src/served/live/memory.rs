//! What was told, by number: the last word about everything that is told anew each time, and the newest of the rest.
//!
//! The one queue of all clients. A client holds a number and reads on from it; it has no queue of its own. So a slow one
//! costs nothing: of what is told anew it finds only the last word, and when the rest was forgotten it is told to begin anew.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use car_domain::live::Topics;

use super::subject::{Lane, Subject};

/// Events that may be forgotten, and are kept for clients that are slow or come back. A phone that was away for longer
/// begins anew.
const REMEMBERED: usize = 4096;
/// Bytes of JSON they may take together.
const REMEMBERED_BYTES: usize = 8 << 20;
/// Jobs whose last word is kept; as many as the database keeps.
const JOBS: usize = 200;

/// One event, written out once for all clients.
#[derive(Debug)]
pub(super) struct Item {
    /// Its place, from 1.
    pub number: u64,
    pub subject: Subject,
    /// Name of the event.
    pub name: &'static str,
    pub json: Arc<str>,
    /// Of a journal: numbers of its first and last entry.
    pub seqs: Option<(u64, u64)>,
}

/// How far the newest run's journal was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::served) struct JournalMark {
    pub run: u64,
    /// Bytes of it.
    pub offset: u64,
}

pub(super) struct Memory {
    /// The number the next event gets.
    next: u64,
    items: BTreeMap<u64, Arc<Item>>,
    /// Number of the last word about each subject.
    last_words: HashMap<Subject, u64>,
    /// What can be forgotten, oldest first.
    passing: VecDeque<u64>,
    passing_bytes: usize,
    jobs: VecDeque<Subject>,
    /// Number of the newest event that had to go.
    forgotten: HashMap<Lane, u64>,
    marks: HashMap<String, JournalMark>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            next: 1,
            items: BTreeMap::new(),
            last_words: HashMap::new(),
            passing: VecDeque::new(),
            passing_bytes: 0,
            jobs: VecDeque::new(),
            forgotten: HashMap::new(),
            marks: HashMap::new(),
        }
    }
}

impl Memory {
    /// The number of the next event.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Adds an event. `is_end` says that its subject is no more.
    pub(super) fn add(
        &mut self,
        subject: Subject,
        name: &'static str,
        json: &str,
        seqs: Option<(u64, u64)>,
        is_end: bool,
    ) {
        let number = self.next;
        self.next += 1;
        if let Subject::Gone(id) = &subject {
            let over: Vec<_> =
                self.last_words.keys().filter(|subject| subject.ends_with(id)).cloned().collect();
            over.iter().for_each(|subject| self.drop_last_word(subject));
            self.marks.remove(id);
        }
        let lane = subject.lane().or(is_end.then_some(Lane::Ends));
        if lane.is_some() {
            self.drop_last_word(&subject);
            self.passing.push_back(number);
            self.passing_bytes += json.len();
        } else {
            self.keep_last_word(&subject, number);
        }
        let item = Item { number, subject, name, json: json.into(), seqs };
        self.items.insert(number, Arc::new(item));
        while self.passing.len() > REMEMBERED || self.passing_bytes > REMEMBERED_BYTES {
            self.forget_oldest();
        }
    }

    /// Says how far the newest run's journal of repository `id` was told.
    pub(super) fn mark(&mut self, id: &str, mark: JournalMark) {
        self.marks.insert(id.to_owned(), mark);
    }

    /// How far the newest run's journal of repository `id` was told.
    pub(super) fn mark_of(&self, id: &str) -> Option<&JournalMark> {
        self.marks.get(id)
    }

    /// The last words about `topics`, in order.
    pub(super) fn present(&self, topics: &Topics) -> Vec<Arc<Item>> {
        let mut numbers: Vec<_> = self
            .last_words
            .iter()
            .filter(|(subject, _)| subject.is_for(topics))
            .map(|(_, number)| *number)
            .collect();
        numbers.sort_unstable();
        numbers.iter().filter_map(|number| self.items.get(number).cloned()).collect()
    }

    /// Whether there is a last word about `subject`.
    pub(super) fn knows(&self, subject: &Subject) -> bool {
        self.last_words.contains_key(subject)
    }

    /// At most `max` events about `topics` from number `from` on, and the number to go on from; `None` when a part of them
    /// is forgotten, or `from` lies in the future.
    pub(super) fn after(
        &self,
        topics: &Topics,
        from: u64,
        max: usize,
    ) -> Option<(Vec<Arc<Item>>, u64)> {
        let is_missed = |(lane, number): (&Lane, &u64)| *number >= from && lane.matters_to(topics);
        if from > self.next || self.forgotten.iter().any(is_missed) {
            return None;
        }
        let mut found = Vec::new();
        for (number, item) in self.items.range(from..) {
            if item.subject.is_for(topics) {
                found.push(item.clone());
                if found.len() == max {
                    return Some((found, number + 1));
                }
            }
        }
        Some((found, self.next))
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.items.values().map(|item| item.json.len()).sum()
    }

    fn keep_last_word(&mut self, subject: &Subject, number: u64) {
        let old = self.last_words.insert(subject.clone(), number);
        if let Some(old) = old {
            self.items.remove(&old);
        } else if matches!(subject, Subject::Job(_)) {
            self.jobs.push_back(subject.clone());
            if self.jobs.len() > JOBS
                && let Some(oldest) = self.jobs.pop_front()
            {
                self.drop_last_word(&oldest);
                self.forgotten.insert(Lane::Jobs, number);
            }
        }
    }

    fn drop_last_word(&mut self, subject: &Subject) {
        if let Some(old) = self.last_words.remove(subject) {
            self.items.remove(&old);
        }
    }

    fn forget_oldest(&mut self) {
        let Some(item) = self.passing.pop_front().and_then(|number| self.items.remove(&number))
        else {
            return;
        };
        self.passing_bytes -= item.json.len();
        let lane = item.subject.lane().unwrap_or(Lane::Ends);
        self.forgotten.insert(lane, item.number);
    }
}
