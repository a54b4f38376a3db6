//! The program in its PTY.

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::error::HostError;
use crate::session::Record;
use crate::start::own_secrets;

/// Variables of another terminal that ours is not.
const FOREIGN: [&str; 8] = [
    "COLUMNS",
    "LINES",
    "STY",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TMUX",
    "TMUX_PANE",
    "WINDOWID",
];

/// A program that runs in a PTY.
pub(super) struct Program {
    pub(super) master: Box<dyn MasterPty + Send>,
    pub(super) pid: i32,
}

/// Starts what `record` says.
pub(super) fn start(record: &Record) -> Result<Program, HostError> {
    let name = record.argv.first().cloned().unwrap_or_default();
    let failed = |reason: String| HostError::Spawn { program: name.clone(), reason };
    if name.is_empty() {
        return Err(failed("no program is named".to_owned()));
    }
    if !record.cwd.is_dir() {
        // `portable-pty` starts a program elsewhere rather than not at all, which nobody asked for.
        return Err(failed(format!("{} is no directory", record.cwd.display())));
    }
    let size =
        PtySize { rows: record.size.rows, cols: record.size.cols, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).map_err(|error| failed(error.to_string()))?;
    let child = pair
        .slave
        .spawn_command(command(record))
        .map_err(|error| failed(error.root_cause().to_string()))?;
    let pid = child.process_id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
    // Our copy of the slave would keep the PTY from ending. The child is reaped like every descendant.
    drop(pair.slave);
    Ok(Program { master: pair.master, pid })
}

fn command(record: &Record) -> CommandBuilder {
    let mut command = CommandBuilder::from_argv(record.argv.iter().map(Into::into).collect());
    command.cwd(&record.cwd);
    for name in own_secrets() {
        command.env_remove(name);
    }
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"];
    if locale.iter().all(|name| command.get_env(name).is_none()) {
        command.env("LANG", "C.UTF-8");
    }
    command
}
