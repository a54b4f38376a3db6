//! Checkpoints: whole working trees as commits, beside the user's history.
//!
//! Taking one touches neither HEAD, nor the index, nor a file, and runs nothing a repository or a user configured: it works
//! in a small git directory of its own that shares only the objects. Bytes are kept as they are, without line ending
//! conversion or filters. In: tracked files and untracked ones. Not in: ignored files, repositories inside the repository,
//! empty directories.

mod compare;
mod reference;
mod restore;
mod sorting;
mod store;
mod take;

#[cfg(test)]
mod tests;

pub use compare::{Difference, Entry, PatchForm, Renames};
pub use reference::{CheckpointName, StoredCheckpoint};
pub use restore::Move;
pub use store::Checkpoints;
pub(crate) use store::{STEP, file_error};
pub use take::Checkpoint;
