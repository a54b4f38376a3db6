//! Forgetting where the loop was. What runs left in files stays: journals, their logs, and the shared log under another name.

use std::fs;
use std::io;
use std::path::PathBuf;

use car_domain::state::RunnerState;

use super::RunnerLock;
use super::recovery::settle;
use super::state_file::change_state;
use crate::served::blocking;
use crate::{EngineError, ErrorKind, Repo, now};

/// Sets the state of `repo` back to that before its first run; terminals and what this version does not know stay in it. The
/// shared log begins anew. Returns where its old content is now, when there was any.
///
/// # Errors
/// A conflict while a loop is at work; when a file cannot be written.
pub async fn reset(repo: &Repo) -> Result<Option<PathBuf>, EngineError> {
    let lock = RunnerLock::acquire(repo).map_err(|error| match error.kind() {
        ErrorKind::Conflict => EngineError::conflict("Cannot reset while runner is active")
            .with_hint("stop the loop first"),
        _ => error,
    })?;
    // A run whose runner died gets its end while the state still knows about it.
    settle(repo, &lock).await?;
    let repo = repo.clone();
    blocking(move || {
        change_state(&repo, |state| {
            let other = std::mem::take(&mut state.other);
            *state = RunnerState { other, ..RunnerState::default() };
        })?;
        let aside = put_log_aside(&repo);
        drop(lock);
        aside
    })
    .await
}

/// Moves the shared log to the logs of runs, where housekeeping looks after it.
fn put_log_aside(repo: &Repo) -> Result<Option<PathBuf>, EngineError> {
    let log = repo.log_path();
    let failed = |error| EngineError::file("put aside", &log, error);
    match fs::metadata(&log) {
        Ok(data) if data.len() > 0 => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let dir = repo.runs_dir();
    fs::create_dir_all(&dir).map_err(|error| EngineError::file("create", &dir, error))?;
    let aside = dir.join(format!("until-reset-{}.log", now().as_millis()));
    match fs::rename(&log, &aside) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            fs::copy(&log, &aside).and_then(|_| fs::write(&log, "")).map_err(failed)?;
        }
        renamed => renamed.map_err(failed)?,
    }
    Ok(Some(aside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reset_forgets_the_runs_and_keeps_their_files_and_the_terminals() {
        let dir = tempfile::tempdir().expect("temp dir");
        let car = dir.path().join(".codex-autorunner");
        fs::create_dir_all(&car).expect("dir");
        let write = |name: &str, text: &str| fs::write(car.join(name), text).expect("write");
        write("config.yml", "");
        write("codex-autorunner.log", "old\n");
        write(
            "state.json",
            r#"{"last_run_id": 7, "status": "error", "sessions": {"a": {}}, "mine": 1}"#,
        );
        let repo = Repo::open(dir.path()).expect("valid");
        let aside = reset(&repo).await.expect("done").expect("a log");
        assert_eq!(fs::read_to_string(aside).expect("kept"), "old\n");
        assert!(!repo.log_path().exists());
        let state = super::super::read_state(&repo).expect("readable").expect("whole");
        assert_eq!((state.last_run_id, state.last_exit_code), (None, None));
        assert!(state.other.contains_key("sessions") && state.other.contains_key("mine"));
        assert!(!repo.lock_path().exists());
        let held = RunnerLock::acquire(&repo).expect("free");
        let refused = reset(&repo).await.expect_err("busy");
        assert_eq!(refused.to_string(), "Cannot reset while runner is active");
        drop(held);
        assert_eq!(reset(&repo).await.expect("again"), None);
    }
}
