//! The `car` binary from the outside: real processes in real git repositories.
//!
//! `support` holds what makes a test short; `cli` checks what a person reads; `runner` checks what a loop leaves behind,
//! however it ends; `conversation` checks what goes over the Codex server; `http` checks a loop over HTTP; `services` checks
//! what reaches others; `terminal` checks terminals through a server. Nothing here waits a fixed time: a test waits for a fact, and says in a sentence which.

#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod cli;
mod conversation;
mod documents;
mod hostile;
mod http;
mod runner;
mod services;
mod support;
mod terminal;
