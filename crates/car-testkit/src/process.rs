//! Runs an external process to its end, or to the end of our patience.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Runs `command` with `input` on its standard input and waits for its end; blocks the thread.
///
/// The process gets a group of its own. After 60 seconds the whole group is killed, because a
/// wrapper such as Codex's would leave its child behind.
///
/// # Panics
///
/// When the process cannot be started or takes too long; the message holds its standard error.
#[track_caller]
pub fn run(command: &mut Command, input: &str) -> Finished {
    run_within(PATIENCE, command, input)
}

#[track_caller]
fn run_within(patience: Duration, command: &mut Command, input: &str) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("`{}` does not start: {error}", shown(command)));
    let group = Pid::from_raw(child.id().try_into().expect("a process id fits a pid_t"));

    let mut stdin = child.stdin.take().expect("the standard input is piped");
    let input = input.to_owned();
    // A process may end without reading its input; the broken pipe is then no failure of ours.
    thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));

    let (output, late) = match end.recv_timeout(patience) {
        Ok(output) => (output, false),
        Err(_) => {
            killpg(group, Signal::SIGKILL).expect("the process group can be killed");
            (end.recv().expect("a killed process ends"), true)
        }
    };
    let finished = Finished::from(output.expect("the output of the process can be read"));
    assert!(
        !late,
        "`{}` did not end within {patience:?} and was killed; its stderr:\n{}",
        shown(command),
        finished.stderr
    );
    finished
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The command line without its environment, which `Debug` would print too.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_output_and_exit_code_are_passed_on() {
        let mut command = Command::new("sh");
        command.args(["-c", "cat; echo oops >&2; exit 3"]);
        assert_eq!(
            run(&mut command, "hello"),
            Finished { code: Some(3), stdout: "hello".to_owned(), stderr: "oops\n".to_owned() }
        );
    }

    #[test]
    fn a_late_process_is_killed_with_its_children_and_its_errors_are_shown() {
        // Only the death of the grandchild, which inherited the pipes, ends the run.
        let killed = std::panic::catch_unwind(|| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo stuck >&2; sleep 1000 & wait"]);
            run_within(Duration::from_secs(1), &mut command, "")
        });
        let message = killed.expect_err("a panic").downcast::<String>().expect("a message");
        assert!(message.contains("did not end within 1s and was killed"), "{message}");
        assert!(message.ends_with("stuck\n"), "{message}");
    }
}
