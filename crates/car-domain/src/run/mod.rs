//! One run of the agent, and the loop that decides about the next one.

mod checkpoint;
mod event;
mod machine;
mod outcome;
mod summary;
mod usage;

pub use checkpoint::{ChangeCount, CheckpointStage, FileChangeKind, FileDiff, LeftOut};
pub use event::{FileChange, JournalEntry, NoticeLevel, RunEvent};
pub use machine::{Facts, LoopEnd, LoopLimits, LoopMachine, NextStep};
pub use outcome::{Outcome, RunEnd, RunKind, is_usage_limit};
pub use summary::RunSummary;
pub use usage::Usage;
