//! What has to be looked at again: filled by the watcher's thread, emptied by its task.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What changed in a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Something a look would show.
    pub files: bool,
    /// A document.
    pub docs: bool,
    /// Which directories there are.
    pub places: bool,
}

/// What one event of the watcher says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub repos: BTreeMap<String, Change>,
    /// Repositories whose log grew.
    pub logs: Vec<String>,
    /// Whether repositories may have come or gone.
    pub hub: bool,
    /// Whether a notification waits to be sent.
    pub outbox: bool,
}

/// Everything that changed since the last look.
#[derive(Debug, Default)]
pub(super) struct Changes {
    found: Mutex<Found>,
    /// Told when something did.
    pub any: Notify,
}

impl Change {
    fn add(&mut self, other: Self) {
        self.files |= other.files;
        self.docs |= other.docs;
        self.places |= other.places;
    }
}

impl Found {
    /// Adds a change of repository `id`.
    pub(super) fn mark(&mut self, id: &str, change: Change) {
        if change != Change::default() {
            self.repos.entry(id.to_owned()).or_default().add(change);
        }
    }
}

impl Changes {
    /// Adds a change of repository `id`.
    pub(super) fn mark(&self, id: &str, change: Change) {
        self.found().mark(id, change);
        self.any.notify_one();
    }

    /// Repositories may have come or gone.
    pub(super) fn mark_hub(&self) {
        self.add(Found { hub: true, ..Found::default() });
    }

    /// Adds what was found.
    pub(super) fn add(&self, found: Found) {
        if found.repos.is_empty() && !found.hub {
            return;
        }
        let mut known = self.found();
        known.hub |= found.hub;
        for (id, change) in found.repos {
            known.mark(&id, change);
        }
        drop(known);
        self.any.notify_one();
    }

    /// Everything, which is then no longer new.
    pub(super) fn take(&self) -> Found {
        std::mem::take(&mut *self.found())
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
