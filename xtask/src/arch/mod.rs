//! The rules of the architecture that a machine can see.
//!
//! What a rule protects stands beside it: the arrows between crates in [`crates`], who may touch
//! what, names and sizes in [`files`], names of the HTTP API in [`schemas`]. [`code`] tells code from comments and text.

mod check;
mod code;
mod crates;
mod files;
mod schemas;

pub(crate) use check::check;
