//! `car attach`, `car terminal`: this terminal becomes a window to one that a host owns. No server is needed.
//!
//! The real terminal is in raw mode meanwhile and is set back however this ends; only a signal that nothing can catch leaves
//! it as it is, and then `reset` helps.

use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use car_engine::terminals::{self, Size, TerminalKind};
use car_engine::{EngineError, Repo};
use car_host::protocol::HostFrame;
use car_host::{Attach, Attachment, Exit, HostError, Session};
use clap::Args;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::error::CliError;
use super::{CommandResult, RepoArg, block_on, own_program, ui};

/// Lines of history that are shown first.
const LINES: u32 = 200;
/// Bytes our terminal may be behind.
const WINDOW: u32 = 256 << 10;
/// Detaches.
const DETACH: u8 = 0x1d;
/// Detaches when it is pressed twice.
const DETACH_TWICE: u8 = 0x1c;
/// How long the first of two waits for the second before it is typed.
const TWICE_WITHIN: Duration = Duration::from_millis(500);
/// Undoes what a program may have set and would undo itself at its end: alternate screen, mouse, focus, paste, cursor, colours.
const UNDO: &str = "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\
                    \x1b[?1l\x1b>\x1b[?25h\x1b[0m\r\n";

/// Show a terminal here and type into it
///
/// Ctrl-] or twice Ctrl-\ detaches; the terminal goes on.
#[derive(Args)]
pub(crate) struct AttachArgs {
    /// The terminal, or the first characters of its id; without it the one that was started last
    #[arg(value_name = "SESSION")]
    session: Option<String>,
    #[command(flatten)]
    repo: RepoArg,
}

/// Start a terminal that outlives this one, and show it here
///
/// Without a command it is Codex's own screen. Ctrl-] or twice Ctrl-\ detaches; `car attach` comes back.
#[derive(Args)]
pub(crate) struct TerminalArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// What to start: `codex`, `resume` or `shell`
    #[arg(long, value_name = "KIND", default_value = "codex", conflicts_with = "command")]
    kind: String,
    /// Only start it, and print its id
    #[arg(short, long)]
    detach: bool,
    /// A command to run instead
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// How being attached ended.
enum Left {
    /// By the keys for it.
    Detached,
    /// With the program.
    Ended(Exit),
}

pub(super) fn attach(args: &AttachArgs) -> CommandResult {
    let repo = args.repo.open()?;
    block_on(async {
        let session = find(&repo, args.session.as_deref()).await?;
        show(&session).await
    })
}

pub(super) fn terminal(args: &TerminalArgs) -> CommandResult {
    let repo = args.repo.open()?;
    let kind = match args.command.is_empty() {
        true => TerminalKind::from_name(&args.kind)?,
        false => TerminalKind::Command(args.command.clone()),
    };
    block_on(async {
        let size = own_size().unwrap_or_default();
        let session = terminals::start(&repo, &own_program(), &kind, size).await?;
        if args.detach {
            ui::out(&session.record.id);
            return Ok(ExitCode::SUCCESS);
        }
        show(&session).await
    })
}

/// The terminal whose id begins with `name`, or the current one.
pub(super) async fn find(repo: &Repo, name: Option<&str>) -> Result<Session, EngineError> {
    let Some(name) = name else {
        return terminals::current(repo).await?.ok_or_else(|| {
            EngineError::not_found(format!("no terminal of {} runs", repo.name()))
                .with_hint("`car terminal` starts one")
        });
    };
    let sessions = terminals::list(repo).await?;
    let mut found = sessions.into_iter().filter(|session| session.record.id.starts_with(name));
    match (found.next(), found.next()) {
        (Some(session), None) => Ok(session),
        (Some(_), Some(_)) => {
            Err(EngineError::invalid(format!("several terminals begin with `{name}`")))
        }
        (None, _) => terminals::get(repo, name).await,
    }
}

