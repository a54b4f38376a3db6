//! What the engine does with real parts around it: git, processes, the Codex CLI. Only the model is a fake.

#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod conversation;
mod events;
mod github;
mod hub;
