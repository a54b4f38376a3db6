//! Proposed changes of documents, as a person decides about them.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::docs::DocKind;

/// New texts for one or several documents. Nothing of it is in the documents before it is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proposal {
    /// When it was made.
    pub at: Timestamp,
    /// What the agent says about it.
    pub message: String,
    /// The documents that would change.
    pub documents: Vec<DocProposal>,
}

/// A new text for one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocProposal {
    /// Which.
    pub kind: DocKind,
    /// Version the agent started from.
    pub base_version: String,
    /// Its text.
    pub base: String,
    /// The text the agent wants.
    pub proposed: String,
}

/// A group of neighbouring changes that is taken or left as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hunk {
    /// Its number, from 1.
    pub id: usize,
    /// Line of the old text it begins at, from 1.
    pub old_start: usize,
    /// Line of the new text it begins at, from 1.
    pub new_start: usize,
    /// Its lines.
    pub lines: Vec<HunkLine>,
}

/// One line of a hunk, with its newline where it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", content = "text", rename_all = "lowercase")]
pub enum HunkLine {
    /// Unchanged.
    Context(String),
    /// Goes.
    Removed(String),
    /// Comes.
    Added(String),
}

/// A part of a text that two sides changed on a common base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum MergePiece {
    /// Both sides agree, or only one changed it.
    Clean {
        /// Whole lines.
        text: String,
    },
    /// Both changed it, each differently.
    Conflict {
        /// What both started from.
        base: String,
        /// What is in the document now.
        live: String,
        /// What is proposed.
        proposed: String,
    },
}

/// A document whose proposal and present text do not go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocConflict {
    /// Which.
    pub kind: DocKind,
    /// Version of the present text.
    pub live_version: String,
    /// The whole text in order, with the places in question.
    pub pieces: Vec<MergePiece>,
}
