//! Conversations with the real Codex CLI, against a model of ours.

mod approvals;
mod doors;
mod lost;
mod relay;
mod setting;
mod turns;
