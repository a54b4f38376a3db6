//! What was seen of the repositories at the last look, so that looking again costs a glance at a few files.
//!
//! What was seen holds as long as every file it was told from is the same, and the process that was alive still is. Nothing is
//! taken on trust: a change nobody was told about is seen by the next look.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use car_agent::{is_alive, process_id};
use car_domain::docs::DocKind;
use car_domain::state::ProcessId;

use super::registry::{HubRepo, Registry};
use super::state::{HubState, RepoSnapshot};
use crate::Repo;
use crate::config::{CAR_DIR, CONFIG_FILE};
use crate::files::FileStamp;

/// A runner at work says more than its files: silence. So what was seen of one holds only this long.
const AT_WORK: Duration = Duration::from_secs(1);

/// Files and what they were when something was read from them.
type Stamps = Vec<(PathBuf, Option<FileStamp>)>;

/// What was seen of a hub. Clones of a hub share it.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    repos: HashMap<PathBuf, Arc<Look>>,
    registered: Option<(Option<FileStamp>, Arc<Registry>)>,
    written: Option<(FileStamp, Arc<HubState>)>,
}

/// One look at a repository.
#[derive(Debug)]
struct Look {
    of: HubRepo,
    told_from: Stamps,
    shown: RepoSnapshot,
    runner: Option<ProcessId>,
    at: Instant,
}

impl Seen {
    /// The repository as it is now.
    pub(super) fn look(&self, hub: &Path, repo: &HubRepo) -> RepoSnapshot {
        let known = self.all().repos.get(&repo.root).cloned();
        if let Some(known) = known.filter(|known| known.holds(repo)) {
            return known.shown.clone();
        }
        let mut told_from = stamps(
            [".env", "codex-autorunner.yml", "codex-autorunner.override.yml"]
                .map(|name| repo.root.join(name))
                .into_iter()
                .chain([CONFIG_FILE, ".env"].map(|name| repo.root.join(CAR_DIR).join(name))),
        );
        let opened = repo.is_initialised().then(|| Repo::open(&repo.root));
        match &opened {
            Some(Ok(opened)) => told_from.extend(stamps([
                opened.state_path(),
                opened.lock_path(),
                opened.stop_path(),
                opened.docs().path(DocKind::Todo),
                opened.docs().path(DocKind::Summary),
            ])),
            Some(Err(_)) => {}
            None => told_from.extend(stamps([repo.root.clone()])),
        }
        let shown = RepoSnapshot::opened(hub, repo, opened, None);
        let look = Look {
            of: repo.clone(),
            told_from,
            runner: shown.runner_pid.and_then(process_id),
            shown: shown.clone(),
            at: Instant::now(),
        };
        self.all().repos.insert(repo.root.clone(), Arc::new(look));
        shown
    }

    /// Forgets repositories that are no part of the hub any more.
    pub(super) fn keep(&self, registry: &Registry) {
        let mut all = self.all();
        if all.repos.len() > registry.repos.len() {
            let roots: std::collections::HashSet<_> =
                registry.repos.iter().map(|repo| repo.root.as_path()).collect();
            all.repos.retain(|root, _| roots.contains(root.as_path()));
        }
    }

    /// What was last read from a manifest that is still the same.
    pub(super) fn registered(&self, manifest: Option<FileStamp>) -> Option<Arc<Registry>> {
        let all = self.all();
        let (stamp, known) = all.registered.as_ref()?;
        (*stamp == manifest).then(|| known.clone())
    }

    /// Remembers what was read from a manifest.
    pub(super) fn remember_registered(&self, manifest: Option<FileStamp>, known: Arc<Registry>) {
        self.all().registered = Some((manifest, known));
    }

    /// What a `hub_state.json` that is still the same says.
    pub(super) fn written(&self, stamp: Option<FileStamp>) -> Option<Arc<HubState>> {
        let all = self.all();
        let (known, state) = all.written.as_ref()?;
        (Some(*known) == stamp).then(|| state.clone())
    }

    /// Remembers what `hub_state.json` says.
    pub(super) fn remember_written(&self, stamp: Option<FileStamp>, state: Arc<HubState>) {
        self.all().written = stamp.map(|stamp| (stamp, state));
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    fn holds(&self, repo: &HubRepo) -> bool {
        let is_same = |(path, stamp): &(PathBuf, Option<FileStamp>)| FileStamp::of(path) == *stamp;
        self.of == *repo
            && self.runner.is_none_or(|runner| self.at.elapsed() < AT_WORK && is_alive(runner))
            && self.told_from.iter().all(is_same)
    }
}

fn stamps(paths: impl IntoIterator<Item = PathBuf>) -> Stamps {
    let stamped = |path: PathBuf| {
        let stamp = FileStamp::of(&path);
        (path, stamp)
    };
    paths.into_iter().map(stamped).collect()
}
