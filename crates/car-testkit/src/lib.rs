//! What lies outside CAR, for its tests: a model server, a home for the Codex CLI, GitHub's `gh`, a git repository.
//!
//! The Codex CLI itself is never faked. Tests run the real one against [`model::FakeModel`], which
//! refuses and remembers everything it does not understand, so that a change of Codex or of CAR
//! shows up as a violation and not as a test that passes by luck.

#![expect(clippy::expect_used, reason = "test support fails loudly")]

pub mod codex;
pub mod gh;
pub mod messaging;
pub mod model;
pub mod process;
pub mod repo;
pub mod telegram;
pub mod whisper;
