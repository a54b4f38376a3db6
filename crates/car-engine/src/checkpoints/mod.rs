//! What git keeps of runs, and of what is not committed: showing what changed, undoing it, bringing its files back.
//!
//! The journal of a run names its two checkpoints; git holds them. Nothing here touches HEAD or the user's index, and an undo
//! keeps what it overwrites.

mod changes;
mod patch;
mod stored;
mod undo;

use std::path::PathBuf;

use car_git::{Checkpoints, GitError};

use crate::review::{REVIEW_FILE, REVIEW_LOCK};
use crate::{EngineError, ErrorKind, Repo};

pub use car_git::PatchForm;
pub use changes::Changes;
pub use patch::PatchLimits;
pub use stored::{KEPT_RUNS, StoredCheckpoint, checkpoints, prune, restore, restore_beside};
pub use undo::{Later, UndoReport, redo, redo_preview, undo, undo_preview};

/// Directory in `.codex-autorunner` for whole working trees that were brought back.
const RESTORED: &str = "restored";
/// Most rotated logs that are looked for.
const MAX_ROTATED: u32 = 100;

/// The checkpoints of `repo`. What CAR itself writes while it runs is never in one.
pub(crate) async fn open(repo: &Repo) -> Result<Checkpoints, GitError> {
    Ok(Checkpoints::open(repo.root()).await?.leaving_alone(own_files(repo)))
}

/// Ids and subjects of the newest commits at `root`, the newest first; at most `max`.
///
/// # Errors
/// When there is no commit, or git gives no answer.
pub async fn recent_commits(
    root: &std::path::Path,
    max: usize,
) -> Result<Vec<(String, String)>, EngineError> {
    let commits = car_git::recent_commits(root, max).await;
    commits.map_err(|error| git_failed("cannot list the commits", error))
}

fn own_files(repo: &Repo) -> Vec<PathBuf> {
    let names = [
        "lock",
        "state.json",
        "state.json.lock",
        "stop",
        "runs",
        RESTORED,
        "runner-errors.log",
        "history",
        "car.db",
        "car.db-wal",
        "car.db-shm",
        "car.db.lock",
        "telegram.db",
        "telegram.db-wal",
        "telegram.db-shm",
        REVIEW_FILE,
        REVIEW_LOCK,
    ];
    let mut files: Vec<PathBuf> = names.iter().map(|name| repo.car_dir().join(name)).collect();
    let log = repo.log_path();
    let rotated = repo.config().log.backup_count.min(MAX_ROTATED);
    files.extend((1..=rotated).map(|n| PathBuf::from(format!("{}.{n}", log.display()))));
    files.push(log);
    files
}

/// What went wrong in git, for people: `what` failed, and why.
pub(crate) fn git_failed(what: &str, error: GitError) -> EngineError {
    let (kind, hint) = advice(&error);
    let engine = match error {
        GitError::File { what, path, source } => EngineError::file(what, path.as_ref(), source),
        error => EngineError::new(kind, what).with_source(error),
    };
    match hint {
        Some(hint) => engine.with_hint(hint),
        None => engine,
    }
}

/// The same in one line, where what was tried is said already.
pub(crate) fn git_sentence(error: &GitError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    let hint = advice(error).1.map(|hint| format!("; {hint}"));
    format!("{error}{}{}", source.unwrap_or_default(), hint.unwrap_or_default())
}

fn advice(error: &GitError) -> (ErrorKind, Option<&'static str>) {
    match error {
        GitError::Missing => (ErrorKind::Unavailable, Some("install git, or put it on PATH")),
        GitError::NotNow(_) => (ErrorKind::Conflict, None),
        GitError::Failed { message, .. } if message.contains("not a git repository") => (
            ErrorKind::Conflict,
            Some("`git init` makes one; `git.checkpoints: false` does without"),
        ),
        GitError::Failed { message, .. } if message.contains("No space left") => {
            (ErrorKind::Other, Some("the disk is full: free some space, then try again"))
        }
        GitError::Run(_)
        | GitError::Timeout { .. }
        | GitError::TooMuch { .. }
        | GitError::Refused { .. }
        | GitError::Failed { .. }
        | GitError::Unexpected { .. }
        | GitError::TooManyFiles(_)
        | GitError::File { .. } => (ErrorKind::Other, None),
    }
}
