//! The threads at the PTY.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::sync::{mpsc, watch};

use super::core::Core;
use super::input::InputQueue;
use super::model::{self, MODEL_QUEUE, ModelTask};
use super::program::Program;
use crate::journal::Journal;
use crate::session::{Exit, Size};

/// What has come to its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    /// How the program ended.
    pub(super) exit: Option<Exit>,
    /// Whether nothing comes out of the PTY any more.
    pub(super) is_drained: bool,
    /// Whether every descendant of ours is gone.
    pub(super) is_alone: bool,
}

/// Sets everything going around the PTY.
pub(super) fn start(
    program: Program,
    output: &Path,
    size: Size,
) -> (Arc<Core>, watch::Receiver<Ends>) {
    let (ends, watched) = watch::channel(Ends::default());
    let ends = Arc::new(ends);
    let (model, tasks) = mpsc::channel(MODEL_QUEUE);
    let (input, jobs) = InputQueue::new();
    let (reader, writer) = (program.master.try_clone_reader(), program.master.take_writer());
    let core = Core::new(Journal::new(output), program.master, input, model, size);
    let core = Arc::new(core);
    let at_model = core.clone();
    thread::spawn(move || model::keep(&at_model, size, tasks));
    let (at_reader, drained) = (core.clone(), ends.clone());
    thread::spawn(move || {
        match reader {
            Ok(mut reader) => read(&at_reader, &mut reader),
            Err(error) => tracing::error!(%error, "the terminal cannot be read"),
        }
        drained.send_modify(|ends| ends.is_drained = true);
    });
    let at_writer = core.clone();
    thread::spawn(move || match writer {
        Ok(mut writer) => {
            at_writer.input.write_to(&mut writer, jobs);
            // Dropping it would type an end of file into whatever still reads the terminal. The process ends soon.
            std::mem::forget(writer);
        }
        Err(error) => tracing::error!(%error, "the terminal cannot be written to"),
    });
    let reaped = ends;
    thread::spawn(move || reap(Pid::from_raw(program.pid), &reaped));
    let (watcher, ender) = (core.clone(), core.clone());
    // Both live as long as the host.
    tokio::spawn(async move { watcher.watch_activity().await });
    tokio::spawn(super::ending::watch(ender, watched.clone()));
    (core, watched)
}

/// Reads until the PTY ends.
fn read(core: &Core, reader: &mut dyn Read) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        // Not in one expression: the journal's lock would be held while waiting.
        let end = core.journal().end();
        core.gate.wait(end);
        match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let bytes = &buffer[..count];
                let is_wanted = core.append(bytes);
                if !is_wanted
                    || core.model.blocking_send(ModelTask::Output(bytes.to_vec())).is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "the terminal cannot be read any more");
                return;
            }
        }
    }
}

/// Reaps every descendant; a subreaper inherits them all.
fn reap(program: Pid, ends: &watch::Sender<Ends>) {
    let exit = |exit| ends.send_modify(|ends| ends.exit = Some(exit));
    loop {
        match waitpid(None::<Pid>, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == program => exit(Exit::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => {
                exit(Exit::Signal(signal as i32));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => {
                ends.send_modify(|ends| {
                    ends.exit.get_or_insert(Exit::Unknown);
                    ends.is_alone = true;
                });
                return;
            }
        }
    }
}