async fn show(session: &Session) -> CommandResult {
    let raw = Raw::begin()?;
    let how = Attach { from: None, window: WINDOW, lines: LINES, answers: true };
    let attachment = session.attach(&how).await.map_err(EngineError::from)?;
    let left = relay(attachment).await.map_err(EngineError::from);
    drop(raw);
    let id = &session.record.id;
    Ok(match left? {
        Left::Detached => {
            ui::say(&format!("[detached from {id}; `car attach {id}` comes back]"));
            ExitCode::SUCCESS
        }
        Left::Ended(Exit::Code(code)) => {
            ui::say(&format!("[ended: exit {code}]"));
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Left::Ended(Exit::Signal(signal)) => {
            ui::say(&format!("[ended by signal {signal}]"));
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
        }
        Left::Ended(Exit::Unknown) => {
            ui::say("[ended]");
            ExitCode::FAILURE
        }
    })
}

/// Passes keys and output on until one side leaves.
async fn relay(attachment: Attachment) -> Result<Left, HostError> {
    let Attachment { mut frames, mut sender, .. } = attachment;
    let mut resized = signal(SignalKind::window_change())?;
    let mut ended = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    if let Some(size) = own_size() {
        sender.resize(size).await?;
    }
    let mut keys = keys();
    let mut held = false;
    loop {
        tokio::select! {
            frame = frames.next() => match frame? {
                Some(HostFrame::Output { offset, bytes }) => {
                    let end = offset + bytes.len() as u64;
                    write(bytes).await?;
                    sender.ack(end).await?;
                }
                Some(HostFrame::Snapshot { offset, bytes, .. }) => {
                    write(bytes).await?;
                    sender.ack(offset).await?;
                }
                Some(HostFrame::Exit(exit)) => return Ok(Left::Ended(exit)),
                Some(_) => {}
                None => return Ok(Left::Ended(Exit::Unknown)),
            },
            typed = keys.recv() => match typed {
                Some(typed) => {
                    let (bytes, leaves) = pass(&typed, &mut held);
                    if !bytes.is_empty() {
                        sender.input(None, &bytes).await?;
                    }
                    if leaves {
                        return Ok(Left::Detached);
                    }
                }
                // Our own terminal is gone.
                None => return Ok(Left::Detached),
            },
            () = tokio::time::sleep(TWICE_WITHIN), if held => {
                held = false;
                sender.input(None, &[DETACH_TWICE]).await?;
            }
            _ = resized.recv() => if let Some(size) = own_size() {
                sender.resize(size).await?;
            },
            _ = ended.recv() => return Ok(Left::Detached),
            _ = hung_up.recv() => return Ok(Left::Detached),
        }
    }
}

/// Shows bytes as they are; a terminal may take its time.
async fn write(bytes: Vec<u8>) -> io::Result<()> {
    let written = tokio::task::spawn_blocking(move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&bytes)?;
        stdout.flush()
    });
    written.await.map_err(io::Error::other)?
}

/// What of `typed` is for the program, and whether it ends with the wish to leave. `held` is whether the first of two keys
/// waits for the second.
fn pass(typed: &[u8], held: &mut bool) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(typed.len() + 1);
    for byte in typed {
        match (*byte, *held) {
            (DETACH, _) | (DETACH_TWICE, true) => return (bytes, true),
            (DETACH_TWICE, false) => *held = true,
            (byte, true) => {
                *held = false;
                bytes.extend([DETACH_TWICE, byte]);
            }
            (byte, false) => bytes.push(byte),
        }
    }
    (bytes, false)
}

/// What is typed. A thread of its own, since reading from a terminal cannot be given up; it ends with the process.
fn keys() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = io::stdin().read(&mut buffer) {
            if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn own_size() -> Option<Size> {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0)?;
    Some(Size { cols: size.ws_col, rows: size.ws_row })
}

/// Our terminal in raw mode, until this is dropped.
struct Raw {
    before: Termios,
}

impl Raw {
    fn begin() -> Result<Self, CliError> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let error = CliError::other("this is no terminal, so none can be shown here");
            return Err(error.with_hint("`car terminal --detach` only starts one"));
        }
        let failed = |error| CliError::other(format!("the terminal cannot be used: {error}"));
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw).map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        ui::raw_bytes(UNDO.as_bytes());
        // There is nobody left to tell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_for_it_detach_and_all_others_are_typed() {
        let mut held = false;
        assert_eq!(pass(b"ab\x1b[A", &mut held), (b"ab\x1b[A".to_vec(), false));
        assert_eq!(pass(b"x\x1dy", &mut held), (b"x".to_vec(), true));
        assert_eq!(pass(b"x\x1c", &mut held), (b"x".to_vec(), false));
        assert!(held);
        assert_eq!(pass(b"y", &mut held), (b"\x1cy".to_vec(), false));
        assert_eq!(pass(b"\x1c\x1c", &mut held), (Vec::new(), true));
    }
}
