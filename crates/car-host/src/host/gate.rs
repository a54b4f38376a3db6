//! The gate before the PTY: whether the program may write on.
//!
//! It may as long as one client that controls the flow can take more, or there is none. A client that is behind by its window
//! and says nothing for [`STALL_PATIENCE`] does not count until it says something.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::protocol::STALL_PATIENCE;

/// Who controls the flow, and how far each is.
#[derive(Debug, Default)]
pub(super) struct Gate {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    is_open_for_good: bool,
    clients: HashMap<u64, Client>,
}

#[derive(Debug)]
struct Client {
    acked: u64,
    window: u64,
    /// Since when it holds up the program.
    full_since: Option<Instant>,
}

impl Gate {
    /// Waits until the program may write beyond `end`.
    pub(super) fn wait(&self, end: u64) {
        let mut inner = self.lock();
        while let Some(until) = inner.closed_until(end, Instant::now()) {
            let patience = until.saturating_duration_since(Instant::now());
            inner = match self.changed.wait_timeout(inner, patience) {
                Ok((inner, _)) => inner,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Counts a client that controls the flow.
    pub(super) fn add(&self, client: u64, acked: u64, window: u32) {
        let client_ = Client { acked, window: u64::from(window), full_since: None };
        self.lock().clients.insert(client, client_);
        self.changed.notify_all();
    }

    /// A client has dealt with everything before `offset`.
    pub(super) fn ack(&self, client: u64, offset: u64) {
        if let Some(client) = self.lock().clients.get_mut(&client) {
            client.acked = client.acked.max(offset);
            client.full_since = None;
        }
        self.changed.notify_all();
    }

    /// A client is gone.
    pub(super) fn remove(&self, client: u64) {
        self.lock().clients.remove(&client);
        self.changed.notify_all();
    }

    /// Nobody holds up anything any more: the program ends, or has ended.
    pub(super) fn open(&self) {
        self.lock().is_open_for_good = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// When to look again; `None` when the gate is open.
    fn closed_until(&mut self, end: u64, now: Instant) -> Option<Instant> {
        if self.is_open_for_good {
            return None;
        }
        let mut until: Option<Instant> = None;
        for client in self.clients.values_mut() {
            if client.acked + client.window > end {
                return None;
            }
            let patience = *client.full_since.get_or_insert(now) + STALL_PATIENCE;
            if patience > now {
                until = Some(until.map_or(patience, |until| until.max(patience)));
            }
        }
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_waits_only_while_every_client_is_behind() {
        let gate = Gate::default();
        let now = Instant::now();
        let is_closed = |end| gate.lock().closed_until(end, now).is_some();
        assert!(!is_closed(1000));
        gate.add(1, 0, 100);
        assert!(!is_closed(99) && is_closed(100));
        gate.add(2, 50, 100);
        assert!(!is_closed(149) && is_closed(150));
        gate.ack(1, 60);
        assert!(!is_closed(150) && is_closed(160));
        gate.remove(1);
        gate.remove(2);
        assert!(!is_closed(1_000_000));
    }

    #[test]
    fn one_that_says_nothing_loses_its_say_until_it_speaks() {
        let gate = Gate::default();
        let now = Instant::now();
        gate.add(1, 0, 100);
        let at = |end, seconds| gate.lock().closed_until(end, now + STALL_PATIENCE * seconds);
        assert!(at(100, 0).is_some());
        assert!(at(5000, 2).is_none());
        gate.ack(1, 10);
        assert!(at(5000, 2).is_some());
        gate.open();
        assert!(at(5000, 2).is_none());
    }
}
