//! What makes a test short: a project to work in, processes to watch, and patience.

mod process;
mod project;
mod shown;
mod wait;

pub(crate) use process::{Running, Tree, is_alive};
pub(crate) use project::{CAR, Project, scripted_agent, shell_agent};
pub(crate) use shown::Shown;
pub(crate) use wait::eventually;
