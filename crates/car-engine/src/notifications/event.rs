//! What can be told, and in which words.

use std::path::Path;

use car_domain::run::{LoopEnd, Outcome, RunEnd, RunKind};
use car_domain::text::headline;

use crate::runner::{LoopReport, StopSource};
use crate::{EngineError, Repo};

/// Characters of a reason that a message repeats.
const REASON_CHARS: usize = 300;

/// What happened. The names are those of `notifications.events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Every item is done and the final report is written.
    RunFinished,
    /// A run failed, and with it the loop.
    RunError,
    /// The loop was stopped, or found no tasks.
    LoopStopped,
    /// The loop's number of runs or its time is over.
    LimitReached,
    /// Several runs in a row changed nothing.
    NoProgress,
    /// The loop could not go on.
    LoopCrashed,
    /// A runner was found dead.
    RunInterrupted,
    /// An agent waits for an answer.
    NeedsApproval,
    /// A terminal is silent.
    TuiIdle,
    /// A terminal's program ended.
    TuiSessionFinished,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 10] = [
        Self::RunFinished,
        Self::RunError,
        Self::LoopStopped,
        Self::LimitReached,
        Self::NoProgress,
        Self::LoopCrashed,
        Self::RunInterrupted,
        Self::NeedsApproval,
        Self::TuiIdle,
        Self::TuiSessionFinished,
    ];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunFinished => "run_finished",
            Self::RunError => "run_error",
            Self::LoopStopped => "loop_stopped",
            Self::LimitReached => "limit_reached",
            Self::NoProgress => "no_progress",
            Self::LoopCrashed => "loop_crashed",
            Self::RunInterrupted => "run_interrupted",
            Self::NeedsApproval => "needs_approval",
            Self::TuiIdle => "tui_idle",
            Self::TuiSessionFinished => "tui_session_finished",
        }
    }

    /// The event called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub event: Event,
    /// The words.
    pub text: String,
    /// What makes it the same notice when it is told twice, e.g. `run3`; without it every notice is a new one.
    pub key: Option<String>,
}

impl Notice {
    fn new(event: Event, text: String) -> Self {
        Self { event, text, key: None }
    }

    fn about_run(mut self, run: u64) -> Self {
        self.key = Some(format!("run{run}"));
        self
    }

    /// How a loop ended; `None` when nothing was done and nothing is to say.
    pub(crate) fn loop_ended(
        repo: &Repo,
        result: &Result<LoopReport, EngineError>,
        last_kind: Option<RunKind>,
    ) -> Option<Self> {
        let name = repo.name();
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                let why = headline(&error.to_string(), REASON_CHARS);
                let text = format!("CAR loop crashed in {name}: {why}");
                return Some(Self::new(Event::LoopCrashed, text));
            }
        };
        let runs = match report.n_runs {
            1 => "1 run".to_owned(),
            n => format!("{n} runs"),
        };
        let said = |event, why: &str| Some(Self::new(event, format!("CAR loop {why} in {name}")));
        match report.end {
            LoopEnd::AllDone => {
                let (run, end) = report.last.as_ref()?;
                (last_kind == Some(RunKind::Report)).then(|| Self::run_ended(repo, *run, end))
            }
            LoopEnd::RunEnded(_) => {
                let (run, end) = report.last.as_ref()?;
                Some(Self::run_ended(repo, *run, end))
            }
            LoopEnd::NoTasks => {
                said(Event::LoopStopped, &format!("ended (no tasks in TODO, {runs})"))
            }
            LoopEnd::Stopped => {
                let why = match report.stopped_by {
                    StopSource::Kill => "killed",
                    StopSource::Signal(_) => "stopped by a signal",
                    StopSource::None | StopSource::Now => "stopped on request",
                };
                said(Event::LoopStopped, &format!("{why} ({runs})"))
            }
            LoopEnd::WallClock => said(Event::LimitReached, &format!("ended (time limit, {runs})")),
            LoopEnd::LimitReached => {
                said(Event::LimitReached, &format!("ended (run limit, {runs})"))
            }
            LoopEnd::NoProgress => said(Event::NoProgress, &format!("ended (no progress, {runs})")),
        }
    }

    /// A run that ended the loop.
    pub(crate) fn run_ended(repo: &Repo, run: u64, end: &RunEnd) -> Self {
        let (name, code) = (repo.name(), end.legacy_exit_code());
        let notice = if end.outcome == Outcome::Succeeded {
            let text = format!("CAR run {run} complete (summary finalized, exit {code}) in {name}");
            Self::new(Event::RunFinished, text)
        } else {
            Self::new(Event::RunError, format!("CAR run {run} failed (exit {code}) in {name}"))
        };
        notice.about_run(run)
    }

    /// A runner that was gone during run `run`, or after it.
    pub(crate) fn interrupted(repo: &Repo, run: u64, during: bool) -> Self {
        let (name, when) = (repo.name(), if during { "during" } else { "after" });
        let text = format!("CAR loop interrupted {when} run {run} (the runner was gone) in {name}");
        Self::new(Event::RunInterrupted, text).about_run(run)
    }

    /// An agent of `repo` waits for an answer to `question`, whose id is `id`.
    pub fn needs_approval(repo: &Repo, id: &str, question: &str) -> Self {
        let what = headline(question, REASON_CHARS);
        let text = format!("CAR needs your answer in {}: {what}", repo.name());
        let key = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
        Self { key: Some(key), ..Self::new(Event::NeedsApproval, text) }
    }

    /// A terminal that has been silent for `seconds`.
    pub fn tui_idle(session: Option<&str>, seconds: u64, path: &Path) -> Self {
        let text = format!(
            "CAR TUI idle ({}, idle {seconds}s) in {}",
            session_words(session),
            path.display()
        );
        Self::new(Event::TuiIdle, text)
    }

    /// A terminal whose program ended with `exit_code`.
    pub fn tui_session_finished(
        session: Option<&str>,
        exit_code: Option<i32>,
        path: &Path,
    ) -> Self {
        let code =
            exit_code.map_or_else(|| "exit unknown".to_owned(), |code| format!("exit {code}"));
        let session = session_words(session);
        let text = format!("CAR TUI session ended ({session}, {code}) in {}", path.display());
        Self::new(Event::TuiSessionFinished, text)
    }

    /// What `car notify test` sends.
    pub fn test(repo: &Repo, event: Event) -> Self {
        let text = format!("CAR test notification ({}) in {}", event.name(), repo.name());
        Self::new(event, text)
    }
}

fn session_words(session: Option<&str>) -> String {
    session.map_or_else(|| "session".to_owned(), |id| format!("session {id}"))
}
