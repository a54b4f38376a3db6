//! One run: prompt, agent, journal, outcome.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use car_agent::{AgentCommand, AgentKind, AgentProcess, AgentSpec, CodexEvents, Exit, search_path};
use car_domain::run::{JournalEntry, Outcome, RunEnd, RunEvent, RunKind, Usage};
use car_domain::state::{ProcessId, RunnerStatus, ThreadUsage};
use car_domain::todo::TodoList;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::journal::RunJournal;
use super::looping::RunnerNews;
use super::signals::{StopSource, asked};
use super::state_file::change_state;
use crate::history::History;
use crate::{EngineError, ErrorKind, Repo, now, prompt};

/// Bytes kept of one line of JSON; Codex puts a command's whole output into one.
const MAX_JSON_LINE: usize = 8 << 20;
/// Bytes kept of one line of text.
const MAX_TEXT_LINE: usize = 1 << 20;
/// When no limit is set: far enough away to mean never.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a run needs besides its number.
pub(super) struct RunContext<'a> {
    pub repo: &'a Repo,
    /// Command line of the guard.
    pub guard: &'a [OsString],
    /// The process of this runner.
    pub runner: ProcessId,
    /// When the loop's time is over.
    pub wallclock_end: Option<Instant>,
    pub stop: &'a mut watch::Receiver<StopSource>,
    pub news: &'a mut dyn FnMut(RunnerNews<'_>),
}

/// Why we end an agent.
#[derive(Clone, Copy)]
enum Cut {
    Asked(StopSource),
    Idle(Duration),
    RunTime(Duration),
    WallClock,
}

/// What was learned from the agent's words.
#[derive(Default)]
struct Heard {
    thread_id: Option<String>,
    usage: Option<(Usage, Usage)>,
    last_message: Option<String>,
    failure: Option<String>,
    last_line: Option<String>,
}

