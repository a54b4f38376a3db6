//! The test kit against the real Codex CLI, and against requests that no client should send.

#![expect(clippy::expect_used, reason = "test support fails loudly")]

mod answers;
mod codex_exec;
mod failures;
mod fake_model_binary;
mod raw_http;
mod temp_repo;
mod todo_script;
mod violations;
