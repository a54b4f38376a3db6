//! The text logs, in the grammar of the Python original: bare markers around a run, every other line stamped.
//!
//! `=== run 3 start ===`, `[2026-01-02T03:04:05Z] run=3 stdout: text`, `=== run 3 end (code 0) ===`. The run's own file
//! `runs/run-3.log` and the shared `codex-autorunner.log` hold the same lines.

mod grammar;
mod previous;
mod render;

pub use grammar::{LogLine, end_marker, log_line, start_marker, stdout_line};
pub use previous::{previous_output_from_global_log, previous_output_from_run_log};
pub use render::stdout_lines;
