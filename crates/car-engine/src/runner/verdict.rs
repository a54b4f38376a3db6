//! What a run's end means: from exit status, our own cuts and the agent's words to an outcome and a sentence.

use std::time::Duration;

use car_agent::Exit;
use car_domain::format::setting_seconds;
use car_domain::run::{Outcome, RunEnd, RunEvent, Usage};

use super::signals::StopSource;
use crate::EngineError;

/// Why we end an agent.
#[derive(Clone, Copy)]
pub(super) enum Cut {
    Asked(StopSource),
    Idle(Duration),
    RunTime(Duration),
    WallClock,
}

/// What was learned from the agent's words.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) thread_id: Option<String>,
    pub(super) usage: Option<(Usage, Usage)>,
    pub(super) last_message: Option<String>,
    pub(super) failure: Option<String>,
    pub(super) last_line: Option<String>,
}

impl Heard {
    pub(super) fn note(&mut self, event: &RunEvent) {
        match event {
            RunEvent::ThreadStarted { thread_id } => self.thread_id = Some(thread_id.clone()),
            RunEvent::UsageReported { run, thread } => self.usage = Some((*run, *thread)),
            RunEvent::Message { text } => self.last_message = Some(text.clone()),
            RunEvent::TurnFailed { message } => self.failure = Some(message.clone()),
            RunEvent::Output { text, .. } => self.last_line = Some(text.clone()),
            _ => {}
        }
    }
}

/// The end of a run whose agent is gone.
pub(super) fn run_end_of(exit: Exit, cut: Option<Cut>, heard: &Heard) -> RunEnd {
    let (outcome, reason) = match cut {
        Some(Cut::Asked(StopSource::Kill)) => {
            (Outcome::Stopped, Some("Killed on request.".to_owned()))
        }
        Some(Cut::Asked(StopSource::Signal(number))) => {
            (Outcome::Stopped, Some(format!("The runner was told to end by signal {number}.")))
        }
        Some(Cut::Asked(_)) => (Outcome::Stopped, Some("Stopped on request.".to_owned())),
        Some(Cut::Idle(limit)) => {
            let text =
                format!("No output for {}; the run was ended.", setting_seconds(limit.as_secs()));
            (Outcome::TimedOut, Some(text))
        }
        Some(Cut::RunTime(limit)) => (
            Outcome::TimedOut,
            Some(format!("The run took longer than {}.", setting_seconds(limit.as_secs()))),
        ),
        Some(Cut::WallClock) => {
            (Outcome::Stopped, Some("The time for the whole loop was over.".to_owned()))
        }
        None if exit.code == Some(0) => (Outcome::Succeeded, None),
        None => (Outcome::Failed, Some(failure(exit, heard))),
    };
    RunEnd { outcome, exit_code: exit.code, signal: exit.signal, reason }
}

fn failure(exit: Exit, heard: &Heard) -> String {
    let what = match (exit.code, exit.signal) {
        (Some(code), _) if code == i32::from(car_agent::guard::NOT_STARTED) => {
            "The agent could not be started".to_owned()
        }
        (Some(code), _) => format!("The agent ended with exit code {code}"),
        (None, Some(signal)) => format!("The agent was ended by signal {signal}"),
        (None, None) => "The agent ended in an unknown way".to_owned(),
    };
    match heard.failure.as_ref().or(heard.last_line.as_ref()) {
        Some(words) => format!("{what}: {}", car_domain::text::headline(words, 300)),
        None => format!("{what}."),
    }
}

/// An error with its hint, in one line.
pub(super) fn sentence(error: &EngineError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}
