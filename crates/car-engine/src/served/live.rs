//! The stream of live events: numbered, with enough memory to give a returning subscriber what it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use car_domain::view::LiveEvent;
use tokio::sync::broadcast;

/// Events kept for subscribers that come back. A phone that was away for longer gets everything anew.
const REMEMBERED: usize = 512;
/// Bytes of JSON they may take together.
const REMEMBERED_BYTES: usize = 8 << 20;
/// Events a subscriber may lag behind before it has to start anew.
const LAG: usize = 256;

/// One event with its place in the stream, written out once for all subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamItem {
    /// `<stream>-<number>`; the stream part changes with every start of the server.
    pub id: String,
    /// Topic of the event.
    pub topic: &'static str,
    /// The repository it is about.
    pub repo: String,
    /// The [`LiveEvent`] as JSON.
    pub json: String,
    number: u64,
}

/// What a subscriber gets.
pub struct Subscription {
    /// What it missed, in order; `None` when that is not known and it has to start anew.
    pub missed: Option<Vec<Arc<StreamItem>>>,
    /// What comes from now on.
    pub receiver: broadcast::Receiver<Arc<StreamItem>>,
}

pub(super) struct Live {
    stream: String,
    sender: broadcast::Sender<Arc<StreamItem>>,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    next: u64,
    items: VecDeque<Arc<StreamItem>>,
    bytes: usize,
    /// Number of the newest event that had to go to make room.
    forgotten: Option<u64>,
}

impl Default for Live {
    fn default() -> Self {
        let stream = format!("{:x}", crate::now().as_millis());
        Self { stream, sender: broadcast::Sender::new(LAG), recent: Mutex::default() }
    }
}

impl Live {
    /// Tells all subscribers.
    pub(super) fn publish(&self, event: &LiveEvent) {
        let json = match serde_json::to_string(event) {
            Ok(json) => json,
            Err(error) => return tracing::error!(%error, "an event cannot be written as JSON"),
        };
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let number = recent.next;
        let item = Arc::new(StreamItem {
            id: format!("{}-{number}", self.stream),
            topic: event.topic(),
            repo: event.repo().to_owned(),
            json,
            number,
        });
        recent.remember(item.clone(), event.supersedes());
        // Nobody listening is no error. Sent under the lock, so that a new subscriber sees each event exactly once.
        let _ = self.sender.send(item);
    }

    pub(super) fn subscribe(&self, last_id: Option<&str>) -> Subscription {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last_id.and_then(|id| {
            let (stream, number) = id.rsplit_once('-')?;
            number.parse().ok().filter(|_| stream == self.stream)
        });
        let missed = last.and_then(|last| recent.since(last));
        Subscription { missed, receiver: self.sender.subscribe() }
    }
}

impl Recent {
    fn remember(&mut self, item: Arc<StreamItem>, supersedes: bool) {
        if supersedes {
            let is_old = |old: &StreamItem| old.topic == item.topic && old.repo == item.repo;
            self.items.retain(|old| !is_old(old));
        }
        self.next += 1;
        self.items.push_back(item);
        self.bytes = self.items.iter().map(|item| item.json.len()).sum();
        while self.items.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some(oldest) = self.items.pop_front() else { return };
            self.bytes -= oldest.json.len();
            self.forgotten = Some(oldest.number);
        }
    }

    /// What came after event `last`; `None` when a part of it is forgotten or `last` is no event of ours.
    fn since(&self, last: u64) -> Option<Vec<Arc<StreamItem>>> {
        if last >= self.next || self.forgotten.is_some_and(|forgotten| last < forgotten) {
            return None;
        }
        Some(self.items.iter().filter(|item| item.number > last).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use car_domain::Timestamp;
    use car_domain::run::{JournalEntry, RunEvent};
    use car_domain::view::{Activity, RepoRow, StateView};

    fn journal(run: u64) -> LiveEvent {
        LiveEvent::Journal { repo: "r".into(), run, entries: Vec::new() }
    }

    fn row(id: &str, todo_open: usize) -> LiveEvent {
        let state = StateView {
            activity: Activity::Idle,
            since: None,
            detail: None,
            until: None,
            stop_requested: false,
            runner_pid: None,
        };
        let row = RepoRow {
            id: id.into(),
            name: id.into(),
            branch: None,
            state,
            todo_done: 0,
            todo_open,
            next_item: None,
            last_run: None,
        };
        LiveEvent::Row { row: Box::new(row) }
    }

    fn missed(live: &Live, last: u64) -> Option<Vec<u64>> {
        let missed = live.subscribe(Some(&format!("{}-{last}", live.stream))).missed;
        missed.map(|items| items.iter().map(|item| item.number).collect())
    }

    #[test]
    fn a_returning_subscriber_gets_exactly_what_it_missed() {
        let live = Live::default();
        (0..5).for_each(|run| live.publish(&journal(run)));
        assert_eq!(missed(&live, 2), Some(vec![3, 4]));
        assert_eq!(missed(&live, 4), Some(vec![]));
    }

    #[test]
    fn one_that_was_away_too_long_or_from_another_start_begins_anew() {
        let live = Live::default();
        (0..=REMEMBERED as u64 + 5).for_each(|run| live.publish(&journal(run)));
        assert_eq!(missed(&live, 2), None);
        assert_eq!(missed(&live, 99_999), None);
        for id in [None, Some("other-3"), Some("garbage")] {
            assert!(live.subscribe(id).missed.is_none());
        }
    }

    #[test]
    fn of_what_is_told_anew_only_the_last_word_is_kept() {
        let live = Live::default();
        (0..2000).for_each(|n| live.publish(&row("a", n)));
        live.publish(&row("b", 1));
        assert_eq!(missed(&live, 0), Some(vec![1999, 2000]));
    }

    #[test]
    fn large_events_are_forgotten_earlier() {
        let live = Live::default();
        let event = RunEvent::Message { text: "x".repeat(1 << 20) };
        let entries = vec![JournalEntry { seq: 1, at: Timestamp::from_millis(0), event }];
        (0..20).for_each(|run| {
            let entries = entries.clone();
            live.publish(&LiveEvent::Journal { repo: "r".into(), run, entries });
        });
        assert_eq!(missed(&live, 2), None);
        assert_eq!(missed(&live, 17), Some(vec![18, 19]));
    }
}
