//! What a hub shows about its repositories, in the original's shape, also as `hub_state.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use car_domain::Timestamp;
use car_domain::state::RunnerStatus;
use car_domain::view::Activity;
use serde::Serialize;
use serde_json::{Value, json};

use super::entry::Kind;
use super::registry::{HubRepo, Registry, dir_name};
use super::seen::Seen;
use crate::config::CAR_DIR;
use crate::files::{FileStamp, write_atomic};
use crate::runner::{living_owner, standing};
use crate::{EngineError, Repo};

/// What a repository of a hub is doing, in the original's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepoStatus {
    /// Its directory is gone.
    Missing,
    /// It cannot be prepared, or its configuration is wrong.
    InitError,
    /// It is not prepared for CAR.
    Uninitialized,
    /// A loop is at work, or pauses between two runs.
    Running,
    /// Nothing runs, but a lock was left behind.
    Locked,
    /// The last run did not end well.
    Error,
    /// Nothing runs.
    Idle,
}

impl RepoStatus {
    /// Its name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::InitError => "init_error",
            Self::Uninitialized => "uninitialized",
            Self::Running => "running",
            Self::Locked => "locked",
            Self::Error => "error",
            Self::Idle => "idle",
        }
    }
}

/// Who has a repository's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockStatus {
    /// Nobody.
    Unlocked,
    /// A living process.
    LockedAlive,
    /// Nobody any more.
    LockedStale,
}

/// A repository as a hub lists it. The names are the original's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RepoSnapshot {
    /// Its id.
    pub id: String,
    /// Where it is, relative to the hub where possible.
    pub path: String,
    /// Its directory's name.
    pub display_name: String,
    /// From the manifest.
    pub enabled: bool,
    /// From the manifest.
    pub auto_run: bool,
    /// Repository or worktree.
    pub kind: Kind,
    /// Of a worktree: the repository it belongs to.
    pub worktree_of: Option<String>,
    /// Of a worktree: its branch.
    pub branch: Option<String>,
    /// Whether its directory is there.
    pub exists_on_disk: bool,
    /// Whether it is prepared for CAR.
    pub initialized: bool,
    /// Why it could not be prepared or opened.
    pub init_error: Option<String>,
    /// What it is doing.
    pub status: RepoStatus,
    /// Who has its lock.
    pub lock_status: LockStatus,
    /// Number of its last run.
    pub last_run_id: Option<u64>,
    /// When that began.
    pub last_run_started_at: Option<Timestamp>,
    /// When that ended.
    pub last_run_finished_at: Option<Timestamp>,
    /// How that ended.
    pub last_exit_code: Option<i32>,
    /// The process of the loop, when it lives.
    pub runner_pid: Option<i32>,
    /// What it is doing in our own words, which tell more; absent when it cannot be opened.
    #[serde(skip)]
    pub activity: Option<Activity>,
    /// Whether it is there, prepared, and its configuration can be read.
    #[serde(skip)]
    pub is_open: bool,
}

/// A hub as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HubState {
    /// When the hub's directories were last searched.
    pub last_scan_at: Option<Timestamp>,
    /// Its repositories.
    pub repos: Vec<RepoSnapshot>,
}

impl RepoSnapshot {
    /// Looks at a repository; `init_error` is what went wrong when it was prepared just now.
    pub fn of(hub: &Path, repo: &HubRepo, init_error: Option<String>) -> Self {
        let opened = repo.is_initialised().then(|| Repo::open(&repo.root));
        Self::opened(hub, repo, opened, init_error)
    }

    /// Looks at a repository that was opened, when it is prepared for CAR.
    pub(super) fn opened(
        hub: &Path,
        repo: &HubRepo,
        opened: Option<Result<Repo, EngineError>>,
        init_error: Option<String>,
    ) -> Self {
        let mut shown = Self::still(hub, repo);
        shown.init_error = init_error;
        if !shown.exists_on_disk {
            shown.status = RepoStatus::Missing;
            return shown;
        }
        shown.initialized = opened.is_some();
        if let Some(opened) = opened {
            match opened.and_then(|repo| shown.look(&repo)) {
                Ok(()) => shown.is_open = true,
                Err(error) => drop(shown.init_error.get_or_insert_with(|| error.to_string())),
            }
        }
        if shown.init_error.is_some() {
            shown.status = RepoStatus::InitError;
        }
        shown
    }

