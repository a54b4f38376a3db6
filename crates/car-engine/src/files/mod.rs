//! Files that must never be half written.

mod append;
mod atomic;
mod exchange;
mod lock;

pub(crate) use append::{AppendFile, RotatingLog};
pub(crate) use atomic::write_atomic;
pub(crate) use exchange::exchange;
pub(crate) use lock::lock_file;
