//! A job as a process of its own that reads the prompt and ends.

use std::ffi::OsString;
use std::time::Duration;

use car_agent::{AgentCommand, AgentKind, AgentProcess, AgentSpec, CodexEvents, search_path};
use car_domain::run::{RunEvent, Usage};
use tokio_util::sync::CancellationToken;

use super::{Job, JobAnswer, JobEvent, cancelled, failed};
use crate::{EngineError, ErrorKind, Repo};

/// Bytes kept of one line; Codex puts a whole message into one.
const MAX_LINE: usize = 8 << 20;
/// Bytes kept of what a plain agent prints; its end is what counts.
const MAX_OUTPUT: usize = 8 << 20;

/// What was heard.
#[derive(Default)]
struct Heard {
    printed: String,
    message: Option<String>,
    failure: Option<String>,
    thread_id: Option<String>,
    usage: Usage,
}

/// Runs the agent once. A dropped future ends it and everything it started.
pub(super) async fn run(
    repo: &Repo,
    guard: &[OsString],
    job: &Job,
    command: &AgentCommand,
    cancel: &CancellationToken,
    events: &mut (dyn FnMut(JobEvent) + Send),
) -> Result<JobAnswer, EngineError> {
    let trouble = |error: Box<dyn std::error::Error + Send + Sync>| {
        EngineError::new(ErrorKind::Agent, format!("the agent cannot be started: {error}"))
    };
    let mut agent = AgentProcess::spawn(spec(repo, guard, job, command))
        .await
        .map_err(|error| trouble(Box::new(error)))?;
    let mut reader = CodexEvents::new(None);
    let mut heard = Heard::default();
    loop {
        let line = tokio::select! {
            line = agent.next_line() => line,
            () = cancel.cancelled() => {
                drop(agent.stop_and_wait().await);
                return Err(cancelled(job.name));
            }
        };
        let Some(line) = line else { break };
        let event = match command.kind {
            AgentKind::CodexExec => reader.event(&line),
            AgentKind::Plain => RunEvent::from_plain(line.text, line.cut_bytes),
        };
        heard.note(&event);
        events(JobEvent::Step(event));
    }
    let exit = agent.wait().await.map_err(|error| trouble(Box::new(error)))?;
    if exit.code != Some(0) {
        let words = heard.failure.as_ref().unwrap_or(&heard.printed);
        return Err(failed(job.name, exit.code, words));
    }
    let is_plain = heard.message.is_none();
    Ok(JobAnswer {
        text: heard.message.unwrap_or(heard.printed),
        is_plain,
        thread_id: heard.thread_id,
        usage: heard.usage,
    })
}

impl Heard {
    fn note(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Message { text } => self.message = Some(text.clone()),
            RunEvent::ThreadStarted { thread_id } => self.thread_id = Some(thread_id.clone()),
            RunEvent::UsageReported { run, .. } => self.usage = *run,
            RunEvent::TurnFailed { message } => self.failure = Some(message.clone()),
            RunEvent::Output { text, .. } => {
                self.printed.push_str(text);
                self.printed.push('\n');
                if self.printed.len() > 2 * MAX_OUTPUT {
                    let from = self.printed.ceil_char_boundary(self.printed.len() - MAX_OUTPUT);
                    self.printed.drain(..from);
                }
            }
            _ => {}
        }
    }
}

fn spec(repo: &Repo, guard: &[OsString], job: &Job, command: &AgentCommand) -> AgentSpec {
    let search = search_path(std::env::var_os("PATH").as_deref());
    AgentSpec {
        guard: guard.to_vec(),
        program: command.program.clone(),
        args: command.args.iter().map(OsString::from).collect(),
        cwd: job.cwd.clone(),
        env: std::iter::once(("PATH".into(), search)).chain(repo.env().for_child()).collect(),
        env_remove: repo.env().withheld_from_child(),
        prompt: job.prompt.clone(),
        max_line_bytes: MAX_LINE,
        grace: repo.config().runner.grace().min(Duration::from_secs(5)),
        // A server has other children, among them the runners of its loops.
        is_alone: false,
    }
}
