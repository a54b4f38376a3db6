//! A compact description of the repository for other chats, written by the agent from a bounded seed.
//!
//! The seed never holds files that look like secrets, and secrets are taken out of everything by value and shape, on the way in and
//! on the way out. A snapshot that exists is brought up to date rather than written anew, unless that is asked for.

mod changes;
mod outline;
mod seed;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use car_domain::docs::DocKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

use crate::ask::{Job, JobEvent, ask};
use crate::docs::Expected;
use crate::files::write_atomic;
use crate::prompt::{contained, substitute};
use crate::{EngineError, ErrorKind, Redactor, Repo, now};
use seed::Seed;

const FRESH: &str = include_str!("../prompt/snapshot.txt");
const UPDATE: &str = include_str!("../prompt/snapshot_update.txt");
/// Longest time for a snapshot.
const TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// What a snapshot was made from, as in the original's `snapshot_state.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct SnapshotState {
    /// Branch that was checked out.
    pub branch: Option<String>,
    /// When it was made.
    pub generated_at: Option<String>,
    /// Commit that was checked out.
    pub head_sha: Option<String>,
    /// SHA-256 of the prompt.
    pub prompt_hash: Option<String>,
    /// Bytes of files that were read.
    pub seed_bytes_read: u64,
    /// SHA-256 of each of these files.
    pub seed_file_hashes: BTreeMap<String, String>,
    /// SHA-256 of the seed.
    pub seed_hash: Option<String>,
    /// Always false; the original's.
    pub truncated: bool,
}

/// The snapshot of a repository as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Snapshot {
    /// Whether there is one.
    pub exists: bool,
    /// Its text.
    pub content: String,
    /// What it was made from.
    pub state: SnapshotState,
    /// Why it is out of date; absent when it is not, as far as can be told without reading everything.
    pub stale: Option<String>,
}

/// Reads the snapshot and looks whether it is out of date.
///
/// # Errors
/// When its files cannot be read.
pub async fn read(repo: &Repo) -> Result<Snapshot, EngineError> {
    let document = repo.docs().read(DocKind::Snapshot)?;
    let state = read_state(repo)?.unwrap_or_default();
    let exists = document.exists();
    let stale = if exists { stale(repo, &state).await } else { None };
    Ok(Snapshot { exists, content: document.text, state, stale })
}

/// Makes a snapshot. `from_scratch` forgets the one that is there. `guard` is the command line of the agent's guard.
///
/// # Errors
/// When one is being made already, or the agent fails; the old one stays then.
pub async fn make(
    repo: &Repo,
    guard: &[OsString],
    from_scratch: bool,
    cancel: &CancellationToken,
    events: &mut (dyn FnMut(JobEvent) + Send),
) -> Result<Snapshot, EngineError> {
    let _lock = lock(repo)?;
    let redactor = Redactor::of(repo.env());
    let seed = Seed::collect(repo, &redactor).await?;
    let old = repo.docs().read(DocKind::Snapshot)?;
    let old_state = read_state(repo)?.unwrap_or_default();
    let is_update = !from_scratch && !old.text.trim().is_empty();
    let changes = changes::since(repo, &old_state, &seed).await;
    let changes = redactor.redact(&changes).into_owned();
    let template = if is_update { UPDATE } else { FRESH };
    let prompt = substitute(template, |name| {
        Some(match name {
            "SEED_CONTEXT" => contained(&seed.text, "SEED_CONTEXT"),
            "PREVIOUS_SNAPSHOT" => contained(old.text.trim(), "PREVIOUS_SNAPSHOT"),
            "CHANGES" => contained(&changes, "CHANGES_SINCE_LAST_SNAPSHOT"),
            _ => return None,
        })
    });
    let prompt_hash = hash(prompt.as_bytes());
    let job = Job {
        model: repo.config().codex.large_model().map(str::to_owned),
        timeout: TIMEOUT,
        ..Job::new("snapshot", repo.root(), prompt)
    };
    let answer = ask(repo, guard, &job, cancel, events).await?;
    let text = format!("{}\n", redactor.redact(&answer.text).trim());
    if text.trim().is_empty() {
        return Err(EngineError::new(ErrorKind::Agent, "the agent wrote no snapshot")
            .with_hint("the old one is as it was; try again"));
    }
    let state = SnapshotState {
        branch: seed.branch,
        generated_at: Some(now().whole_seconds().to_string()),
        head_sha: seed.head,
        prompt_hash: Some(prompt_hash),
        seed_bytes_read: seed.bytes_read,
        seed_file_hashes: seed.file_hashes,
        seed_hash: Some(hash(seed.text.as_bytes())),
        truncated: false,
    };
    let written = repo.docs().write(DocKind::Snapshot, &text, Expected::Anything, "snapshot")?;
    let document = written.into_result()?;
    write_state(repo, &state)?;
    Ok(Snapshot { exists: true, content: document.text, state, stale: None })
}

/// Cheap signs that a snapshot is out of date: another commit, or other documents.
async fn stale(repo: &Repo, state: &SnapshotState) -> Option<String> {
    let head = car_git::head_id(repo.root()).await;
    if let (Some(then), Some(now)) = (&state.head_sha, &head)
        && then != now
    {
        let short = |id: &String| id.get(..8).unwrap_or(id).to_owned();
        return Some(format!("made at commit {}, now at {}", short(then), short(now)));
    }
    let hashes = seed::file_hashes(repo);
    let changed: Vec<&String> = hashes
        .iter()
        .filter(|(path, hash)| state.seed_file_hashes.get(*path) != Some(*hash))
        .map(|(path, _)| path)
        .collect();
    let first = changed.first()?;
    Some(match changed.len() {
        1 => format!("{first} has changed since"),
        n => format!("{first} and {} more files have changed since", n - 1),
    })
}

fn state_path(repo: &Repo) -> PathBuf {
    repo.root().join(&repo.config().docs.snapshot_state)
}

/// `None` when the file is damaged: a snapshot made anew replaces it.
fn read_state(repo: &Repo) -> Result<Option<SnapshotState>, EngineError> {
    let path = state_path(repo);
    match fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EngineError::file("read", &path, error)),
    }
}

fn write_state(repo: &Repo, state: &SnapshotState) -> Result<(), EngineError> {
    let path = state_path(repo);
    let text = serde_json::to_string_pretty(state).unwrap_or_default();
    write_atomic(&path, format!("{text}\n").as_bytes())
        .map_err(|error| EngineError::file("write", &path, error))
}

fn lock(repo: &Repo) -> Result<File, EngineError> {
    let path = repo.car_dir().join("snapshot.lock");
    let failed = |error| EngineError::file("lock", &path, error);
    let file =
        File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(EngineError::conflict("a snapshot of this repository is being made already")
                .with_hint("wait for it"))
        }
        Err(fs::TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
