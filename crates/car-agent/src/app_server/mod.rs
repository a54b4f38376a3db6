//! Talking to `codex app-server`: typed messages, a connection, and the detached server itself.
//!
//! The server outlives its clients: a turn goes on and an approval stays open while nobody is connected. Whatever it says that
//! is not known here is kept raw; whatever it asks that is not known here is refused with an error, never left open.

mod connection;
pub mod protocol;
mod server;
mod start;
mod transport;

pub use connection::{CallError, Connection, Incoming};
pub use server::{CodexServer, ServerError, ServerSpec, default_server_dir};
pub use start::MemoryLimit;
