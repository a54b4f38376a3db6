//! Git around a run: a checkpoint before and after the agent, and the commit of what it changed.
//!
//! None of it ever keeps a run from working: what cannot be done is told in the journal.

use std::time::Duration;

use car_domain::run::{ChangeCount, CheckpointStage, LeftOut, NoticeLevel, RunEnd, RunEvent};
use car_git::{CheckpointName, Checkpoints, CommitRequest, Committed, GitError, OwnChanges};
use tokio::sync::watch;
use tokio::time::sleep;

use super::execute::RunContext;
use super::journal::RunJournal;
use super::signals::{StopSource, asked};
use crate::checkpoints::{KEPT_RUNS, git_sentence, open};
use crate::{EngineError, Repo};

/// How long a checkpoint or a commit may take; the first one of a large tree reads every file.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long it may take when the loop was asked to end: whoever waits for the runner ends it not much later.
const HURRY: Duration = Duration::from_secs(10);
/// Files of a commit or left out of it that a journal names.
const NAMES: usize = 200;

/// The state of the repository before a run.
pub(super) struct Before {
    checkpoints: Checkpoints,
    commit: String,
    /// The user's own changes, when a commit is wanted.
    own: Option<Result<OwnChanges, String>>,
}

/// What was found after a run.
struct After {
    commit: String,
    changes: ChangeCount,
    notes: Vec<String>,
}

impl RunContext<'_> {
    /// Takes the checkpoint before run `run`; `None` when there is none to compare with afterwards.
    pub(super) async fn checkpoint_before(
        &mut self,
        journal: &mut RunJournal,
        run: u64,
    ) -> Result<Option<Before>, EngineError> {
        let git = &self.repo.config().git;
        if !git.checkpoints && !git.auto_commit {
            return Ok(None);
        }
        match bounded(self.stop, before(self.repo, run)).await {
            Ok((before, notes)) => {
                let (stage, commit) = (CheckpointStage::Before, before.commit.clone());
                let event = RunEvent::Checkpoint { stage, commit, changes: None, notes };
                self.record(journal, event)?;
                Ok(Some(before))
            }
            Err(why) => {
                self.tell(journal, format!("No checkpoint before this run: {why}"))?;
                Ok(None)
            }
        }
    }

    /// Takes the checkpoint after run `run`, and commits what the run changed when that is wanted and `end` is a success.
    pub(super) async fn checkpoint_after(
        &mut self,
        journal: &mut RunJournal,
        run: u64,
        before: Option<Before>,
        end: &RunEnd,
    ) -> Result<(), EngineError> {
        let Some(before) = before else { return Ok(()) };
        let after = match bounded(self.stop, after(&before, run)).await {
            Ok(after) => after,
            Err(why) => {
                return self.tell(journal, format!("No checkpoint after this run: {why}"));
            }
        };
        let event = RunEvent::Checkpoint {
            stage: CheckpointStage::After,
            commit: after.commit.clone(),
            changes: Some(after.changes),
            notes: after.notes,
        };
        self.record(journal, event)?;
        let Some(own) = before.own.as_ref().filter(|_| end.is_success()) else { return Ok(()) };
        let refused = |why: &str| format!("What this run changed is not committed: {why}");
        let own = match own {
            Ok(own) => own,
            Err(why) => return self.tell(journal, refused(why)),
        };
        let template = &self.repo.config().git.commit_message_template;
        let message = template.replace("{run_id}", &run.to_string());
        let request =
            CommitRequest { before: &before.commit, after: &after.commit, own, message: &message };
        match bounded(self.stop, before.checkpoints.commit(request)).await {
            Ok(committed) => self.record_commit(journal, committed),
            Err(why) => self.tell(journal, refused(&why)),
        }
    }

    fn record_commit(
        &mut self,
        journal: &mut RunJournal,
        committed: Committed,
    ) -> Result<(), EngineError> {
        let Committed { commit, paths, left_out, notes } = committed;
        let left_out = left_out.into_iter().take(NAMES).map(|(path, reason)| LeftOut {
            path: path.to_string_lossy().into_owned(),
            reason: reason.to_owned(),
        });
        let names = paths.iter().take(NAMES).map(|path| path.to_string_lossy().into_owned());
        let event = RunEvent::Committed {
            commit,
            files: paths.len() as u64,
            paths: names.collect(),
            left_out: left_out.collect(),
        };
        self.record(journal, event)?;
        notes.into_iter().try_for_each(|note| self.tell(journal, note))
    }

    fn tell(&mut self, journal: &mut RunJournal, text: String) -> Result<(), EngineError> {
        self.record(journal, RunEvent::Notice { level: NoticeLevel::Warning, text })
    }
}

async fn before(repo: &Repo, run: u64) -> Result<(Before, Vec<String>), GitError> {
    let checkpoints = open(repo).await?;
    let own = match repo.config().git.auto_commit {
        true => Some(checkpoints.own_changes().await.map_err(|error| git_sentence(&error))),
        false => None,
    };
    let taken = checkpoints.take(CheckpointName::Run(run, CheckpointStage::Before)).await?;
    Ok((Before { checkpoints, commit: taken.commit, own }, taken.notes))
}

async fn after(before: &Before, run: u64) -> Result<After, GitError> {
    let checkpoints = &before.checkpoints;
    let taken = checkpoints.take(CheckpointName::Run(run, CheckpointStage::After)).await?;
    let changes = checkpoints.count(&before.commit, &taken.commit).await?;
    checkpoints.prune(KEPT_RUNS).await?;
    Ok(After { commit: taken.commit, changes, notes: taken.notes })
}

/// Does `work`, but not for ever, and not for long once the loop was asked to end. Git is ended with it.
pub(super) async fn bounded<T>(
    stop: &mut watch::Receiver<StopSource>,
    work: impl Future<Output = Result<T, GitError>>,
) -> Result<T, String> {
    let told = |error| git_sentence(&error);
    tokio::pin!(work);
    let is_asked = stop.borrow().is_stop();
    if !is_asked {
        tokio::select! {
            done = &mut work => return done.map_err(told),
            () = sleep(PATIENCE) => return Err(too_long(PATIENCE)),
            _ = asked(stop) => {}
        }
    }
    tokio::select! {
        done = work => done.map_err(told),
        () = sleep(HURRY) => Err(too_long(HURRY)),
    }
}

fn too_long(limit: Duration) -> String {
    format!("it took longer than {} s", limit.as_secs())
}
