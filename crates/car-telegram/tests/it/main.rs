//! The bot against a Bot API and a model of ours, with the real Codex CLI between them.

#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod commands;
mod faults;
mod groups;
mod import;
mod intake;
mod media;
mod requests;
mod restarts;
mod sending;
mod setting;
mod talking;
