//! Bringing the branch and its pull request up to date: look, show, then commit, push, open.
//!
//! Nothing is done that a preview did not show: a sync takes the preview somebody confirmed, and is refused when the
//! repository has changed since. It holds the runner's lock, so no loop works meanwhile, and runs one agent at most, so it
//! belongs into a process of its own (`car github sync`), which [`start_sync`] starts as a job.

mod agent;
mod job;
mod look;
mod preview;
mod proposal;
mod steps;

pub use job::{cancel_sync, confirmed_preview, last_sync, start_sync, sync_ended};
pub use preview::{SyncRequest, sync_preview};
pub use steps::{SyncContext, sync};
