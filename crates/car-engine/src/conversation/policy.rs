//! What an agent may do in a turn. Sent with every turn, never read back: Codex keeps the last values in its thread.

use std::path::PathBuf;

use car_agent::app_server::protocol;

/// When the agent asks a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApprovalPolicy {
    /// Never: what the sandbox forbids just fails.
    #[default]
    Never,
    /// When it wants to leave the sandbox.
    OnRequest,
    /// Before every command that is not known to be harmless.
    Untrusted,
}

/// What the agent's commands and edits may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SandboxPolicy {
    /// Read everything, write nothing, no network.
    #[default]
    ReadOnly,
    /// Write below the turn's directory and nowhere else, not even for temporary files; no network.
    OnlyHere,
    /// Write below the turn's directory, these roots, and where temporary files go.
    WorkspaceWrite {
        /// Absolute; besides the turn's own directory.
        writable_roots: Vec<PathBuf>,
        /// Whether commands may use the network.
        network: bool,
    },
    /// Everything the user may do.
    FullAccess,
}

/// What a review looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewTarget {
    /// Everything that is not committed.
    Uncommitted,
    /// What this branch adds to `branch`.
    Branch(String),
    /// One commit.
    Commit(String),
    /// Whatever these instructions say.
    Custom(String),
}

impl From<ReviewTarget> for protocol::ReviewTarget {
    fn from(target: ReviewTarget) -> Self {
        match target {
            ReviewTarget::Uncommitted => Self::UncommittedChanges,
            ReviewTarget::Branch(branch) => Self::BaseBranch { branch },
            ReviewTarget::Commit(sha) => Self::Commit { sha, title: None },
            ReviewTarget::Custom(instructions) => Self::Custom { instructions },
        }
    }
}
