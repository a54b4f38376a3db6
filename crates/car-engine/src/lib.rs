//! What CAR does, without any door to it: no HTTP, no terminal output, no command line.
//!
//! Every root is a parameter, resolved once, never the current directory. Doors (web, command line, tests) call the same
//! functions and own no rule.

pub mod access;
pub mod ask;
pub mod chat;
pub mod checkpoints;
pub mod config;
pub mod conversation;
pub mod demo;
mod docs;
pub mod doctor;
mod error;
mod files;
mod follow;
pub mod github;
mod history;
pub mod housekeeping;
pub mod hub;
pub mod idempotency;
pub mod ingest;
mod init;
pub mod notifications;
mod prompt;
pub mod proposal;
mod redact;
mod repo;
mod review;
pub mod runner;
mod running_server;
pub mod runs;
pub mod search;
mod served;
pub mod sessions;
pub mod snapshot;
pub mod terminals;
mod updates;
pub mod uploads;
pub mod usage;
pub mod voice;

pub use docs::{DocChange, DocWrite, Docs, Expected, Tick};
pub use error::{EngineError, ErrorKind};
pub use follow::{LogFollower, follow};
pub use history::{History, JournalPage, JournalQuery, LogPiece, LogView};
pub use init::{InitMode, InitReport, init};
pub use prompt::injected_context;
pub use redact::Redactor;
pub use repo::{Repo, find_root_config};
pub use review::{NewComment, OwnerReview};
pub use running_server::{Announcement, RunningServer, ServerClient, ServerPlace};
pub use served::{LiveFeed, Pulse, RunIndex, Served, Told, UsageReading, blocking};
pub use updates::{UpdateStatus, update_status, update_target};

use car_domain::Timestamp;

/// The changes from one text to another as a unified diff of the file `path`.
pub fn unified_diff(old: &str, new: &str, path: &str) -> String {
    let mut options = diffy::DiffOptions::new();
    options.set_original_filename(format!("a/{path}")).set_modified_filename(format!("b/{path}"));
    options.create_patch(old, new).to_string()
}

/// The time now; the engine's only clock for dates.
pub fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}
