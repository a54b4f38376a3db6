//! From changed files to live events: one watcher for the root, one task that looks at what changed.
//!
//! Besides files there are two things that change without writing: a runner that dies, which the system tells, and silence,
//! which is an alarm set when an agent was last heard. Nothing is asked again and again: where nothing happens, nothing wakes.

mod changes;
mod places;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use car_agent::{process_id, wait_until_gone};
use car_domain::state::ProcessId;
use car_domain::view::Activity;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::look::Seen;
use super::terminals::watching::attend as attend_terminals;
use super::{Served, blocking};
use crate::runner::{STALL_AFTER, end_turn_left_behind};
use changes::{Change, Changes};
use places::{Places, Watch};

/// Changes within this time are looked at together.
const COALESCE: Duration = Duration::from_millis(60);
/// A runner may work for days.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) fn start(served: Arc<Served>, tracker: &TaskTracker, cancel: CancellationToken) {
    let own_tracker = tracker.clone();
    tracker.spawn(async move {
        let stop = cancel.clone();
        let watching = Watching::new(served, own_tracker, cancel);
        tokio::select! {
            () = stop.cancelled() => {}
            () = watching.work() => {}
        }
    });
}

struct Watching {
    served: Arc<Served>,
    tracker: TaskTracker,
    cancel: CancellationToken,
    changes: Arc<Changes>,
    places: Arc<Places>,
    watcher: Option<RecommendedWatcher>,
    repos: HashMap<String, Watched>,
    /// Where the hub's list and its directories are.
    hub: Option<Watch>,
    /// Directories without a configuration, which may get one.
    unprepared: BTreeMap<PathBuf, Watch>,
}

/// A repository, and what is known of it besides its files.
struct Watched {
    root: PathBuf,
    watch: Watch,
    activity: Option<Activity>,
    runner: Option<ProcessId>,
    stalls_at: Option<Instant>,
}

