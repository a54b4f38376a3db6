//! What git keeps of a run: the working tree before and after it, and what lies between.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::count;

/// Which of a run's two checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckpointStage {
    /// Just before the agent started.
    Before,
    /// When the agent and everything it started were gone.
    After,
}

impl CheckpointStage {
    /// Its name in JSON and in git.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// How much differs between two working trees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeCount {
    /// Files added, changed or deleted.
    pub files: u64,
    /// Lines added; binary files have none.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}

impl ChangeCount {
    /// All of `files` together.
    pub fn of(files: &[FileDiff]) -> Self {
        files.iter().fold(Self::default(), |sum, file| Self {
            files: sum.files + 1,
            insertions: sum.insertions + file.insertions.unwrap_or(0),
            deletions: sum.deletions + file.deletions.unwrap_or(0),
        })
    }
}

/// As tables show it: files, lines added, lines removed.
impl fmt::Display for ChangeCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = count(self.files, "file", "files");
        write!(f, "{files} +{} -{}", self.insertions, self.deletions)
    }
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FileChangeKind {
    /// It is new.
    Added,
    /// Its bytes or its mode differ.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another path, and perhaps other bytes.
    Renamed,
    /// It was a file and is a link now, or the other way round.
    Retyped,
}

/// A file that differs between two working trees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileDiff {
    /// Its path, relative to the top of the working tree.
    pub path: String,
    /// Its path before, when it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What became of it.
    pub change: FileChangeKind,
    /// Lines added; absent for a binary file.
    pub insertions: Option<u64>,
    /// Lines removed; absent for a binary file.
    pub deletions: Option<u64>,
}

/// A file that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its path, relative to the top of the working tree.
    pub path: String,
    /// Why, as half a sentence.
    pub reason: String,
}
