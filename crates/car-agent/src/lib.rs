//! Coding agents as processes: started in a group of their own, heard line by line, understood, and ended for certain.
//!
//! Between the runner and the agent sits a [`guard`]: a tiny process that owns the agent's process tree. When the runner dies
//! in whatever way, the pipe between them closes and the guard ends the whole tree; nothing an agent started survives.
//!
//! The [`app_server`] is the exception: a Codex server that outlives everybody who talks to it.

pub mod app_server;
mod codex;
mod command;
pub mod guard;
mod lines;
pub mod process;
mod program;

pub use car_process::{
    Detached, READY, Start, is_alive, kill_now, process_id, terminate, wait_until_gone,
};
pub use codex::CodexEvents;
pub use command::{AgentCommand, AgentKind, CommandError, find_program, search_path};
pub use lines::{Line, LineReader};
pub use process::{AgentLine, AgentProcess, AgentSpec, Exit, SpawnError};
pub use program::{Finished, Program, ProgramError};
