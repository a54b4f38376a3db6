//! Reading and writing `state.json`.
//!
//! Written by the runner while it holds the lock, under `state.json.lock` like the original, so that its sessions and a
//! newer version's keys survive.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use car_domain::state::RunnerState;

use crate::files::write_atomic;
use crate::{EngineError, ErrorKind, Repo, now};

/// Longest wait for another writer of the file; writers hold its lock for milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Reads the state; a missing file is the state before the first run.
///
/// A file that is no state is reported with the state `None`, so that readers can say so and writers can put it aside.
pub(crate) fn read_state(repo: &Repo) -> Result<Option<RunnerState>, EngineError> {
    let path = repo.state_path();
    match fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(RunnerState::default())),
        Err(error) => Err(EngineError::file("read", &path, error)),
    }
}

/// Changes the state and returns the new one. A damaged file is copied aside first and replaced.
pub(super) fn change_state(
    repo: &Repo,
    change: impl FnOnce(&mut RunnerState),
) -> Result<RunnerState, EngineError> {
    let _lock = lock(repo)?;
    let mut state = match read_state(repo)? {
        Some(state) => state,
        None => {
            put_aside(repo)?;
            RunnerState::default()
        }
    };
    change(&mut state);
    let path = repo.state_path();
    write_atomic(&path, state.to_text().as_bytes())
        .map_err(|error| EngineError::file("write", &path, error))?;
    Ok(state)
}

fn put_aside(repo: &Repo) -> Result<(), EngineError> {
    let path = repo.state_path();
    let aside = PathBuf::from(format!("{}.corrupt-{}", path.display(), now().as_millis()));
    tracing::warn!(file = %aside.display(), "state.json was damaged; it is kept under this name");
    fs::copy(&path, &aside).map(drop).map_err(|error| EngineError::file("copy aside", &path, error))
}

fn lock(repo: &Repo) -> Result<File, EngineError> {
    let path = repo.car_dir().join("state.json.lock");
    let failed = |error| EngineError::file("lock", &path, error);
    let file =
        File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
            Err(fs::TryLockError::WouldBlock) if Instant::now() > until => {
                return Err(EngineError::new(
                    ErrorKind::Other,
                    format!("{} has been locked by another process for too long", path.display()),
                )
                .with_hint("an old version of the tool may hang; end it and try again"));
            }
            // Holders only rewrite one small file, so the wait is a matter of microseconds.
            Err(fs::TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
}
