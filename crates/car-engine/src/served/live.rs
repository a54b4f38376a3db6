//! The stream of live events: numbered, with enough memory to give a returning subscriber what it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use car_domain::view::LiveEvent;
use tokio::sync::broadcast;

/// Events kept for subscribers that come back. A phone that was away for longer gets everything anew.
const REMEMBERED: usize = 512;
/// Events a subscriber may lag behind before it has to start anew.
const LAG: usize = 256;

/// One event with its place in the stream.
#[derive(Clone, Debug)]
pub struct StreamItem {
    /// `<stream>-<number>`; the stream part changes with every start of the server.
    pub id: String,
    /// What happened.
    pub event: LiveEvent,
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
}

impl Default for Live {
    fn default() -> Self {
        let stream = format!("{:x}", crate::now().as_millis());
        Self { stream, sender: broadcast::Sender::new(LAG), recent: Mutex::default() }
    }
}

impl Live {
    /// Tells all subscribers.
    pub(super) fn publish(&self, event: LiveEvent) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let item = Arc::new(StreamItem { id: format!("{}-{}", self.stream, recent.next), event });
        recent.next += 1;
        recent.items.push_back(item.clone());
        if recent.items.len() > REMEMBERED {
            recent.items.pop_front();
        }
        // Nobody listening is no error. Sent under the lock, so that a new subscriber sees each event exactly once.
        let _ = self.sender.send(item);
    }

    pub(super) fn subscribe(&self, last_id: Option<&str>) -> Subscription {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = last_id.and_then(|id| self.missed_since(&recent, id));
        Subscription { missed, receiver: self.sender.subscribe() }
    }

    fn missed_since(&self, recent: &Recent, id: &str) -> Option<Vec<Arc<StreamItem>>> {
        let (stream, number) = id.rsplit_once('-')?;
        let last: u64 = number.parse().ok().filter(|_| stream == self.stream)?;
        let first = recent.next - recent.items.len() as u64;
        if last + 1 < first || last >= recent.next {
            return None;
        }
        let skip = usize::try_from(last + 1 - first).ok()?;
        Some(recent.items.iter().skip(skip).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(run: u64) -> LiveEvent {
        LiveEvent::Journal { repo: "r".into(), run, entries: Vec::new() }
    }

    fn runs(items: Option<Vec<Arc<StreamItem>>>) -> Option<Vec<u64>> {
        let run = |item: &Arc<StreamItem>| match &item.event {
            LiveEvent::Journal { run, .. } => *run,
            LiveEvent::Row { .. } | LiveEvent::Dashboard { .. } => 0,
        };
        items.map(|items| items.iter().map(run).collect())
    }

    #[test]
    fn a_returning_subscriber_gets_exactly_what_it_missed() {
        let live = Live::default();
        (0..5).for_each(|run| live.publish(event(run)));
        let id = |n: u64| format!("{}-{n}", live.stream);
        assert_eq!(runs(live.subscribe(Some(&id(2))).missed), Some(vec![3, 4]));
        assert_eq!(runs(live.subscribe(Some(&id(4))).missed), Some(vec![]));
    }

    #[test]
    fn one_that_was_away_too_long_or_from_another_start_begins_anew() {
        let live = Live::default();
        (0..=REMEMBERED as u64 + 5).for_each(|run| live.publish(event(run)));
        let subscribe = |id: &str| live.subscribe(Some(id)).missed.is_none();
        assert!(subscribe(&format!("{}-2", live.stream)));
        assert!(subscribe(&format!("{}-99999", live.stream)));
        assert!(subscribe("other-3"));
        assert!(subscribe("garbage"));
        assert!(live.subscribe(None).missed.is_none());
    }
}
