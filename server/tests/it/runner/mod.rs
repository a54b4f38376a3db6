//! What a loop does and leaves behind, however it ends.

mod alone;
mod codex;
mod damaged;
mod failing;
mod full_disk;
mod git;
mod hostile;
#[cfg(target_os = "linux")]
mod killing;
mod legacy;
mod stopping;
mod to_the_end;
mod watchdogs;
