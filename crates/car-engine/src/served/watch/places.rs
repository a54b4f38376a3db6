//! Which directories are watched for which repository, and what a changed file in them means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use car_domain::docs::DocKind;
use notify::EventKind;
use notify::event::ModifyKind;

use super::blocking;
use super::changes::{Change, Found};
use crate::Repo;
use crate::config::{CAR_DIR, CONFIG_FILE, Config};
use crate::notifications::WAKE_FILE;
use crate::terminals::WAKE_FILE as TERMINALS_WAKE_FILE;

/// Configuration beside `.codex-autorunner`.
const ROOT_FILES: [&str; 3] = ["codex-autorunner.yml", "codex-autorunner.override.yml", ".env"];

/// Directories beside repositories that are watched for becoming one.
const MAX_PLAIN: usize = 1000;

/// What is watched for one repository, for the hub, or for a directory that may become a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    /// The repository; `None` for the hub and for a directory that is none yet.
    id: Option<String>,
    /// Directories, and what lies in each.
    dirs: BTreeMap<PathBuf, BTreeSet<Part>>,
}

/// Why a directory is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// `.codex-autorunner`.
    Car,
    /// `runs`.
    Runs,
    /// `terminals`.
    Terminals,
    /// The root: what configures it, and `.codex-autorunner` itself.
    Root,
    /// One file of it is a document.
    Doc(PathBuf),
    /// One file of it is the log all runs share.
    Log(PathBuf),
    /// One file of it lists a hub's repositories.
    Manifest(PathBuf),
    /// Its directories are repositories.
    Repositories,
    /// One file or directory of it makes a repository of its root.
    Beginning(PathBuf),
}

/// All directories that are watched.
#[derive(Default)]
pub(super) struct Places {
    dirs: Mutex<Dirs>,
}

/// Why each directory is watched, and for which repository.
type Dirs = HashMap<PathBuf, Vec<(Option<String>, Part)>>;

impl Watch {
    /// What tells everything about the repository `id` at `root`.
    pub(super) async fn of_repo(id: &str, root: &Path) -> Self {
        let mut watch = Self { id: Some(id.to_owned()), dirs: BTreeMap::new() };
        let car_dir = root.join(CAR_DIR);
        watch.add(root.to_path_buf(), Part::Root);
        watch.add(car_dir.join("runs"), Part::Runs);
        let root = root.to_path_buf();
        let runs = car_dir.join("runs");
        let terminals = car_host::Sessions::of(&root);
        watch.add(terminals.dir().to_path_buf(), Part::Terminals);
        watch.add(car_dir, Part::Car);
        let opened = blocking(move || {
            // Watched from the beginning, or the first run's journal would be missed. Never more than these two directories: a
            // repository that is being removed must not come back by them.
            let _ = std::fs::create_dir(runs);
            terminals.prepare();
            Repo::open(&root)
        });
        // What cannot be opened has no other files; its configuration is watched.
        if let Ok(repo) = opened.await {
            let docs = DocKind::ALL.map(|kind| repo.docs().path(kind));
            docs.into_iter().for_each(|path| watch.add_file(path, Part::Doc));
            watch.add_file(repo.log_path(), Part::Log);
        }
        watch
    }

    /// What tells which repositories the hub at `root` has.
    pub(super) fn of_hub(root: &Path, config: &Config) -> Self {
        let mut watch = Self { id: None, dirs: BTreeMap::new() };
        watch.add_file(root.join(&config.hub.manifest), Part::Manifest);
        for dir in [&config.hub.repos_root, &config.hub.worktrees_root] {
            let dir = root.join(dir);
            if !dir.is_dir() {
                watch.add_file(dir, Part::Beginning);
                continue;
            }
            for child in plain_directories(&dir) {
                let git = child.join(".git");
                watch.add(child, Part::Beginning(git));
            }
            watch.add(dir, Part::Repositories);
        }
        watch
    }

    /// What tells that the directory `root` gets a configuration.
    pub(super) fn of_unprepared(root: &Path) -> Self {
        let mut watch = Self { id: None, dirs: BTreeMap::new() };
        let car_dir = root.join(CAR_DIR);
        if root.is_dir() {
            watch.add(root.to_path_buf(), Part::Beginning(car_dir.clone()));
        }
        if car_dir.is_dir() {
            watch.add(car_dir.clone(), Part::Beginning(car_dir.join(CONFIG_FILE)));
        }
        watch
    }

    /// Its directories.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &PathBuf> {
        self.dirs.keys()
    }

    fn add(&mut self, dir: PathBuf, part: Part) {
        self.dirs.entry(dir).or_default().insert(part);
    }

    fn add_file(&mut self, path: PathBuf, part: impl Fn(PathBuf) -> Part) {
        if let Some(dir) = path.parent().map(Path::to_path_buf).filter(|dir| dir.is_dir()) {
            self.add(dir, part(path));
        }
    }
}

