//! From changed files to live events: one watcher for the root, one task that looks at what changed.
//!
//! Besides files there are two things that change without writing: a runner that dies, which the system tells, and silence,
//! which is an alarm set when an agent was last heard.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use car_agent::{process_id, wait_until_gone};
use car_domain::docs::DocKind;
use car_domain::state::ProcessId;
use car_domain::view::{Activity, Dashboard, LiveEvent};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Served, blocking};
use crate::Repo;
use crate::config::CAR_DIR;
use crate::history::{History, JournalCursor};
use crate::notifications::WAKE_FILE;
use crate::runner::{STALL_AFTER, end_turn_left_behind};

/// Changes within this time are looked at together.
const COALESCE: Duration = Duration::from_millis(60);
/// A runner may work for days.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Repositories to look at again.
#[derive(Default)]
struct Dirty {
    ids: Mutex<HashSet<String>>,
    any: Notify,
}

impl Dirty {
    fn mark(&self, id: &str) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        self.any.notify_one();
    }

    fn take(&self) -> HashSet<String> {
        std::mem::take(&mut *self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was last told about a repository.
struct Watched {
    root: PathBuf,
    told: Option<Dashboard>,
    journal: Option<(u64, JournalCursor)>,
    runner: Option<ProcessId>,
    stalls_at: Option<Instant>,
    /// When each document was last written, as far as its history knows.
    doc_times: Vec<Option<SystemTime>>,
}

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
    dirty: Arc<Dirty>,
    roots: Arc<Mutex<HashMap<PathBuf, String>>>,
    watcher: Option<RecommendedWatcher>,
    repos: HashMap<String, Watched>,
}

impl Watching {
    fn new(served: Arc<Served>, tracker: TaskTracker, cancel: CancellationToken) -> Self {
        let dirty = Arc::new(Dirty::default());
        let roots: Arc<Mutex<HashMap<PathBuf, String>>> = Arc::default();
        let (told, known, woken) = (dirty.clone(), roots.clone(), served.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            if event.paths.iter().any(|path| path.file_name().is_some_and(|name| name == WAKE_FILE))
            {
                woken.outbox_changed.notify_one();
                return;
            }
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            for id in event.paths.iter().filter_map(|path| repo_of(&known, path)) {
                told.mark(id);
            }
        });
        if let Err(error) = &watcher {
            tracing::error!(%error, "files cannot be watched; pages will not update by themselves");
        }
        Self { served, tracker, cancel, dirty, roots, watcher: watcher.ok(), repos: HashMap::new() }
    }

    async fn work(mut self) {
        self.watch_new_repos();
        loop {
            let alarm = self.repos.values().filter_map(|repo| repo.stalls_at).min();
            let alarm = alarm.unwrap_or_else(|| Instant::now() + A_YEAR);
            tokio::select! {
                () = self.dirty.any.notified() => tokio::time::sleep(COALESCE).await,
                () = self.served.repos_changed.notified() => {}
                () = tokio::time::sleep_until(alarm) => self.mark_silent(),
            }
            self.watch_new_repos();
            for id in self.dirty.take() {
                self.look_at(&id).await;
            }
        }
    }

    /// Begins with repositories that were found since the last look. Their first state is what a page has loaded.
    fn watch_new_repos(&mut self) {
        for id in self.served.ids() {
            let Ok(root) = self.served.repo_root(&id) else { continue };
            if self.repos.get(&id).is_some_and(|watched| watched.root == root) {
                continue;
            }
            let car_dir = root.join(CAR_DIR);
            let runs_dir = car_dir.join("runs");
            // Watched from the beginning, or the first run's journal would be missed.
            let _ = std::fs::create_dir_all(&runs_dir);
            self.roots
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(car_dir.clone(), id.clone());
            if let Some(watcher) = &mut self.watcher {
                for dir in [&car_dir, &runs_dir] {
                    if let Err(error) = watcher.watch(dir, RecursiveMode::NonRecursive) {
                        tracing::error!(dir = %dir.display(), %error, "cannot be watched");
                    }
                }
            }
            let watched = Watched {
                root,
                told: None,
                journal: None,
                runner: None,
                stalls_at: None,
                doc_times: Vec::new(),
            };
            self.repos.insert(id.clone(), watched);
            self.dirty.mark(&id);
        }
    }

    fn mark_silent(&mut self) {
        let now = Instant::now();
        for (id, repo) in &mut self.repos {
            if repo.stalls_at.is_some_and(|at| at <= now) {
                repo.stalls_at = None;
                self.dirty.mark(id);
            }
        }
    }

    async fn look_at(&mut self, id: &str) {
        let Some(watched) = self.repos.get_mut(id) else { return };
        if let Err(error) = watched.tell_journal(id, &self.served).await {
            tracing::warn!(repo = id, %error, "the journal cannot be followed");
        }
        let dashboard = match self.served.dashboard(id).await {
            Ok(dashboard) => dashboard,
            Err(error) => return tracing::warn!(repo = id, %error, "cannot be looked at"),
        };
        if let Err(error) = watched.keep_documents(&dashboard).await {
            tracing::warn!(repo = id, %error, "the history of the documents has a gap");
        }
        let state = &dashboard.repo.state;
        let heard = state.activity == Activity::Running;
        watched.stalls_at = heard.then(|| Instant::now() + STALL_AFTER);
        let runner = state.runner_pid.and_then(process_id);
        if let Some(runner) = runner.filter(|runner| Some(*runner) != watched.runner) {
            let (dirty, id, cancel) = (self.dirty.clone(), id.to_owned(), self.cancel.clone());
            self.tracker.spawn(async move {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    _ = wait_until_gone(runner, A_YEAR) => dirty.mark(&id),
                }
            });
        }
        watched.runner = runner;
        let was = watched.told.as_ref().map(|told| told.repo.state.activity);
        if state.activity == Activity::Interrupted && was != Some(Activity::Interrupted) {
            self.tracker.spawn(end_turn_left_behind(watched.root.clone()));
        }
        if watched.told.as_ref() == Some(&dashboard) {
            return;
        }
        let told = watched.told.replace(dashboard.clone());
        let live = &self.served.live;
        if told.is_none_or(|told| told.repo != dashboard.repo) {
            live.publish(&LiveEvent::Row { row: Box::new(dashboard.repo.clone()) });
        }
        live.publish(&LiveEvent::Dashboard { repo: id.to_owned(), dashboard: Box::new(dashboard) });
    }
}

