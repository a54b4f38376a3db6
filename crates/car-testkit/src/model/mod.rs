//! A strict model server on loopback, programmed turn by turn.
//!
//! A [`Script`] decides how each turn of Codex is answered; [`FakeModel`] serves it, checks every
//! request and counts the usage it reported. Nothing is accepted silently: what the server does not
//! expect is refused and listed by [`FakeModel::finish`].

mod answer;
mod event;
mod ledger;
mod request;
mod routes;
mod script;
mod server;
mod todo;
mod usage;

pub use request::{Request, ToolOutput};
pub use script::{Reply, Script, Step, Turn};
pub use server::FakeModel;
pub use todo::TodoScript;
pub use usage::{ThreadUsage, Usage};
