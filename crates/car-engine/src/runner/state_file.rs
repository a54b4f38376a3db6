//! Reading and writing `state.json`.
//!
//! Written by the runner while it holds the lock, under `state.json.lock` like the original, so that its sessions and a
//! newer version's keys survive.

use std::fs;
use std::io;
use std::path::PathBuf;

use car_domain::state::RunnerState;

use crate::files::{lock_file, write_atomic};
use crate::{EngineError, Repo, now};

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
pub(crate) fn change_state(
    repo: &Repo,
    change: impl FnOnce(&mut RunnerState),
) -> Result<RunnerState, EngineError> {
    let _lock = lock_file(&repo.car_dir().join("state.json.lock"))?;
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
