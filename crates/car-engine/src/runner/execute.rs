//! One run: prompt, agent, journal, outcome.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use car_agent::{AgentCommand, AgentKind, AgentProcess, AgentSpec, CodexEvents, search_path};
use car_domain::Timestamp;
use car_domain::format::count;
use car_domain::run::{JournalEntry, NoticeLevel, Outcome, RunEnd, RunEvent, RunKind};
use car_domain::state::{ProcessId, RunnerStatus, ThreadUsage};
use car_domain::todo::TodoList;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::journal::RunJournal;
use super::looping::RunnerNews;
use super::signals::{StopSource, asked};
use super::state_file::change_state;
use super::verdict::{Cut, Heard, run_end_of, sentence};
use crate::config::RunnerDriver;
use crate::docs::DocTexts;
use crate::history::History;
use crate::review::SentReview;
use crate::{EngineError, ErrorKind, Repo, now, prompt};

/// Bytes kept of one line of JSON; Codex puts a command's whole output into one.
const MAX_JSON_LINE: usize = 8 << 20;
/// Bytes kept of one line of text.
const MAX_TEXT_LINE: usize = 1 << 20;
/// When no limit is set: far enough away to mean never.
pub(super) const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

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

impl RunContext<'_> {
    /// Runs the agent once. An error means that the run could not be recorded; the agent is gone then, too.
    pub(super) async fn execute(&mut self, run: u64, kind: RunKind) -> Result<RunEnd, EngineError> {
        let docs = self.repo.docs().texts()?;
        let todo = TodoList::parse(&docs.todo);
        let (started, started_at) = (Instant::now(), now());
        let last_thread = self.begin(run, started_at)?;
        let mut journal = RunJournal::create(self.repo, run, started_at)?;
        let search = search_path(std::env::var_os("PATH").as_deref());
        let review = match kind {
            RunKind::Work => self.repo.review().sent(),
            RunKind::Report => Ok(SentReview::default()),
        };
        let (review, unread) = match review {
            Ok(review) => (review, None),
            // The loop goes on without it; the comments stay where they are.
            Err(error) => (SentReview::default(), Some(error)),
        };
        let ready = self.prepare(run, kind, &docs, &search, &review.block);
        let binary = &self.repo.config().codex.binary;
        let event = RunEvent::RunStarted {
            run,
            kind,
            agent: ready.as_ref().map_or_else(|_| binary.clone(), |(command, _)| command.name()),
            item: match kind {
                RunKind::Work => todo.next_open().map(|item| item.text.clone()),
                RunKind::Report => Some("Final report".to_owned()),
            },
            prompt_chars: ready.as_ref().map_or(0, |(_, prompt)| prompt.chars().count() as u64),
            commit: car_git::head(self.repo.root()).await,
        };
        self.record(&mut journal, event)?;
        self.tell_of_review(&mut journal, &review, unread.as_ref())?;
        self.keep_documents(&mut journal, "outside")?;
        let before = self.checkpoint_before(&mut journal, run).await?;
        let mut heard = Heard::default();
        let worked = match ready {
            Ok((_, prompt)) if self.repo.config().runner.driver == RunnerDriver::AppServer => {
                self.converse(&mut journal, prompt, &mut heard).await
            }
            Ok((command, prompt)) => {
                let spec = self.spec(&command, prompt, &search);
                let events = CodexEvents::new(last_thread);
                self.attend(&mut journal, spec, command.kind, events, &mut heard).await
            }
            Err(error) => Err(error),
        };
        let end = worked.unwrap_or_else(|error| {
            let reason = sentence(&error);
            journal.log_failure(now(), &reason);
            let reason = Some(reason);
            RunEnd { outcome: Outcome::Failed, exit_code: None, signal: None, reason }
        });
        let took = started.elapsed();
        if let Err(error) = self.checkpoint_after(&mut journal, run, before, &end).await {
            // The journal cannot be written; `finish` says so, once the state says how the run ended.
            tracing::error!(%error, "what the run changed is not recorded");
        }
        let end = self.finish(journal, &todo, end, took, heard)?;
        // Only now: a run that is not recorded as done has not dealt with anything.
        if end.is_success()
            && !review.ids.is_empty()
            && let Err(error) = self.repo.review().forget(&review.ids)
        {
            tracing::warn!(%error, "the next run gets the owner's review again");
        }
        Ok(end)
    }

    fn tell_of_review(
        &mut self,
        journal: &mut RunJournal,
        review: &SentReview,
        unread: Option<&EngineError>,
    ) -> Result<(), EngineError> {
        let (level, text) = match (unread, review.ids.len()) {
            (Some(error), _) => {
                (NoticeLevel::Warning, format!("Without the owner's review: {}", sentence(error)))
            }
            (None, 0) => return Ok(()),
            (None, n) => {
                let comments = count(n as u64, "comment", "comments");
                (NoticeLevel::Info, format!("With the owner's review, {comments}."))
            }
        };
        self.record(journal, RunEvent::Notice { level, text })
    }

    /// Adds the documents to their history. A history that cannot be written is told and does not keep a run from working.
    fn keep_documents(
        &mut self,
        journal: &mut RunJournal,
        author: &str,
    ) -> Result<(), EngineError> {
        let Err(error) = self.repo.docs().observe(author) else { return Ok(()) };
        let text = format!("The history of the documents has a gap here: {}", sentence(&error));
        self.record(journal, RunEvent::Notice { level: NoticeLevel::Warning, text })
    }

    /// Says in the state that the run is open. Returns the thread of the run before.
    fn begin(&self, run: u64, at: Timestamp) -> Result<Option<ThreadUsage>, EngineError> {
        let runner = self.runner;
        let state = change_state(self.repo, |state| {
            state.last_run_id = Some(run);
            state.status = RunnerStatus::Running;
            state.last_exit_code = None;
            state.last_run_started_at = Some(at.whole_seconds());
            state.last_run_finished_at = None;
            state.runner_pid = Some(runner.pid);
            state.runner_start_ticks = Some(runner.start_ticks);
            state.agent = None;
            state.turn = None;
            state.paused_until = None;
            state.last_outcome = None;
            state.last_signal = None;
            state.last_reason = None;
        })?;
        Ok(state.last_thread)
    }

    /// The command line and the prompt.
    fn prepare(
        &self,
        run: u64,
        kind: RunKind,
        docs: &DocTexts,
        search: &OsStr,
        review: &str,
    ) -> Result<(AgentCommand, String), EngineError> {
        let config = self.repo.config();
        let codex = &config.codex;
        let (model, reasoning) = (codex.model.as_deref(), codex.reasoning.as_deref());
        let command = AgentCommand::resolve(&codex.binary, &codex.args, model, reasoning, search)
            .map_err(|error| {
            EngineError::new(ErrorKind::Agent, error.to_string())
                .with_hint("set codex.binary, or install the Codex CLI")
        })?;
        let prompt = match kind {
            RunKind::Work => {
                let max = config.prompt.prev_run_max_chars;
                let previous = History::new(self.repo).final_output(run - 1, max);
                prompt::work(self.repo, docs, previous.as_deref(), review)?
            }
            RunKind::Report => prompt::report(self.repo, docs),
        };
        Ok((command, prompt))
    }

    fn spec(&self, command: &AgentCommand, prompt: String, search: &OsStr) -> AgentSpec {
        AgentSpec {
            guard: self.guard.to_vec(),
            program: command.program.clone(),
            args: command.args.iter().map(OsString::from).collect(),
            cwd: self.repo.root().to_path_buf(),
            env: [("PATH".into(), search.to_os_string())]
                .into_iter()
                .chain(self.repo.env().for_child())
                .collect(),
            env_remove: self.repo.env().withheld_from_child(),
            prompt,
            max_line_bytes: match command.kind {
                AgentKind::CodexExec => MAX_JSON_LINE,
                AgentKind::Plain => MAX_TEXT_LINE,
            },
            grace: self.repo.config().runner.grace(),
            is_alone: true,
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
        took: Duration,
        heard: Heard,
    ) -> Result<RunEnd, EngineError> {
        let recorded = self.record_end(&mut journal, todo_before, &end, took, &heard);
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
            state.turn = None;
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
        took: Duration,
        heard: &Heard,
    ) -> Result<(), EngineError> {
        self.keep_documents(journal, &format!("run {}", journal.run()))?;
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
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.record(journal, RunEvent::RunFinished { end: end.clone(), duration_ms })
    }

    pub(super) fn record(
        &mut self,
        journal: &mut RunJournal,
        event: RunEvent,
    ) -> Result<(), EngineError> {
        let entry: JournalEntry = journal.append(now(), event)?;
        (self.news)(RunnerNews::Entry(&entry));
        Ok(())
    }
}

pub(super) fn deadline(limit: Option<Duration>) -> Instant {
    Instant::now() + limit.unwrap_or(NEVER)
}
