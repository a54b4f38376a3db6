//! Agents from the outside: the installed Codex CLI against what CAR believes about it.

#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod protocol;
mod schema;
