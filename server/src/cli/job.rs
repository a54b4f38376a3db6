//! Jobs of the agent on the command line: what it says goes to the terminal, Ctrl-C ends it.

use std::ffi::OsString;
use std::io::IsTerminal;

use car_domain::run::RunEvent;
use car_domain::text::headline;
use car_engine::ask::JobEvent;
use tokio_util::sync::CancellationToken;

use super::ui::style::{DIM, RESET};
use super::{own_program, ui};

/// The command line of the agent's guard.
pub(super) fn guard() -> Vec<OsString> {
    let mut guard = own_program();
    guard.push("agent-guard".into());
    guard
}

/// Is cancelled by Ctrl-C. The agent is ended before the program is.
pub(super) fn cancel_on_interrupt() -> CancellationToken {
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    // Ends with the process; there is nothing to tidy up in it.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            asked.cancel();
        }
    });
    cancel
}

/// Shows what the agent says and does, to a person who waits. Quiet when nobody looks.
pub(super) struct JobView {
    is_seen: bool,
    in_message: bool,
}

impl JobView {
    pub(super) fn new() -> Self {
        Self { is_seen: std::io::stderr().is_terminal(), in_message: false }
    }

    pub(super) fn show(&mut self, event: &JobEvent) {
        if !self.is_seen {
            return;
        }
        match event {
            JobEvent::Delta(text) => {
                self.in_message = true;
                ui::say_piece(text);
            }
            JobEvent::Step(step) => self.step(step),
        }
    }

    fn step(&mut self, step: &RunEvent) {
        let line = match step {
            RunEvent::CommandStarted { command, .. } => format!("$ {}", headline(command, 100)),
            RunEvent::FilesChanged { changes, .. } => {
                let names: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
                format!("edits {}", names.join(", "))
            }
            RunEvent::Notice { text, .. } => headline(text, 100),
            RunEvent::Output { text, .. } => headline(text, 100),
            _ => return,
        };
        if std::mem::take(&mut self.in_message) {
            ui::say("");
        }
        ui::say(&format!("{DIM}{line}{RESET}"));
    }

    /// Ends a message that is on the screen.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.in_message) {
            ui::say("");
        }
    }
}
