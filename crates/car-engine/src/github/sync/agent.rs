//! The agent of a sync: formats, checks and repairs before anything is published.
//!
//! It gets the small model and may write in the workspace only, unless somebody has configured the agent's arguments. It
//! does not commit and does not push; that is done for it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::time::Duration;

use car_agent::{AgentCommand, AgentKind, AgentProcess, AgentSpec, CodexEvents, search_path};
use car_domain::github::{SyncProgress, SyncStep};
use car_domain::run::RunEvent;
use car_domain::text::{headline, tail_chars};
use tokio::time::Instant;

use super::steps::{SyncContext, cancelled};
use crate::config::CodexConfig;
use crate::github::link::LinkState;
use crate::github::untrusted;
use crate::prompt::substitute;
use crate::{EngineError, ErrorKind, Redactor, Repo};

const PROMPT: &str = include_str!("prompt.txt");
/// Bytes kept of one line; Codex puts a command's whole output into one.
const MAX_LINE: usize = 8 << 20;
/// Last lines shown of an agent that failed, and their characters.
const TAIL_LINES: usize = 60;
const TAIL_CHARS: usize = 6000;

/// The agent's model.
pub(super) fn model(repo: &Repo) -> Option<String> {
    repo.config().codex.small_model().map(str::to_owned)
}

/// Runs the agent to its end.
///
/// # Errors
/// When there is none, it fails, takes too long, or the sync is cancelled; it is gone then with everything it started.
pub(super) async fn run(
    repo: &Repo,
    branch: &str,
    link: &LinkState,
    context: &mut SyncContext<'_>,
) -> Result<(), EngineError> {
    let search = search_path(std::env::var_os("PATH").as_deref());
    let codex = &repo.config().codex;
    let args = arguments(codex);
    let model = codex.small_model();
    let command =
        AgentCommand::resolve(&codex.binary, &args, model, codex.reasoning.as_deref(), &search)
            .map_err(|_| {
                EngineError::new(ErrorKind::Agent, format!("Missing binary: {}", codex.binary))
                    .with_hint("set codex.binary, or install the Codex CLI")
            })?;
    let spec = AgentSpec {
        guard: context.guard.to_vec(),
        program: command.program.clone(),
        args: command.args.iter().map(OsString::from).collect(),
        cwd: repo.root().to_path_buf(),
        env: [("PATH".into(), search.clone())].into_iter().chain(repo.env().for_child()).collect(),
        env_remove: repo.env().withheld_from_child(),
        prompt: prompt(repo, branch, link),
        max_line_bytes: MAX_LINE,
        grace: repo.config().runner.grace(),
        is_alone: false,
    };
    let failed = |error| {
        EngineError::new(ErrorKind::Agent, "the agent cannot be started").with_source(error)
    };
    let agent = AgentProcess::spawn(spec).await.map_err(failed)?;
    attend(repo, agent, &command, context).await
}

async fn attend(
    repo: &Repo,
    mut agent: AgentProcess,
    command: &AgentCommand,
    context: &mut SyncContext<'_>,
) -> Result<(), EngineError> {
    let limit = Duration::from_secs(repo.config().github.sync_agent_timeout_seconds);
    let end = Instant::now() + limit;
    let mut events = CodexEvents::new(None);
    let mut heard = Heard::new(Redactor::of(repo.env()));
    loop {
        tokio::select! {
            line = agent.next_line() => {
                let Some(line) = line else { break };
                let event = match command.kind {
                    AgentKind::CodexExec => events.event(&line),
                    AgentKind::Plain => RunEvent::from_plain(line.text, line.cut_bytes),
                };
                if let Some(detail) = heard.note(&event) {
                    (context.progress)(SyncProgress { step: SyncStep::Agent, detail: Some(detail) });
                }
            }
            () = context.cancel.cancelled() => {
                drop(agent.stop_and_wait().await);
                return Err(cancelled());
            }
            () = tokio::time::sleep_until(end) => {
                drop(agent.stop_and_wait().await);
                let text = format!("Codex sync agent timed out after {}s: {}", limit.as_secs(), shown(command));
                return Err(EngineError::new(ErrorKind::Timeout, text)
                    .with_hint("github.sync_agent_timeout_seconds sets the time it has"));
            }
        }
    }
    let exit = agent.wait().await.map_err(|error| {
        EngineError::new(ErrorKind::Agent, "cannot learn how the agent ended").with_source(error)
    })?;
    if exit.code == Some(0) && !heard.turn_failed {
        return Ok(());
    }
    let how = match (exit.code, exit.signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("ended by signal {}", signal.unwrap_or_default()),
    };
    let tail = heard.tail();
    let detail = if tail.is_empty() { how } else { tail };
    let text = format!("Codex sync agent failed.\ncmd: {}\ndetail:\n{detail}", shown(command));
    Err(EngineError::new(ErrorKind::Agent, text).with_hint("nothing was committed or pushed"))
}

