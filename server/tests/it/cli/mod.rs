//! What a person or a script reads: output, exit codes, wording.

mod demo;
mod idle;
mod log;
mod usage;
