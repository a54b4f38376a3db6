//! What an agent may do in a turn. Sent with every turn, never read back: Codex keeps the last values in its thread.

use std::path::PathBuf;

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
    /// Write below the turn's directory and these roots.
    WorkspaceWrite {
        /// Absolute; besides the turn's own directory.
        writable_roots: Vec<PathBuf>,
        /// Whether commands may use the network.
        network: bool,
    },
    /// Everything the user may do.
    FullAccess,
}
