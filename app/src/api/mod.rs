//! Server functions: everything the pages ask of the server. The only module that knows the engine.
//!
//! Each has a fixed address below `/rpc`, so that the two halves of a page find each other however they were built.
//! Reads are `GET`; writes are plain form posts, which also work before the browser side has loaded.

mod access;
mod action;
mod answer;
mod changes;
mod document;
mod document_write;
mod error;
mod hub;
#[cfg(feature = "ssr")]
mod markdown;
mod read;
mod runs;
mod search;
mod terminal;
mod usage;

#[cfg(feature = "ssr")]
pub use access::Visitor;
pub(crate) use access::{AccessView, RevokeDevice, read_access};
pub(crate) use action::RunActionRequest;
pub(crate) use answer::AnswerAsk;
pub(crate) use changes::{
    AddComment, ChangesView, RemoveComment, SendReview, UndoRun, UndoView, read_changes,
};
pub(crate) use document::{
    ConflictView, DocView, HistoryView, VersionView, read_conflict, read_document, read_history,
    read_version,
};
pub(crate) use document_write::{RestoreVersion, SaveDocument, Saved, SettleConflict, TickItem};
pub use error::{AppError, AppErrorKind};
pub(crate) use hub::{
    AddWorktree, BulkAction, CancelJob, CloneRepo, CreateRepo, LossView, RemoveRepo, ScanHub,
    read_loss,
};
#[cfg(feature = "ssr")]
pub(crate) use read::theme_cookie;
pub(crate) use read::{
    Home, RepoView, Site, not_found, read_dashboard, read_home, read_rows, read_site, read_tail,
};
pub(crate) use runs::{ENTRIES_PER_PAGE, RUNS_PER_PAGE, RunView, read_run, read_runs};
pub(crate) use search::{SearchAsk, search};
pub(crate) use terminal::{EndTerminal, RemoveTerminal, StartTerminal, read_terminals};
pub(crate) use usage::{RepoTokens, UsageLines, UsageSpan, UsageView, read_usage};
