//! Asking the agent once: for documents, snapshots and other jobs that are no runs of the loop.
//!
//! With Codex it is a turn of a conversation, whose thread can be gone on with. With any other agent, or where the Codex server
//! cannot be reached, it is a process that reads the prompt and ends. Either way the agent gets the sandbox of the job and not the
//! rights the loop gives it, its words arrive while it works, and it is gone when the job is cancelled.

mod command;
mod process;
mod turn;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use car_domain::run::{RunEvent, Usage};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::conversation::SandboxPolicy;
use crate::{EngineError, ErrorKind, Repo};

/// A job for the agent.
#[derive(Clone, Debug)]
pub struct Job {
    /// What it is called in errors, such as `ingest`.
    pub name: &'static str,
    /// What to do.
    pub prompt: String,
    /// Absolute directory to work in.
    pub cwd: PathBuf,
    /// What it may reach.
    pub sandbox: SandboxPolicy,
    /// A conversation to go on with, where there is one.
    pub thread_id: Option<String>,
    /// Model; `None` for the agent's own.
    pub model: Option<String>,
    /// JSON schema of the answer, for agents that know such a thing.
    pub output_schema: Option<Value>,
    /// Longest time it may take.
    pub timeout: Duration,
}

impl Job {
    /// A job called `name` that may read everything and change nothing, for at most ten minutes.
    pub fn new(name: &'static str, cwd: impl Into<PathBuf>, prompt: impl Into<String>) -> Self {
        Self {
            name,
            prompt: prompt.into(),
            cwd: cwd.into(),
            sandbox: SandboxPolicy::ReadOnly,
            thread_id: None,
            model: None,
            output_schema: None,
            timeout: Duration::from_secs(600),
        }
    }
}

/// What an agent says while it works.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// More of a message, as it is being written.
    Delta(String),
    /// A whole step.
    Step(RunEvent),
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobAnswer {
    /// The final message of an agent that has one, else everything it printed.
    pub text: String,
    /// Whether the text is all the agent printed.
    pub is_plain: bool,
    /// The conversation, to go on with.
    pub thread_id: Option<String>,
    /// Tokens it took, as far as the agent says.
    pub usage: Usage,
}

/// Gives `job` to the agent of `repo`. `guard` is the command line of the agent's guard, e.g. `[car, agent-guard]`.
///
/// # Errors
/// When the agent does not exist, fails, takes too long, or the job is cancelled.
pub async fn ask(
    repo: &Repo,
    guard: &[OsString],
    job: &Job,
    cancel: &CancellationToken,
    events: &mut (dyn FnMut(JobEvent) + Send),
) -> Result<JobAnswer, EngineError> {
    let command = command::resolve(repo, job)?;
    let work = async {
        if command::is_codex(&command)
            && let Some(turn) = turn::begin(repo, job).await?
        {
            return turn::attend(turn, cancel, events).await;
        }
        process::run(repo, guard, job, &command, cancel, events).await
    };
    match tokio::time::timeout(job.timeout, work).await {
        Ok(answer) => answer,
        Err(_) => Err(EngineError::new(
            ErrorKind::Timeout,
            format!("the agent did not finish the {} within {} s", job.name, job.timeout.as_secs()),
        )
        .with_hint("nothing was changed; try again, or ask for less at once")),
    }
}

fn cancelled(job: &str) -> EngineError {
    EngineError::new(ErrorKind::Conflict, format!("the {job} was cancelled"))
        .with_hint("nothing was changed")
}

fn failed(job: &str, code: Option<i32>, words: &str) -> EngineError {
    let code = code.map_or_else(|| "by a signal".to_owned(), |code| format!("code {code}"));
    let words = car_domain::text::tail_chars(words.trim(), 400);
    EngineError::new(ErrorKind::Agent, format!("Codex {job} failed ({code}). {words}").trim_end())
        .with_hint("see what the agent says when you start it yourself; `car doctor` checks it")
}
