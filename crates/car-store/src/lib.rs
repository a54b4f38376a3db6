//! The SQLite index of a served root. The only crate that says SQL.
//!
//! What is in it comes from files and can be rebuilt from them; only the bot's database ([`BotStore`]) cannot. Write-ahead log, one writer connection, several readers.
//! A database of a newer CAR is refused untouched; before a migration the old file is kept beside it.

mod access;
mod answers;
mod bot;
mod error;
mod index;
mod jobs;
mod open;
mod search;
mod usage;

pub use access::{Access, Hash};
pub use answers::{AnswerRow, Answers};
pub use bot::{
    AuditRow, BotStore, InboxRow, MessageState, NewMessage, NewTurn, OutboxRow, PersonRow,
    PickerRow, Place, RequestRow, ThreadRow, TopicRow, TurnRow,
};
pub use error::StoreError;
pub use index::{Index, JournalMark};
pub use jobs::Jobs;
pub use search::EventFilter;
pub use usage::{
    FileMark, Limits, Resume, SessionPiece, TokenEvent, UsageBucket, UsageFilter, UsageIndex,
    UsageRow,
};
