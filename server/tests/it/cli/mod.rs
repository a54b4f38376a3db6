//! What a person or a script reads: output, exit codes, wording.

mod config;
mod demo;
mod documents;
mod github;
mod hub;
mod idle;
mod log;
mod search;
mod serve;
mod sessions;
mod tokens;
mod usage;