/// Directories in `dir` that are no repositories yet.
fn plain_directories(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let is_plain = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        !name.as_encoded_bytes().starts_with(b".") && path.is_dir() && !path.join(".git").exists()
    };
    entries.map(|entry| entry.path()).filter(is_plain).take(MAX_PLAIN).collect()
}

impl Places {
    /// Begins with `watch`.
    pub(super) fn add(&self, watch: &Watch) {
        let mut dirs = self.dirs();
        for (dir, parts) in &watch.dirs {
            let known = dirs.entry(dir.clone()).or_default();
            known.extend(parts.iter().map(|part| (watch.id.clone(), part.clone())));
        }
    }

    /// Ends with `watch`, and returns the directories nobody watches any more.
    pub(super) fn remove(&self, watch: &Watch) -> Vec<PathBuf> {
        let mut dirs = self.dirs();
        let mut over = Vec::new();
        for (dir, parts) in &watch.dirs {
            let Some(known) = dirs.get_mut(dir) else { continue };
            for part in parts {
                // One of them: another watch may say the same.
                let is_it = |(id, of): &(Option<String>, Part)| *id == watch.id && of == part;
                if let Some(at) = known.iter().position(is_it) {
                    known.swap_remove(at);
                }
            }
            if known.is_empty() {
                dirs.remove(dir);
                over.push(dir.clone());
            }
        }
        over
    }

    /// What `event` means.
    pub(super) fn changes(&self, event: notify::Result<notify::Event>) -> Found {
        let mut found = Found::default();
        let event = match event {
            Ok(event) if event.need_rescan() => return self.everything(),
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "a change of files may have been missed");
                return self.everything();
            }
        };
        if matches!(event.kind, EventKind::Access(_)) {
            return found;
        }
        let comes_or_goes = matches!(
            event.kind,
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        let dirs = self.dirs();
        for path in &event.paths {
            // A watched directory that was made anew has to be watched anew.
            for (id, part) in dirs.get(path).filter(|_| comes_or_goes).into_iter().flatten() {
                match id {
                    Some(id) => found.mark(id, Change { places: true, ..Change::default() }),
                    None => found.hub |= !matches!(part, Part::Manifest(_)),
                }
            }
            let parts = path.parent().and_then(|dir| dirs.get(dir)).into_iter().flatten();
            for (id, part) in parts {
                meaning(id.as_deref(), part, path, comes_or_goes, &mut found);
            }
        }
        found
    }

    /// Events were lost: everything may have changed.
    fn everything(&self) -> Found {
        let mut found = Found { hub: true, outbox: true, ..Found::default() };
        let dirs = self.dirs();
        let ids: BTreeSet<_> = dirs.values().flatten().filter_map(|(id, _)| id.clone()).collect();
        for id in ids {
            found.mark(&id, Change { files: true, docs: true, places: true });
            found.logs.push(id);
        }
        found
    }

    fn dirs(&self) -> MutexGuard<'_, Dirs> {
        self.dirs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn meaning(id: Option<&str>, part: &Part, path: &Path, comes_or_goes: bool, found: &mut Found) {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(id) = id else {
        found.hub |= match part {
            Part::Manifest(file) | Part::Beginning(file) => file == path,
            _ => comes_or_goes,
        };
        return;
    };
    let files = Change { files: true, ..Change::default() };
    match part {
        Part::Car if name == WAKE_FILE => found.outbox = true,
        Part::Car if is_ours(name) => {}
        Part::Car if name == CONFIG_FILE || name == ".env" => {
            found.mark(id, Change { places: true, ..files });
            found.hub = true;
        }
        Part::Root if ROOT_FILES.contains(&name) => {
            found.mark(id, Change { places: true, ..files });
        }
        Part::Root if name == CAR_DIR && comes_or_goes => {
            found.mark(id, Change { places: true, ..files });
            found.hub = true;
        }
        // The text for people says nothing the journal does not.
        Part::Runs if name.ends_with(".log") => {}
        Part::Car | Part::Runs => found.mark(id, files),
        Part::Terminals if comes_or_goes || name == TERMINALS_WAKE_FILE => found.mark(id, files),
        Part::Doc(file) if file == path => found.mark(id, Change { docs: true, ..files }),
        Part::Log(file) if file == path => found.logs.push(id.to_owned()),
        Part::Terminals
        | Part::Log(_)
        | Part::Doc(_)
        | Part::Root
        | Part::Manifest(_)
        | Part::Repositories
        | Part::Beginning(_) => {}
    }
}

/// Files in `.codex-autorunner` that say nothing about the repository: the index, the server's own, logs, locks, and
/// what is on its way to become something else.
fn is_ours(name: &str) -> bool {
    name.starts_with("car.db")
        || name.starts_with("server")
        || name.starts_with(".car-")
        || name.contains(".log")
        || name.ends_with(".lock")
        || matches!(name, "outbox" | "history" | "chat" | "hub_state.json" | "terminals" | "trash")
}
