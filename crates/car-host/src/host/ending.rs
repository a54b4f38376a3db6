//! Ending the program, and with it everything it started.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use car_process::{descendants, kill_descendants, signal};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;
use tokio::time::timeout;

use super::core::Core;
use super::pty::Ends;

/// How long the program has when it is the host that is asked to end.
const GRACE: Duration = Duration::from_secs(5);
/// How long to look for processes after KILL; they only need to be scheduled to die.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// Takes TERM for the wish to end. A hangup is none: who started us may go.
pub(super) fn obey_signals(core: &Arc<Core>) -> io::Result<()> {
    let mut terminate = unix::signal(SignalKind::terminate())?;
    let mut interrupt = unix::signal(SignalKind::interrupt())?;
    let mut hangup = unix::signal(SignalKind::hangup())?;
    let core = core.clone();
    // Lives as long as the host.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => core.ending.send_replace(Some(GRACE)),
                _ = interrupt.recv() => None,
                _ = hangup.recv() => None,
            };
        }
    });
    Ok(())
}

/// Waits for the wish to end the program and fulfils it. A second wish may have less patience.
pub(super) async fn watch(core: Arc<Core>, mut ends: watch::Receiver<Ends>) {
    let mut wish = core.ending.subscribe();
    while wish.changed().await.is_ok() {
        let Some(grace) = *wish.borrow_and_update() else { continue };
        // Who is held up at a full terminal could not end.
        core.gate.open();
        // An interactive shell ignores TERM and obeys HUP; who is stopped hears nothing before CONT.
        signal_all(&[Signal::SIGHUP, Signal::SIGTERM, Signal::SIGCONT]);
        let alone = async { ends.wait_for(|ends| ends.is_alone).await.is_ok() };
        let less = async { wish.wait_for(|wish| wish.is_some_and(|it| it < grace)).await.is_ok() };
        let is_over = tokio::select! {
            ended = timeout(grace, alone) => ended.is_ok(),
            _ = less => {
                // Looked at in the next round.
                wish.mark_changed();
                continue;
            }
        };
        if !is_over {
            // Blocks, but the only ones who wait have asked for this.
            let _ = tokio::task::spawn_blocking(|| kill_descendants(KILL_PATIENCE)).await;
        }
    }
}

fn signal_all(signals: &[Signal]) {
    for pid in descendants(Pid::this().as_raw()) {
        for which in signals {
            signal(pid, *which);
        }
    }
}
