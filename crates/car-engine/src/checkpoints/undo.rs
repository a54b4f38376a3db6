//! Undoing a run: its files become as they were before it. And taking that back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use car_git::{CheckpointName, Checkpoints, GitError, Move, Renames};

use super::changes::Changes;
use super::{git_failed, open};
use crate::runner::RunnerLock;
use crate::{EngineError, ErrorKind, Repo};

/// Files a message names.
const NAMES: usize = 10;

/// What happens to files that were changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// They keep everything from happening.
    Refuse,
    /// They are overwritten; the checkpoint taken first keeps them.
    Overwrite,
}

/// What an undo did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoReport {
    /// Files that got their earlier bytes.
    pub written: Vec<PathBuf>,
    /// Files that are gone.
    pub deleted: Vec<PathBuf>,
    /// Files that were changed since, which are in one of the other lists as well.
    pub changed_since: Vec<PathBuf>,
}

/// Gives the files that run `run` changed their state before it.
///
/// # Errors
/// While a loop runs; when the run has no checkpoints; when a file was changed since and `later` says to refuse.
pub async fn undo(repo: &Repo, run: u64, later: Later) -> Result<UndoReport, EngineError> {
    let _lock = lock(repo)?;
    let changes = ended(repo, run).await?;
    let exchange = Exchange { from: changes.after, to: changes.before, only: None };
    exchange.make(repo, CheckpointName::Undo(run), later).await
}

/// What [`undo`] would do.
///
/// # Errors
/// As for [`undo`], but changed files are only reported.
pub async fn undo_preview(repo: &Repo, run: u64) -> Result<UndoReport, EngineError> {
    let _lock = lock(repo)?;
    let changes = ended(repo, run).await?;
    Exchange { from: changes.after, to: changes.before, only: None }.preview(repo).await
}

/// Takes the undoing of run `run` back.
///
/// # Errors
/// While a loop runs; when the run was not undone; when a file was changed since and `later` says to refuse.
pub async fn redo(repo: &Repo, run: u64, later: Later) -> Result<UndoReport, EngineError> {
    let _lock = lock(repo)?;
    let report = undone(repo, run).await?.make(repo, CheckpointName::Redo(run), later).await?;
    let failed = |error| git_failed("the mark of the undo stays", error);
    open(repo).await.map_err(failed)?.forget(CheckpointName::Undo(run)).await.map_err(failed)?;
    Ok(report)
}

/// What [`redo`] would do.
///
/// # Errors
/// As for [`redo`], but changed files are only reported.
pub async fn redo_preview(repo: &Repo, run: u64) -> Result<UndoReport, EngineError> {
    let _lock = lock(repo)?;
    undone(repo, run).await?.preview(repo).await
}

fn lock(repo: &Repo) -> Result<RunnerLock, EngineError> {
    RunnerLock::acquire(repo).map_err(|error| match error.kind() {
        ErrorKind::Conflict => EngineError::conflict("The loop is at work in this repository.")
            .with_hint("stop it with `car stop`, then try again"),
        _ => error,
    })
}

async fn ended(repo: &Repo, run: u64) -> Result<Changes, EngineError> {
    let changes = Changes::of_run(repo, run).await?;
    if changes.is_up_to_now {
        // What the run changed cannot be told from what was changed after it.
        return Err(EngineError::conflict(format!(
            "run {run} has no checkpoint after it: it was interrupted"
        ))
        .with_hint(format!(
            "`car checkpoints restore {run} --before --to DIR` brings the files back"
        )));
    }
    Ok(changes)
}

async fn undone(repo: &Repo, run: u64) -> Result<Exchange, EngineError> {
    let changes = ended(repo, run).await?;
    let failed = |error| git_failed("the checkpoints cannot be compared", error);
    let checkpoints = open(repo).await.map_err(failed)?;
    let to = checkpoints.find(CheckpointName::Undo(run)).await.ok_or_else(|| {
        EngineError::not_found(format!("run {run} was not undone, or that was taken back already"))
    })?;
    let list = checkpoints.compare(&changes.before, &changes.after, Renames::Split, &[]).await;
    let only = list.map_err(failed)?.into_iter().map(|file| file.path).collect();
    Ok(Exchange { from: changes.before, to, only: Some(only) })
}

/// Files that go from how one checkpoint holds them to how another does.
struct Exchange {
    from: String,
    to: String,
    /// When not all that differ.
    only: Option<BTreeSet<PathBuf>>,
}

impl Exchange {
    async fn preview(&self, repo: &Repo) -> Result<UndoReport, EngineError> {
        let planned = async {
            let checkpoints = open(repo).await?;
            self.plan(&checkpoints).await
        };
        let (plan, _) = planned.await.map_err(cannot)?;
        Ok(report(&plan))
    }

    async fn make(
        &self,
        repo: &Repo,
        keep_as: CheckpointName,
        later: Later,
    ) -> Result<UndoReport, EngineError> {
        let checkpoints = open(repo).await.map_err(cannot)?;
        let (plan, now) = self.plan(&checkpoints).await.map_err(cannot)?;
        let report = report(&plan);
        if plan.is_empty() {
            return Ok(report);
        }
        if later == Later::Refuse && !plan.conflicts.is_empty() {
            return Err(EngineError::conflict(format!(
                "Changed since: {}. Nothing was touched.",
                names(&plan.conflicts)
            ))
            .with_hint("`--force-later` overwrites them; they stay in a checkpoint"));
        }
        let kept = checkpoints.take(keep_as).await.map_err(cannot)?;
        if kept.tree != now {
            return Err(EngineError::conflict("Files are being changed right now.")
                .with_hint("nothing was touched; try again when they are left alone"));
        }
        checkpoints.carry_out(plan, &self.to).await.map_err(|error| {
            let what =
                format!("not every file could be put back; refs/car/{keep_as} holds them all");
            git_failed(&what, error)
        })?;
        Ok(report)
    }

    /// The plan, and the tree as it is now.
    async fn plan(&self, checkpoints: &Checkpoints) -> Result<(Move, String), GitError> {
        let now = checkpoints.tree().await?;
        let plan = checkpoints.plan(&self.from, &self.to, &now, self.only.as_ref()).await?;
        Ok((plan, now))
    }
}

fn report(plan: &Move) -> UndoReport {
    UndoReport {
        written: plan.write.clone(),
        deleted: plan.delete.clone(),
        changed_since: plan.conflicts.clone(),
    }
}

fn cannot(error: GitError) -> EngineError {
    git_failed("the files cannot be put back", error)
}

fn names(paths: &[PathBuf]) -> String {
    let shown = paths.iter().take(NAMES).map(|path| path.display().to_string());
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if paths.len() > NAMES {
        text.push_str(&format!(" and {} more", paths.len() - NAMES));
    }
    text
}
