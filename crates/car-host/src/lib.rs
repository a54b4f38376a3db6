//! Terminals that outlive everybody who looks at them.
//!
//! Each session is a process of its own, the [host](mod@host): it owns the PTY, keeps what the program wrote in a bounded
//! [journal] with absolute offsets and in a [model of the screen](screen), and answers on a Unix socket in the small,
//! frozen [protocol]. Whoever wants a terminal starts a host, finds it again by its files ([`Sessions`]) and attaches to it
//! ([`Attachment`]); servers come and go, the program does not notice.
//!
//! What must stay true:
//! * Bytes reach a client in order, each once, at the offset they have; what is no longer there is said, not made up.
//! * A client that is slow, stuck or gone never stalls another one, and nothing is kept for it without bound.
//! * What the program writes is hostile: it may spoil its own picture, never the session.

mod client;
mod error;
pub mod host;
pub mod journal;
pub mod protocol;
pub mod screen;
mod session;
mod start;

pub use client::{Attach, Attachment, Frames, Sender};
pub use error::HostError;
pub use session::{Exit, Record, Session, Sessions, Size, State};
pub use start::Spec;