    fn still(hub: &Path, repo: &HubRepo) -> Self {
        let entry = &repo.entry;
        let path = repo.root.strip_prefix(hub).unwrap_or(&repo.root);
        let path = path.to_string_lossy().into_owned();
        Self {
            id: repo.id.clone(),
            path: if path.is_empty() { ".".to_owned() } else { path },
            display_name: dir_name(&repo.root),
            enabled: entry.enabled,
            auto_run: entry.auto_run,
            kind: entry.kind,
            worktree_of: entry.worktree_of.clone(),
            branch: entry.branch.clone(),
            exists_on_disk: repo.exists(),
            initialized: repo.is_initialised(),
            init_error: None,
            status: RepoStatus::Uninitialized,
            lock_status: LockStatus::Unlocked,
            last_run_id: None,
            last_run_started_at: None,
            last_run_finished_at: None,
            last_exit_code: None,
            runner_pid: None,
            activity: None,
            is_open: false,
        }
    }

    fn look(&mut self, repo: &Repo) -> Result<(), EngineError> {
        let standing = standing(repo)?;
        let state = &standing.state;
        self.last_run_id = state.last_run_id;
        self.last_run_started_at = state.last_run_started_at;
        self.last_run_finished_at = state.last_run_finished_at;
        self.last_exit_code = state.last_exit_code;
        self.runner_pid = standing.view.runner_pid;
        self.activity = Some(standing.view.activity);
        self.lock_status = match (repo.lock_path().exists(), living_owner(repo)) {
            (false, _) => LockStatus::Unlocked,
            (true, Some(_)) => LockStatus::LockedAlive,
            (true, None) => LockStatus::LockedStale,
        };
        self.status = match standing.view.activity {
            activity if activity.is_active() => RepoStatus::Running,
            Activity::Interrupted => RepoStatus::Error,
            _ if self.lock_status != LockStatus::Unlocked => RepoStatus::Locked,
            _ if state.status == RunnerStatus::Error => RepoStatus::Error,
            _ => RepoStatus::Idle,
        };
        Ok(())
    }
}

/// The state of every repository. `init_errors` are those of a scan just now, by id.
pub(super) fn snapshots(
    hub: &Path,
    registry: &Registry,
    init_errors: &std::collections::HashMap<String, String>,
) -> Vec<RepoSnapshot> {
    let shown = |repo: &HubRepo| RepoSnapshot::of(hub, repo, init_errors.get(&repo.id).cloned());
    registry.repos.iter().map(shown).collect()
}

fn path(root: &Path) -> PathBuf {
    root.join(CAR_DIR).join("hub_state.json")
}

/// When the hub was last scanned, as the file says.
pub(super) fn last_scan(root: &Path, seen: &Seen) -> Option<Timestamp> {
    let path = path(root);
    if let Some(known) = seen.written(FileStamp::of(&path)) {
        return known.last_scan_at;
    }
    let file: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Timestamp::parse(file.get("last_scan_at")?.as_str()?)
}

/// Writes the file when something changed. A file that is damaged is written anew; all of it is derived.
pub(super) fn save(root: &Path, seen: &Seen, state: &HubState) -> Result<(), EngineError> {
    let path = path(root);
    if seen.written(FileStamp::of(&path)).is_some_and(|known| *known == *state) {
        return Ok(());
    }
    let new = json!(state);
    let old = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if old.as_ref() != Some(&new) {
        let text = format!("{new:#}\n");
        write_atomic(&path, text.as_bytes())
            .map_err(|error| EngineError::file("write", &path, error))?;
    }
    seen.remember_written(FileStamp::of(&path), Arc::new(state.clone()));
    Ok(())
}
