//! The guard: parent of the agent, owner of everything the agent starts.
//!
//! It runs as a process of its own (`car agent-guard`), leads a new process group with the agent in it, and is told the
//! prompt and the runner's life through one pipe: `<length>\n<prompt>` on standard input, which then stays open. It ends
//! the agent's tree (TERM, after a grace period KILL) when that pipe closes, when it gets TERM, INT or HUP itself, and what
//! is left of the tree when the agent has ended. It then ends as the agent did: same exit code, or same signal.
//!
//! On Linux it is a child subreaper, so a grandchild that detaches itself into a session of its own is still found.

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use car_process::{become_subreaper, descendants, kill_descendants, signal};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long what the agent left behind may take to end after the agent itself has.
const LEFTOVER_GRACE: Duration = Duration::from_millis(500);
/// How long to look for processes after KILL; they only need to be scheduled to die.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// Exit code when the agent could not be started; the reason is on standard error.
pub const NOT_STARTED: u8 = 126;

/// What the guard's threads tell its main thread.
enum Notice {
    /// The runner is gone or wants the end.
    Stop,
    /// The agent itself ended.
    AgentEnded(WaitStatus),
    /// The last descendant is reaped.
    TreeEmpty,
}

/// How the guard should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardExit {
    /// With this code.
    Code(u8),
    /// By this signal.
    Signal(i32),
}

/// Runs `program` under guard until its whole tree is gone.
///
/// # Errors
/// When the guard's own set-up fails: reading the prompt, installing handlers, starting the program.
pub fn run(program: &OsString, args: &[OsString], grace: Duration) -> io::Result<GuardExit> {
    become_subreaper();
    let (notices, inbox) = mpsc::channel();
    watch_signals(notices.clone())?;
    let prompt = read_prompt(&mut io::stdin().lock())?;
    let mut child = Command::new(program).args(args).stdin(Stdio::piped()).spawn()?;
    forbid_core_dumps();
    let stdin = child.stdin.take();
    let agent = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    thread::spawn(move || feed(stdin, &prompt));
    let lifeline = notices.clone();
    thread::spawn(move || {
        // Any end of this pipe, also a broken one, means that nobody is left to work for.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = lifeline.send(Notice::Stop);
    });
    thread::spawn(move || reap(agent, &notices));
    Ok(exit_of(supervise(&inbox, grace)))
}

/// Ends the calling process as `exit` says.
pub fn exit(exit: GuardExit) -> ! {
    match exit {
        GuardExit::Code(code) => std::process::exit(i32::from(code)),
        GuardExit::Signal(number) => {
            let _ = signal_hook::low_level::emulate_default_handler(number);
            std::process::exit(128 + number)
        }
    }
}

fn supervise(inbox: &Receiver<Notice>, grace: Duration) -> WaitStatus {
    let mut ended = None;
    let mut deadline: Option<Instant> = None;
    let mut killed = false;
    loop {
        let notice = match deadline {
            Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match notice {
            Ok(Notice::TreeEmpty) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(Notice::Stop) => {
                signal_tree(Signal::SIGTERM);
                let _ = deadline.get_or_insert_with(|| Instant::now() + grace);
            }
            Ok(Notice::AgentEnded(status)) => {
                ended = Some(status);
                signal_tree(Signal::SIGTERM);
                let at = Instant::now() + LEFTOVER_GRACE;
                deadline = Some(deadline.map_or(at, |earlier| earlier.min(at)));
            }
            Err(RecvTimeoutError::Timeout) if killed => break,
            Err(RecvTimeoutError::Timeout) => {
                kill_descendants(KILL_PATIENCE);
                killed = true;
                deadline = Some(Instant::now() + KILL_PATIENCE);
            }
        }
    }
    ended.unwrap_or(WaitStatus::Signaled(Pid::this(), Signal::SIGKILL, false))
}

fn exit_of(status: WaitStatus) -> GuardExit {
    match status {
        WaitStatus::Exited(_, code) => GuardExit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        WaitStatus::Signaled(_, signal, _) => GuardExit::Signal(signal as i32),
        _ => GuardExit::Code(1),
    }
}

/// Reaps every descendant; a subreaper inherits them all.
fn reap(agent: Pid, notices: &Sender<Notice>) {
    loop {
        match waitpid(None::<Pid>, None) {
            Ok(status @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)))
                if pid == agent =>
            {
                let _ = notices.send(Notice::AgentEnded(status));
            }
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => {
                let _ = notices.send(Notice::TreeEmpty);
                return;
            }
        }
    }
}

fn signal_tree(which: Signal) {
    let me = Pid::this();
    for pid in descendants(me.as_raw()) {
        signal(pid, which);
    }
    if !cfg!(target_os = "linux") {
        // The guard handles TERM itself, so signalling its own group ends only the others.
        let _ = nix::sys::signal::killpg(nix::unistd::getpgrp(), which);
    }
}

fn watch_signals(notices: Sender<Notice>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            if notices.send(Notice::Stop).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn read_prompt(stdin: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = String::new();
    stdin.read_line(&mut head)?;
    let length: u64 = head.trim().parse().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "no prompt length on standard input")
    })?;
    let mut prompt = Vec::new();
    stdin.take(length).read_to_end(&mut prompt)?;
    if prompt.len() as u64 == length {
        Ok(prompt)
    } else {
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the prompt on standard input is cut off"))
    }
}

/// Writes the prompt and closes the agent's input. An agent that does not read it is no error.
fn feed(stdin: Option<ChildStdin>, prompt: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(prompt);
    }
}

/// The guard may end itself by the agent's signal; that must not leave a core file in somebody's repository.
fn forbid_core_dumps() {
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_is_read_exactly_and_what_follows_stays() {
        let mut input = io::Cursor::new(b"5\nhello rest".to_vec());
        assert_eq!(read_prompt(&mut input).expect("readable"), b"hello");
        let mut rest = String::new();
        input.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, " rest");
    }

    #[test]
    fn a_cut_prompt_is_refused() {
        assert!(read_prompt(&mut io::Cursor::new(b"9\nhello".to_vec())).is_err());
        assert!(read_prompt(&mut io::Cursor::new(b"hello".to_vec())).is_err());
    }
}
