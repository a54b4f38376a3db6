//! What git keeps of a run: the working tree before and after it, and what lies between.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::count;

/// Which of a run's two checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
pub struct ChangeCount {
    /// Files added, changed or deleted.
    pub files: u64,
    /// Lines added; binary files have none.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}

/// As tables show it: files, lines added, lines removed.
impl fmt::Display for ChangeCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = count(self.files, "file", "files");
        write!(f, "{files} +{} -{}", self.insertions, self.deletions)
    }
}

/// A file that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its path, relative to the top of the working tree.
    pub path: String,
    /// Why, as half a sentence.
    pub reason: String,
}