impl Watched {
    /// Tells what was added to the newest run's journal.
    async fn tell_journal(&mut self, id: &str, served: &Served) -> Result<(), crate::EngineError> {
        let root = self.root.clone();
        let known = self.journal.take();
        let (journal, batches) = blocking(move || {
            let repo = Repo::open(&root)?;
            Ok(read_journal(&repo, known))
        })
        .await?;
        self.journal = journal;
        for (run, entries) in batches {
            served.live.publish(&LiveEvent::Journal { repo: id.to_owned(), run, entries });
        }
        Ok(())
    }
}

impl Watched {
    /// Adds documents that were written since the last look to their history.
    async fn keep_documents(&mut self, dashboard: &Dashboard) -> Result<(), crate::EngineError> {
        let run = dashboard.runs.first().filter(|run| run.end.is_none()).map(|run| run.run);
        let (root, known) = (self.root.clone(), std::mem::take(&mut self.doc_times));
        self.doc_times = blocking(move || {
            let repo = Repo::open(&root)?;
            let time = |kind| std::fs::metadata(repo.docs().path(kind)).ok()?.modified().ok();
            let times: Vec<_> = DocKind::ALL.into_iter().map(time).collect();
            if times != known {
                let author = run.map_or_else(|| "outside".to_owned(), |run| format!("run {run}"));
                repo.docs().observe(&author)?;
            }
            Ok(times)
        })
        .await?;
        Ok(())
    }
}

type Batch = (u64, Vec<car_domain::run::JournalEntry>);

/// Reads on from `known`, and from the beginning of every newer run.
fn read_journal(
    repo: &Repo,
    known: Option<(u64, JournalCursor)>,
) -> (Option<(u64, JournalCursor)>, Vec<Batch>) {
    let runs = History::new(repo).runs();
    let newest = runs.last().copied().unwrap_or(0);
    let Some((known_run, cursor)) = known else {
        // The first look: what is there already belongs to the snapshot every subscriber begins with.
        let path = repo.journal_path(newest);
        let end = std::fs::metadata(&path).map(|meta| meta.len()).unwrap_or(0);
        let start = if end == 0 { 0 } else { whole_lines(&path, end) };
        return (Some((newest, JournalCursor::at(path, start))), Vec::new());
    };
    let mut batches = Vec::new();
    let mut last = (known_run, cursor);
    drain(&mut last, &mut batches);
    for run in runs.into_iter().filter(|run| *run > known_run) {
        last = (run, JournalCursor::new(repo.journal_path(run)));
        drain(&mut last, &mut batches);
    }
    (Some(last), batches)
}

fn drain((run, cursor): &mut (u64, JournalCursor), batches: &mut Vec<Batch>) {
    while let Ok(entries) = cursor.read_new() {
        if entries.is_empty() {
            return;
        }
        batches.push((*run, entries));
    }
}

/// Length of the journal up to its last newline.
fn whole_lines(path: &Path, len: u64) -> u64 {
    let mut cursor = JournalCursor::new(path.to_path_buf());
    while cursor.offset() < len {
        match cursor.read_new() {
            Ok(entries) if !entries.is_empty() => {}
            _ => break,
        }
    }
    cursor.offset()
}

fn repo_of<'a>(roots: &'a HashMap<PathBuf, String>, path: &Path) -> Option<&'a str> {
    path.ancestors().take(3).find_map(|dir| roots.get(dir)).map(String::as_str)
}
