//! Changes of files as people read them, and what the owner says about them.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::proposal::HunkLine;
use crate::run::FileDiff;

/// What two states of the files are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// The last commit and the files as they are.
    #[default]
    Uncommitted,
    /// Where the branch began and the files as they are.
    Branch,
    /// The files before a run and after it.
    Run(u64),
}

/// What changed in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePatch {
    /// Which file, and how much.
    pub file: FileDiff,
    /// The changes, in order; empty for a binary file, and for one that was left out.
    pub hunks: Vec<PatchHunk>,
    /// Lines that are not among them, because there are too many.
    pub n_left_out: u64,
}

/// Neighbouring changes of a file, with the lines around them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchHunk {
    /// Line of the old file it begins at, from 1.
    pub old_start: u64,
    /// Line of the new file it begins at, from 1.
    pub new_start: u64,
    /// The function or section it lies in, as git found it; may be empty.
    pub section: String,
    /// Its lines.
    pub lines: Vec<HunkLine>,
}

/// What the owner says about changes, collected until it is sent to the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    /// In the order they were made.
    pub comments: Vec<ReviewComment>,
}

impl Review {
    /// Comments that wait for the owner to send them.
    pub fn n_collected(&self) -> usize {
        self.comments.iter().filter(|comment| !comment.is_sent).count()
    }

    /// Comments that wait for the next run.
    pub fn n_sent(&self) -> usize {
        self.comments.len() - self.n_collected()
    }
}

/// One comment of a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewComment {
    /// Its name, unique in its review.
    pub id: String,
    /// When it was made.
    pub at: Timestamp,
    /// The file, relative to the top of the working tree; empty for a comment on the whole.
    #[serde(default)]
    pub path: String,
    /// The line it is about, from 1; absent for a comment on the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// That line's text, by which it is found when the file has changed.
    #[serde(default)]
    pub quote: String,
    /// What the owner says.
    pub text: String,
    /// Whether the next run gets it.
    #[serde(default)]
    pub is_sent: bool,
}

impl ReviewComment {
    /// What it is about, in a word: `src/a.rs:12`, `src/a.rs`, or nothing.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.clone(),
        }
    }
}