/// The last words of the agent.
struct Heard {
    redactor: Redactor,
    lines: VecDeque<String>,
    turn_failed: bool,
}

impl Heard {
    fn new(redactor: Redactor) -> Self {
        Self { redactor, lines: VecDeque::new(), turn_failed: false }
    }

    /// Remembers an event and returns what is worth showing of it.
    fn note(&mut self, event: &RunEvent) -> Option<String> {
        self.turn_failed |= matches!(event, RunEvent::TurnFailed { .. });
        let said = event.text();
        // Before anything is cut, so that no half of a secret stays.
        let said = self.redactor.redact(&said);
        let lines = said.lines().map(str::trim_end).filter(|line| !line.is_empty());
        for line in lines {
            if self.lines.len() == TAIL_LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(tail_chars(line, TAIL_CHARS).to_owned());
        }
        let detail = untrusted::line(&headline(&said, 120));
        Some(detail).filter(|detail| !detail.is_empty())
    }

    fn tail(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        untrusted::text(tail_chars(&lines.join("\n"), TAIL_CHARS), TAIL_CHARS)
    }
}

/// The configured arguments without a model. The built-in ones give the agent the whole machine, which nobody chose for
/// this job; it gets the workspace.
fn arguments(codex: &CodexConfig) -> Vec<String> {
    if codex.args == CodexConfig::default().args {
        return ["exec", "--sandbox", "workspace-write"].map(str::to_owned).to_vec();
    }
    let mut args = Vec::new();
    let mut is_model = false;
    for arg in &codex.args {
        if std::mem::take(&mut is_model) {
            continue;
        }
        match arg.as_str() {
            "--model" | "-m" => is_model = true,
            arg if arg.starts_with("--model=") => {}
            arg => args.push(arg.to_owned()),
        }
    }
    args
}

fn prompt(repo: &Repo, branch: &str, link: &LinkState) -> String {
    let issue = match link.issue_number() {
        Some(number) => format!("issue #{number}"),
        None => "no issue is linked".to_owned(),
    };
    substitute(PROMPT, |name| match name {
        "ROOT" => Some(repo.root().display().to_string()),
        "BRANCH" => Some(branch.to_owned()),
        "ISSUE" => Some(issue.clone()),
        _ => None,
    })
}

/// The command line for people, without words that speak of secrets.
fn shown(command: &AgentCommand) -> String {
    let is_secret = |arg: &str| {
        let arg = arg.to_ascii_lowercase();
        ["token", "apikey", "api_key", "password", "secret"].iter().any(|word| arg.contains(word))
    };
    let program = command.program.to_string_lossy();
    let args = std::iter::once(program.as_ref()).chain(command.args.iter().map(String::as_str));
    let args = args.map(|arg| if is_secret(arg) { "<redacted>" } else { arg });
    args.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_built_in_arguments_give_the_workspace_and_others_are_kept_without_a_model() {
        let mut codex = CodexConfig::default();
        assert_eq!(arguments(&codex), words("exec --sandbox workspace-write"));
        codex.args = words("--yolo --model a exec -m b --model=c");
        assert_eq!(arguments(&codex), words("--yolo exec"));
    }

    #[test]
    fn words_that_speak_of_secrets_are_not_shown() {
        let command = AgentCommand {
            program: "/bin/codex".into(),
            args: words("exec --api_key=1 X-Token:2 fine"),
            kind: AgentKind::Plain,
        };
        assert_eq!(shown(&command), "/bin/codex exec <redacted> <redacted> fine");
    }

    #[test]
    fn only_the_last_lines_of_an_agent_are_kept() {
        let mut heard = Heard::new(Redactor::default().with("hunter22"));
        for n in 0..100 {
            heard.note(&RunEvent::from_plain(format!("line {n}"), 0));
        }
        let tail = heard.tail();
        assert_eq!((tail.lines().count(), tail.lines().next()), (60, Some("line 40")));
        heard.note(&RunEvent::from_plain("my hunter22".to_owned(), 0));
        assert!(heard.tail().ends_with("\nmy [REDACTED]"));
        heard.note(&RunEvent::from_plain("x".repeat(10_000), 0));
        assert_eq!(heard.tail().chars().count(), TAIL_CHARS);
    }
}
