//! Processes as such: telling them apart, ending what they started, starting one that outlives us, and the private
//! directories in which such processes are found again.
//!
//! A process is always named by its pid and its start time, so that a signal never reaches a later process with the same pid.

mod detached;
mod private_dir;
mod scope;
mod tree;

pub use detached::{Detached, READY, Start};
pub use private_dir::{DirError, default_runtime_dir, fits_socket, private_dir};
pub use scope::{find_on_path, user_scope};
pub use tree::{
    become_subreaper, descendants, group_members, is_alive, kill_descendants, kill_now, process_id,
    signal, terminate, wait_until_gone,
};
