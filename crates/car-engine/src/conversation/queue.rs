//! What a turn's follower has not read yet: bounded, and no step is ever lost to a burst of deltas.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::TurnEvent;

/// Events that wait for a slow reader. A turn of hours has some thousand steps; one that nobody reads must not fill the memory.
const MAX_EVENTS: usize = 8192;
/// Bytes one joined delta may have; the whole message comes as a step anyway.
const MAX_DELTA: usize = 256 * 1024;

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<TurnEvent>,
    is_ended: bool,
    is_abandoned: bool,
}

impl Queue {
    /// Adds an event; what only replaces or prolongs the one before it is joined with that.
    pub(super) fn push(&self, event: TurnEvent) {
        let mut state = self.lock();
        if state.is_ended || state.is_abandoned {
            return;
        }
        state.is_ended = matches!(event, TurnEvent::Finished(_));
        let left = match state.events.back_mut() {
            Some(last) => join(last, event),
            None => Some(event),
        };
        if let Some(event) = left {
            if state.events.len() >= MAX_EVENTS {
                make_room(&mut state.events);
            }
            state.events.push_back(event);
        }
        drop(state);
        self.news.notify_one();
    }

    /// The next event; `None` after the last.
    pub(super) async fn pop(&self) -> Option<TurnEvent> {
        loop {
            let news = self.news.notified();
            {
                let mut state = self.lock();
                if let Some(event) = state.events.pop_front() {
                    return Some(event);
                }
                if state.is_ended {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Nobody reads any more.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.is_abandoned = true;
        state.events.clear();
    }

    /// Whether nothing can be added any more.
    pub(super) fn is_ended(&self) -> bool {
        let state = self.lock();
        state.is_ended || state.is_abandoned
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins `event` with the last one, or gives it back.
fn join(last: &mut TurnEvent, event: TurnEvent) -> Option<TurnEvent> {
    use TurnEvent::{CommandOutput, Diff, MessageDelta, ReasoningDelta, Usage};
    match (last, event) {
        (MessageDelta { item_id: a, text }, MessageDelta { item_id: b, text: more })
        | (ReasoningDelta { item_id: a, text }, ReasoningDelta { item_id: b, text: more })
        | (CommandOutput { item_id: a, text }, CommandOutput { item_id: b, text: more })
            if *a == b =>
        {
            if text.len() + more.len() <= MAX_DELTA {
                text.push_str(&more);
            }
            None
        }
        (Diff(old), Diff(new)) => {
            *old = new;
            None
        }
        (old @ Usage { .. }, new @ Usage { .. }) => {
            *old = new;
            None
        }
        (_, event) => Some(event),
    }
}

/// Drops what is only live, else the oldest.
fn make_room(events: &mut VecDeque<TurnEvent>) {
    use TurnEvent::{CommandOutput, Diff, MessageDelta, ReasoningDelta, Usage};
    let live = |event: &TurnEvent| {
        matches!(
            event,
            MessageDelta { .. }
                | ReasoningDelta { .. }
                | CommandOutput { .. }
                | Diff(_)
                | Usage { .. }
        )
    };
    events.retain(|event| !live(event));
    if events.len() >= MAX_EVENTS {
        events.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use car_domain::run::RunEvent;

    fn delta(item: &str, text: &str) -> TurnEvent {
        TurnEvent::MessageDelta { item_id: item.into(), text: text.into() }
    }

    fn step(text: &str) -> TurnEvent {
        TurnEvent::Step(RunEvent::Message { text: text.into() })
    }

    #[tokio::test]
    async fn deltas_of_one_message_are_joined_while_nobody_reads() {
        let queue = Queue::default();
        for event in [delta("a", "1"), delta("a", "2"), delta("b", "3"), step("12")] {
            queue.push(event);
        }
        assert_eq!(queue.pop().await, Some(delta("a", "12")));
        assert_eq!(queue.pop().await, Some(delta("b", "3")));
        assert_eq!(queue.pop().await, Some(step("12")));
    }

    #[tokio::test]
    async fn a_burst_of_deltas_never_costs_a_step() {
        let queue = Queue::default();
        queue.push(step("first"));
        for n in 0..2 * MAX_EVENTS {
            queue.push(delta(&n.to_string(), "x"));
        }
        assert_eq!(queue.pop().await, Some(step("first")));
        assert!(queue.lock().events.len() <= MAX_EVENTS);
    }
}
