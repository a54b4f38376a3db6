//! The nouns and rules of CAR: runs, journal events, the loop's decisions, TODO rules, the log grammar, what screens show.
//!
//! No I/O, no clock, no randomness: time and ids come in as arguments. Everything here compiles for the browser, so that
//! the server, the command line and the page agree on shapes by sharing them.

pub mod access;
pub mod changes;
pub mod chat;
pub mod conversation;
pub mod docs;
pub mod format;
pub mod github;
pub mod job;
pub mod live;
pub mod log;
pub mod proposal;
pub mod run;
pub mod search;
pub mod state;
pub mod terminal;
pub mod text;
mod time;
pub mod todo;
pub mod usage;
pub mod view;
pub mod voice;

pub use time::Timestamp;