impl RunContext<'_> {
    /// Runs the agent once. An error means that the run could not be recorded; the agent is gone then, too.
    pub(super) async fn execute(&mut self, run: u64, kind: RunKind) -> Result<RunEnd, EngineError> {
        let started = Instant::now();
        let started_at = now();
        let runner = self.runner;
        let before = change_state(self.repo, |state| {
            state.last_run_id = Some(run);
            state.status = RunnerStatus::Running;
            state.last_exit_code = None;
            state.last_run_started_at = Some(started_at.whole_seconds());
            state.last_run_finished_at = None;
            state.runner_pid = Some(runner.pid);
            state.runner_start_ticks = Some(runner.start_ticks);
            state.agent = None;
            state.paused_until = None;
            state.last_outcome = None;
            state.last_signal = None;
            state.last_reason = None;
        })?;
        let mut journal = RunJournal::create(self.repo, run, started_at)?;
        let docs = self.repo.docs().texts()?;
        let todo = TodoList::parse(&docs.todo);
        let codex = &self.repo.config().codex;
        let search = search_path(std::env::var_os("PATH").as_deref());
        let command = AgentCommand::resolve(
            &codex.binary,
            &codex.args,
            codex.model.as_deref(),
            codex.reasoning.as_deref(),
            &search,
        );
        let prompt = match kind {
            RunKind::Work => {
                let max = self.repo.config().prompt.prev_run_max_chars;
                let previous = History::new(self.repo).final_output(run - 1, max);
                prompt::work(self.repo, &docs, previous.as_deref())?
            }
            RunKind::Report => prompt::report(self.repo, &docs),
        };
        let event = RunEvent::RunStarted {
            run,
            kind,
            agent: command.as_ref().map_or_else(|_| codex.binary.clone(), AgentCommand::name),
            item: match kind {
                RunKind::Work => todo.next_open().map(|item| item.text.clone()),
                RunKind::Report => Some("Final report".to_owned()),
            },
            prompt_chars: prompt.chars().count() as u64,
            commit: car_git::head(self.repo.root()).await,
        };
        self.record(&mut journal, event)?;
        let mut heard = Heard::default();
        let worked = match command {
            Ok(command) => {
                let spec = self.spec(&command, prompt, &search);
                let events = CodexEvents::new(before.last_thread);
                self.attend(&mut journal, spec, command.kind, events, &mut heard).await
            }
            Err(error) => Err(EngineError::new(ErrorKind::Agent, error.to_string())
                .with_hint("set codex.binary, or install the Codex CLI")),
        };
        let end = worked.unwrap_or_else(|error| RunEnd {
            outcome: Outcome::Failed,
            exit_code: None,
            signal: None,
            reason: Some(sentence(&error)),
        });
        self.finish(journal, &todo, end, started, heard)
    }

    fn spec(&self, command: &AgentCommand, prompt: String, search: &OsStr) -> AgentSpec {
        AgentSpec {
            guard: self.guard.to_vec(),
            program: command.program.clone(),
            args: command.args.iter().map(OsString::from).collect(),
            cwd: self.repo.root().to_path_buf(),
            env: vec![("PATH".into(), search.to_os_string())],
            env_remove: Vec::new(),
            prompt,
            max_line_bytes: match command.kind {
                AgentKind::CodexExec => MAX_JSON_LINE,
                AgentKind::Plain => MAX_TEXT_LINE,
            },
            grace: self.repo.config().runner.grace(),
        }
    }

    /// Starts the agent and listens until it and everything it started are gone.
    async fn attend(
        &mut self,
        journal: &mut RunJournal,
        spec: AgentSpec,
        kind: AgentKind,
        mut events: CodexEvents,
        heard: &mut Heard,
    ) -> Result<RunEnd, EngineError> {
        let failed = |error| {
            EngineError::new(ErrorKind::Agent, "the agent cannot be started").with_source(error)
        };
        let mut agent = AgentProcess::spawn(spec).await.map_err(failed)?;
        let process = agent.process();
        change_state(self.repo, |state| state.agent = Some(process))?;
        let runner = self.repo.config().runner.clone();
        let run_end = deadline(runner.max_run());
        let wallclock_end = self.wallclock_end.unwrap_or_else(|| Instant::now() + NEVER);
        let mut cut: Option<Cut> = None;
        let mut idle_end = deadline(runner.idle_timeout());
        loop {
            let now_cut = tokio::select! {
                line = agent.next_line() => {
                    let Some(line) = line else { break };
                    let event = match kind {
                        AgentKind::CodexExec => events.event(&line),
                        AgentKind::Plain => RunEvent::from_plain(line.text, line.cut_bytes),
                    };
                    heard.note(&event);
                    if let Err(error) = self.record(journal, event) {
                        // Nothing may work on unrecorded. The agent is gone before anybody hears of the trouble.
                        drop(agent.stop_and_wait().await);
                        return Err(error);
                    }
                    idle_end = deadline(runner.idle_timeout());
                    continue;
                }
                source = asked(self.stop), if cut.is_none() => Cut::Asked(source),
                () = sleep_until(idle_end), if cut.is_none() => Cut::Idle(runner.idle_timeout().unwrap_or_default()),
                () = sleep_until(run_end), if cut.is_none() => Cut::RunTime(runner.max_run().unwrap_or_default()),
                () = sleep_until(wallclock_end), if cut.is_none() => Cut::WallClock,
            };
            cut = Some(now_cut);
            agent.stop();
        }
        let exit = agent.wait().await.map_err(|error| {
            EngineError::new(ErrorKind::Agent, "cannot learn how the agent ended")
                .with_source(error)
        })?;
        Ok(run_end_of(exit, cut, heard))
    }

    fn finish(
        &mut self,
        mut journal: RunJournal,
        todo_before: &TodoList,
        end: RunEnd,
        started: Instant,
        heard: Heard,
    ) -> Result<RunEnd, EngineError> {
        let recorded = self.record_end(&mut journal, todo_before, &end, started, &heard);
        let closed = journal.close(end.legacy_exit_code());
        // Whatever happened to the journal (a full disk), the state says how the run ended.
        let thread =
            heard.thread_id.zip(heard.usage).map(|(id, (_, usage))| ThreadUsage { id, usage });
        change_state(self.repo, |state| {
            state.status = if end.is_success() { RunnerStatus::Idle } else { RunnerStatus::Error };
            state.last_exit_code = Some(end.legacy_exit_code());
            state.last_run_finished_at = Some(now().whole_seconds());
            state.last_outcome = Some(end.outcome);
            state.last_signal = end.signal;
            state.last_reason.clone_from(&end.reason);
            state.agent = None;
            if thread.is_some() {
                state.last_thread = thread;
            }
        })?;
        recorded.and(closed)?;
        Ok(end)
    }

    fn record_end(
        &mut self,
        journal: &mut RunJournal,
        todo_before: &TodoList,
        end: &RunEnd,
        started: Instant,
        heard: &Heard,
    ) -> Result<(), EngineError> {
        let todo = self.repo.docs().todo()?;
        if todo != *todo_before {
            let ticked = todo.ticked_since(todo_before);
            let event = RunEvent::TodoChanged { done: todo.n_done(), open: todo.n_open(), ticked };
            self.record(journal, event)?;
        }
        if let Some((usage, _)) = heard.usage {
            let output = heard.last_message.as_deref().unwrap_or_default();
            journal.log_final_output(now(), usage.total(), output);
        }
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record(journal, RunEvent::RunFinished { end: end.clone(), duration_ms })
    }

    fn record(&mut self, journal: &mut RunJournal, event: RunEvent) -> Result<(), EngineError> {
        let entry: JournalEntry = journal.append(now(), event)?;
        (self.news)(RunnerNews::Entry(&entry));
        Ok(())
    }
}

impl Heard {
    fn note(&mut self, event: &RunEvent) {
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

fn deadline(limit: Option<Duration>) -> Instant {
    Instant::now() + limit.unwrap_or(NEVER)
}

fn run_end_of(exit: Exit, cut: Option<Cut>, heard: &Heard) -> RunEnd {
    let (outcome, reason) = match cut {
        Some(Cut::Asked(StopSource::Kill)) => {
            (Outcome::Stopped, Some("Killed on request.".to_owned()))
        }
        Some(Cut::Asked(StopSource::Signal(number))) => {
            (Outcome::Stopped, Some(format!("The runner was told to end by signal {number}.")))
        }
        Some(Cut::Asked(_)) => (Outcome::Stopped, Some("Stopped on request.".to_owned())),
        Some(Cut::Idle(limit)) => {
            let text = format!("No output for {}; the run was ended.", spoken(limit));
            (Outcome::TimedOut, Some(text))
        }
        Some(Cut::RunTime(limit)) => {
            (Outcome::TimedOut, Some(format!("The run took longer than {}.", spoken(limit))))
        }
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

fn sentence(error: &EngineError) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

fn spoken(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 5400 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
