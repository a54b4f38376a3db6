//! The journal of a run as steps a person can follow.
//!
//! Pure: entries go in, steps come out, and each call says which steps it touched, so that a page changes only those. A
//! step never changes its kind or its place, only what is in it.

mod fold;
mod step;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use fold::{Timeline, Touched};
pub(crate) use step::{CommandEnd, OutputBlock, Step, StepKind};
pub(crate) use words::{body, plain_headline, short_command, short_path, text_parts};
