//! The runner: the process that works through a TODO list, and how others see and steer it.
//!
//! The runner owns `lock`, `state.json`, the journal and logs of its runs, and the agent. Everybody else reads those files,
//! asks by `stop`, and signals. Outcome first: the journal's last entry is written before anything that follows from it.

mod codex_args;
mod control;
mod converse;
mod execute;
mod git;
mod journal;
mod lock;
mod looping;
mod recovery;
mod reset;
mod signals;
mod state_file;
mod state_report;
mod status;
mod steer;
mod verdict;

pub use control::{
    Adopted, KillReport, StopReport, adopt, kill, start_detached, stop, stop_now, wait_for_end,
};
pub use lock::RunnerLock;
pub use looping::{LoopReport, LoopRequest, RunnerNews, run_loop};
pub use reset::reset;
pub use signals::StopSource;
pub use state_report::{StateReport, state_report};
pub use status::{Standing, standing};
pub use steer::steer;

pub(crate) use control::refusal;
pub(crate) use converse::end_turn_left_behind;
pub(crate) use lock::living_owner;
pub(crate) use state_file::{change_state, read_state};
pub(crate) use status::STALL_AFTER;
