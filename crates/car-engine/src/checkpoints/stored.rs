//! The checkpoints that are kept, and bringing one back as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use car_domain::run::CheckpointStage;

use super::changes::{no_checkpoint, summary_of};
use super::{RESTORED, git_failed, open};
use crate::{EngineError, Repo};

pub use car_git::StoredCheckpoint;

/// Runs whose checkpoints are kept.
pub const KEPT_RUNS: usize = 50;

/// The checkpoints that are kept, by run.
///
/// # Errors
/// When git gives no answer.
pub async fn checkpoints(repo: &Repo) -> Result<Vec<StoredCheckpoint>, EngineError> {
    let list = async { open(repo).await?.list().await }.await;
    list.map_err(|error| git_failed("the checkpoints cannot be read", error))
}

/// Gives up the checkpoints of all runs but the newest `keep`; git frees their space in its own time. Returns how many runs
/// lost theirs.
///
/// # Errors
/// When git refuses.
pub async fn prune(repo: &Repo, keep: usize) -> Result<usize, EngineError> {
    let pruned = async { open(repo).await?.prune(keep).await }.await;
    pruned.map_err(|error| git_failed("the checkpoints cannot be given up", error))
}

/// Writes all files as they were before or after run `run` into `dir`, which must be empty or not there. Returns how many.
///
/// # Errors
/// When there is no such checkpoint, `dir` holds something, or a file cannot be written.
pub async fn restore(
    repo: &Repo,
    run: u64,
    stage: CheckpointStage,
    dir: &Path,
) -> Result<u64, EngineError> {
    let summary = summary_of(repo, run).await?;
    let commit = match stage {
        CheckpointStage::Before => summary.checkpoint_before,
        CheckpointStage::After => summary.checkpoint_after,
    };
    let commit = commit.ok_or_else(|| no_checkpoint(run))?;
    let failed = |error| git_failed("the checkpoint cannot be restored", error);
    let checkpoints = open(repo).await.map_err(failed)?;
    if !checkpoints.exists(&commit).await {
        return Err(EngineError::not_found(format!("the checkpoints of run {run} are gone")));
    }
    checkpoints.export(&commit, dir).await.map_err(failed)
}

/// [`restore`] into a new directory of CAR's own, `.codex-autorunner/restored/run-N-before` or `-after`. Returns how many files
/// and that directory.
///
/// # Errors
/// As for [`restore`]; a conflict when it was restored before and is still there.
pub async fn restore_beside(
    repo: &Repo,
    run: u64,
    stage: CheckpointStage,
) -> Result<(u64, PathBuf), EngineError> {
    let all = repo.car_dir().join(RESTORED);
    fs::create_dir_all(&all).map_err(|error| EngineError::file("create", &all, error))?;
    let dir = all.join(format!("run-{run}-{}", stage.name()));
    match fs::create_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(EngineError::conflict("These files were brought back already.").with_hint(
                format!("they are in {}; remove it to get them anew", shown(repo, &dir)),
            ));
        }
        made => made.map_err(|error| EngineError::file("create", &dir, error))?,
    }
    match restore(repo, run, stage, &dir).await {
        Ok(n_files) => Ok((n_files, dir)),
        Err(error) => {
            // Half of a working tree would look like a whole one. It was made just now and holds nothing else.
            let _ = fs::remove_dir_all(&dir);
            Err(error)
        }
    }
}

fn shown(repo: &Repo, dir: &Path) -> String {
    dir.strip_prefix(repo.root()).unwrap_or(dir).display().to_string()
}
