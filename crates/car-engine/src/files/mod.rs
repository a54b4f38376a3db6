//! Files that must never be half written.

mod append;
mod atomic;
mod emit;
mod exchange;
mod lock;
mod stamp;
mod yaml;

pub(crate) use append::{AppendFile, RotatingLog};
pub(crate) use atomic::write_atomic;
pub(crate) use emit::to_yaml;
pub(crate) use exchange::exchange;
pub(crate) use lock::lock_file;
pub(crate) use stamp::FileStamp;
pub(crate) use yaml::parse_yaml;