impl Watching {
    fn new(served: Arc<Served>, tracker: TaskTracker, cancel: CancellationToken) -> Self {
        let changes = Arc::new(Changes::default());
        let places = Arc::new(Places::default());
        let (told, known, woken) = (changes.clone(), places.clone(), served.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let found = known.changes(event);
            if found.outbox {
                woken.outbox_changed.notify_one();
            }
            found.logs.iter().for_each(|id| woken.tell_log(id));
            told.add(found);
        });
        if let Err(error) = &watcher {
            tracing::error!(%error, "files cannot be watched; pages will not update by themselves");
        }
        Self {
            served,
            tracker,
            cancel,
            changes,
            places,
            watcher: watcher.ok(),
            repos: HashMap::new(),
            hub: None,
            unprepared: BTreeMap::new(),
        }
    }

    async fn work(mut self) {
        self.attend().await;
        loop {
            let alarm = self.repos.values().filter_map(|repo| repo.stalls_at).min();
            let alarm = alarm.unwrap_or_else(|| Instant::now() + A_YEAR);
            let mut is_list_new = false;
            tokio::select! {
                () = self.changes.any.notified() => tokio::time::sleep(COALESCE).await,
                () = self.served.repos_changed.notified() => is_list_new = true,
                () = tokio::time::sleep_until(alarm) => self.mark_silent(),
            }
            let found = self.changes.take();
            if found.hub {
                self.served.look_for_repos().await;
                is_list_new = true;
            }
            for (id, change) in &found.repos {
                if change.places {
                    self.watch_anew(id).await;
                }
            }
            if is_list_new {
                self.attend().await;
            }
            for (id, change) in found.repos {
                if change.files {
                    self.look_at(&id, change.docs).await;
                }
            }
        }
    }

    /// Begins with repositories that were found since the last time, and ends with those that are gone.
    async fn attend(&mut self) {
        let roots: BTreeMap<_, _> = self.served.roots().into_iter().collect();
        let gone = |(id, watched): &(&String, &Watched)| roots.get(*id) != Some(&watched.root);
        let mut gone: BTreeSet<_> =
            self.repos.iter().filter(gone).map(|(id, _)| id.clone()).collect();
        // A client may have been told of one that went before it was watched.
        gone.extend(self.served.told_of().into_iter().filter(|id| !roots.contains_key(id)));
        for id in gone {
            if let Some(watched) = self.repos.remove(&id) {
                self.end(&watched.watch);
            }
            self.served.tell_gone(&id).await;
        }
        for (id, root) in roots {
            if self.repos.contains_key(&id) {
                continue;
            }
            let watch = Watch::of_repo(&id, &root).await;
            self.begin(&watch);
            let watched = Watched { root, watch, activity: None, runner: None, stalls_at: None };
            self.repos.insert(id.clone(), watched);
            self.changes.mark(&id, Change { files: true, ..Change::default() });
        }
        self.attend_hub().await;
    }

    /// Watches for repositories that come. Where a watch begins, something may have come before it: the hub is looked at again.
    async fn attend_hub(&mut self) {
        if !self.served.is_hub() {
            return;
        }
        let (root, config) = (self.served.root().to_path_buf(), self.served.config().clone());
        let unprepared = self.served.unprepared();
        let watches = blocking(move || {
            let of_root = |root: PathBuf| (Watch::of_unprepared(&root), root);
            let unprepared: Vec<_> = unprepared.into_iter().map(of_root).collect();
            Ok((Watch::of_hub(&root, &config), unprepared))
        });
        let Ok((hub, unprepared)) = watches.await else { return };
        let is_over = |root: &&PathBuf| unprepared.iter().all(|(_, known)| known != *root);
        let over: Vec<_> = self.unprepared.keys().filter(is_over).cloned().collect();
        for root in over {
            if let Some(watch) = self.unprepared.remove(&root) {
                self.end(&watch);
            }
        }
        if self.hub.as_ref() != Some(&hub) {
            let old = self.hub.replace(hub.clone());
            self.replace(old, &hub);
        }
        for (watch, root) in unprepared {
            if self.unprepared.get(&root) != Some(&watch) {
                let old = self.unprepared.insert(root, watch.clone());
                self.replace(old, &watch);
            }
        }
    }

    fn replace(&mut self, old: Option<Watch>, new: &Watch) {
        // The new one first: what both watch is never left alone.
        self.begin(new);
        if let Some(old) = old {
            self.end(&old);
        }
        self.changes.mark_hub();
    }

    fn begin(&mut self, watch: &Watch) {
        self.places.add(watch);
        let Some(watcher) = &mut self.watcher else { return };
        for dir in watch.dirs() {
            if let Err(error) = watcher.watch(dir, RecursiveMode::NonRecursive) {
                tracing::error!(dir = %dir.display(), %error, "cannot be watched");
            }
        }
    }

    fn end(&mut self, watch: &Watch) {
        for dir in self.places.remove(watch) {
            if let Some(watcher) = &mut self.watcher {
                // A directory that was removed has no watch any more.
                let _ = watcher.unwatch(&dir);
            }
        }
    }

    /// Directories of repository `id` were made, removed, or are named by a new configuration.
    async fn watch_anew(&mut self, id: &str) {
        let Some(watched) = self.repos.get(id) else { return };
        let (root, old) = (watched.root.clone(), watched.watch.clone());
        self.end(&old);
        let watch = Watch::of_repo(id, &root).await;
        self.begin(&watch);
        if let Some(watched) = self.repos.get_mut(id) {
            watched.watch = watch;
        }
        // Between the two watches anything may have happened.
        self.changes.mark(id, Change { files: true, docs: true, places: false });
    }

    fn mark_silent(&mut self) {
        let now = Instant::now();
        for (id, repo) in &mut self.repos {
            if repo.stalls_at.is_some_and(|at| at <= now) {
                repo.stalls_at = None;
                self.changes.mark(id, Change { files: true, ..Change::default() });
            }
        }
    }

    async fn look_at(&mut self, id: &str, docs_changed: bool) {
        let Some(watched) = self.repos.get(id) else { return };
        let root = watched.root.clone();
        attend_terminals(&self.served, id, root, &self.tracker, &self.cancel).await;
        match self.served.look(id, docs_changed).await {
            Ok(seen) => self.heed(id, seen),
            Err(error) => tracing::warn!(repo = id, %error, "cannot be looked at"),
        }
    }

    /// Sets the alarm for silence, and waits for the end of a runner.
    fn heed(&mut self, id: &str, seen: Seen) {
        let Some(watched) = self.repos.get_mut(id) else { return };
        let heard = seen.activity == Activity::Running;
        watched.stalls_at = heard.then(|| Instant::now() + STALL_AFTER);
        let runner = seen.runner_pid.and_then(process_id);
        if seen.runner_pid.is_some() && runner.is_none() {
            // It ended since the look, and nobody else will tell.
            self.changes.mark(id, Change { files: true, ..Change::default() });
        }
        if let Some(runner) = runner.filter(|runner| Some(*runner) != watched.runner) {
            let (changes, id, cancel) = (self.changes.clone(), id.to_owned(), self.cancel.clone());
            self.tracker.spawn(async move {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    _ = wait_until_gone(runner, A_YEAR) => {
                        changes.mark(&id, Change { files: true, ..Change::default() });
                    }
                }
            });
        }
        watched.runner = runner;
        let was = watched.activity.replace(seen.activity);
        if seen.activity == Activity::Interrupted && was != Some(Activity::Interrupted) {
            self.tracker.spawn(end_turn_left_behind(watched.root.clone()));
        }
    }
}
