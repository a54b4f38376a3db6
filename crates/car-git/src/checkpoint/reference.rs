//! The names of checkpoints: references below `refs/car`, which keep them from git's garbage collection.

use std::collections::BTreeSet;
use std::fmt;

use car_domain::Timestamp;
use car_domain::run::CheckpointStage;

use super::Checkpoints;
use crate::GitError;
use crate::command::Git;

/// What a checkpoint is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckpointName {
    /// The working tree before or after a run.
    Run(u64, CheckpointStage),
    /// The working tree before a run was undone.
    Undo(u64),
    /// The working tree before the undoing of a run was taken back.
    Redo(u64),
}

impl CheckpointName {
    /// The run it belongs to.
    pub fn run(self) -> u64 {
        match self {
            Self::Run(run, _) | Self::Undo(run) | Self::Redo(run) => run,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split('/');
        let (kind, run) = (parts.next()?, parts.next()?.parse().ok()?);
        let name = match (kind, parts.next()) {
            ("runs", Some("before")) => Self::Run(run, CheckpointStage::Before),
            ("runs", Some("after")) => Self::Run(run, CheckpointStage::After),
            ("undo", None) => Self::Undo(run),
            ("redo", None) => Self::Redo(run),
            _ => return None,
        };
        parts.next().is_none().then_some(name)
    }
}

/// As below `refs/car`.
impl fmt::Display for CheckpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run, stage) => write!(f, "runs/{run}/{}", stage.name()),
            Self::Undo(run) => write!(f, "undo/{run}"),
            Self::Redo(run) => write!(f, "redo/{run}"),
        }
    }
}

/// A checkpoint that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// What it is of.
    pub name: CheckpointName,
    /// The commit.
    pub commit: String,
    /// When it was taken.
    pub at: Timestamp,
}

impl Checkpoints {
    /// The checkpoints that are kept, by run.
    ///
    /// # Errors
    /// When git gives no answer.
    pub async fn list(&self) -> Result<Vec<StoredCheckpoint>, GitError> {
        let mut list = Vec::new();
        let prefix = format!("{}/", self.refs);
        self.user_git("for-each-ref")
            .args(["--format=%(objectname) %(committerdate:unix) %(refname)%00", &self.refs])
            .records(|record| {
                let record = String::from_utf8_lossy(record);
                let mut words = record.trim_start().splitn(3, ' ');
                let mut stored = || {
                    let (commit, at) = (words.next()?, words.next()?.parse::<i64>().ok()?);
                    let name = CheckpointName::parse(words.next()?.strip_prefix(&prefix)?)?;
                    let at = Timestamp::from_millis(at.saturating_mul(1000));
                    Some(StoredCheckpoint { name, commit: commit.to_owned(), at })
                };
                list.extend(stored());
            })
            .await?;
        list.sort_by_key(|stored| (stored.name.run(), stored.name));
        Ok(list)
    }

    /// The commit of a checkpoint that is kept.
    pub async fn find(&self, name: CheckpointName) -> Option<String> {
        let name = self.reference(name);
        self.user_git("rev-parse").args(["--verify", "--quiet", &name]).text().await.ok()
    }

    /// Whether a checkpoint, told by its commit or its tree, is still there.
    pub async fn exists(&self, id: &str) -> bool {
        let tree = format!("{id}^{{tree}}");
        self.user_git("cat-file").args(["-e"]).value(tree).done().await.is_ok()
    }

    /// Gives up the checkpoints of all runs but the newest `keep`. Git frees their space in its own time. Returns how many
    /// runs lost theirs.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn prune(&self, keep: usize) -> Result<usize, GitError> {
        let list = self.list().await?;
        let runs: BTreeSet<u64> = list.iter().map(|stored| stored.name.run()).collect();
        let old: BTreeSet<u64> = runs.into_iter().rev().skip(keep).collect();
        let doomed = list.iter().filter(|stored| old.contains(&stored.name.run()));
        let lines = doomed.map(|stored| format!("delete {}\n", self.reference(stored.name)));
        self.change_references(lines.collect()).await?;
        Ok(old.len())
    }

    /// Gives up one checkpoint.
    ///
    /// # Errors
    /// When git refuses.
    pub async fn forget(&self, name: CheckpointName) -> Result<(), GitError> {
        self.change_references(format!("delete {}\n", self.reference(name))).await
    }

    pub(super) async fn keep(&self, name: CheckpointName, commit: &str) -> Result<(), GitError> {
        self.change_references(format!("update {} {commit}\n", self.reference(name))).await
    }

    async fn change_references(&self, lines: String) -> Result<(), GitError> {
        if lines.is_empty() {
            return Ok(());
        }
        let call = Git::write(&self.top, "update-ref").args(["--stdin"]);
        call.input(lines.into_bytes()).done().await
    }

    fn reference(&self, name: CheckpointName) -> String {
        format!("{}/{name}", self.refs)
    }
}
