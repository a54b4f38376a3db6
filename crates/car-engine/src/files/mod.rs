//! Files that must never be half written.

mod append;
mod atomic;

pub(crate) use append::{AppendFile, RotatingLog};
pub(crate) use atomic::write_atomic;
