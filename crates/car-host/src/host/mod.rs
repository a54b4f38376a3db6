//! The host: the process that owns one PTY, from the start of its program to its end.
//!
//! ```text
//! program ⇄ PTY ── reader thread ──► journal ──► one writing task per client ──► socket
//!            ▲          │ waits at the gate          ▲ woken by the journal's end
//!            │          └─► screen thread ───────────┘ snapshots, title, bell
//!            └── writer thread ◄── input queue ◄── one reading task per client ◄── socket
//! ```
//!
//! PTYs block, so each direction has a thread; so has the model of the screen, which costs the most. Everything between them
//! is bounded, and nobody waits for a client: the reader thread waits at the gate only while *all* clients that control the
//! flow are behind, and none of them longer than it may.

mod connection;
mod core;
mod ending;
mod gate;
mod input;
mod model;
mod output;
mod program;
mod pty;

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use car_process::{become_subreaper, process_id};
use tokio::net::UnixListener;
use tokio::runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::HostError;
use crate::session::{LAST_SCREEN, OUTPUT, Record, State, now, remove_socket, write_private};
use core::Core;

/// Clients at the same time; more is a mistake.
const MAX_CLIENTS: usize = 64;
/// How long clients may take to read the end of the output.
const LINGER: Duration = Duration::from_secs(5);
/// How long what is in the PTY may take to come out of it after the program has ended.
const DRAIN: Duration = Duration::from_millis(500);

/// Runs the session whose record is in `dir`, until its program has ended. `ready` is called when the program runs and clients
/// can attach.
///
/// This takes over the process: it leaves its session, and adopts and reaps all descendants.
///
/// # Errors
/// When the program cannot be started, or the socket not be made.
pub fn run(dir: &Path, ready: impl FnOnce()) -> Result<(), HostError> {
    // Out of the caller's session, so that neither its terminal nor its end reaches us. Fails only for a process that leads a
    // group already, which is out of reach as well.
    let _ = nix::unistd::setsid();
    become_subreaper();
    let mut record = Record::read(dir)?;
    let output = dir.join(OUTPUT);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&output)
        .map_err(HostError::file(&output))?;
    let listener = listen(&record.socket).map_err(HostError::file(&record.socket))?;
    // Before any thread: between fork and exec the child does what only one thread can do safely.
    let program = program::start(&record)?;
    record.host = i32::try_from(std::process::id()).ok().and_then(process_id);
    record.child = process_id(program.pid);
    record.state = State::Running;
    record.write(dir)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let listener = UnixListener::from_std(listener)?;
        let (core, ends) = pty::start(program, &output, record.size);
        ending::obey_signals(&core)?;
        ready();
        serve(&core, listener, ends, dir, &mut record).await
    });
    remove_socket(&record.socket);
    // Threads that are still in a blocking call end with the process.
    runtime.shutdown_background();
    result
}

fn listen(socket: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    remove_socket(socket);
    let listener = std::os::unix::net::UnixListener::bind(socket)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Takes clients until the program has ended and they know.
async fn serve(
    core: &Arc<Core>,
    listener: UnixListener,
    ends: watch::Receiver<pty::Ends>,
    dir: &Path,
    record: &mut Record,
) -> Result<(), HostError> {
    let mut clients = JoinSet::new();
    let ended = wait_for_the_end(core, ends);
    tokio::pin!(ended);
    let exit = loop {
        tokio::select! {
            exit = &mut ended => break exit,
            Some(_) = clients.join_next(), if !clients.is_empty() => {}
            client = listener.accept(), if clients.len() < MAX_CLIENTS => match client {
                Ok((socket, _)) => {
                    clients.spawn(connection::serve(core.clone(), socket));
                }
                // Out of descriptors, most likely: the next one may have more luck.
                Err(error) => {
                    tracing::warn!(%error, "a client could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    };
    let screen = model::snapshot(core, u32::MAX).await;
    if let Some(screen) = &screen
        && let Err(error) = write_private(&dir.join(LAST_SCREEN), &screen.bytes)
    {
        tracing::warn!(%error, "the last screen cannot be kept");
    }
    record.state = State::Ended;
    record.exit = Some(exit);
    record.ended_at = Some(now());
    record.size = core.size();
    let title = core.title();
    if !title.is_empty() {
        record.title = title;
    }
    let written = record.write(dir);
    // Whoever reads the exit finds it in the record, too.
    core.end(exit);
    drop(listener);
    let _ = timeout(LINGER, async { while clients.join_next().await.is_some() {} }).await;
    written
}

/// Waits for the program's end and for the rest of its output.
async fn wait_for_the_end(
    core: &Arc<Core>,
    mut ends: watch::Receiver<pty::Ends>,
) -> crate::session::Exit {
    let exit = match ends.wait_for(|ends| ends.exit.is_some()).await {
        Ok(ends) => ends.exit,
        Err(_) => None,
    };
    core.gate.open();
    // A grandchild may keep the terminal open for as long as it likes.
    let _ = timeout(DRAIN, ends.wait_for(|ends| ends.is_drained)).await;
    core.close_journal();
    exit.unwrap_or(crate::session::Exit::Unknown)
}
