//! One turn: what is asked of the agent, what it says while it works, and what came of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use car_domain::conversation::{AgentRequest, Answer, TurnOutcome};
use car_domain::run::{RunEvent, Usage};
use serde_json::Value;

use super::queue::Queue;
use super::{ApprovalPolicy, Conversations, SandboxPolicy};
use crate::EngineError;

/// What to ask of the agent. [`TurnRequest::new`] is the careful default: a new thread, read-only, never asks.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    /// The thread to go on with; `None` starts a new one.
    pub thread_id: Option<String>,
    /// Absolute directory the agent works in.
    pub cwd: PathBuf,
    /// The prompt.
    pub prompt: String,
    /// Pictures that go with it.
    pub images: Vec<PathBuf>,
    /// Our own name for this turn, by which [`Conversations::find_turn`] finds it again.
    pub client_id: Option<String>,
    /// When the agent asks a person.
    pub approvals: ApprovalPolicy,
    /// What it may reach.
    pub sandbox: SandboxPolicy,
    /// Model; `None` for what Codex is configured to use.
    pub model: Option<String>,
    /// Reasoning effort; `None` for the model's own.
    pub effort: Option<String>,
    /// JSON schema the final message must follow.
    pub output_schema: Option<Value>,
    /// Whether the agent may ask the person questions of its own. Codex allows that only while it plans.
    pub may_ask_questions: bool,
    /// Interrupt the turn when nothing was heard for so long and nobody is being asked.
    pub stall_after: Option<Duration>,
}

impl TurnRequest {
    /// A turn in a new thread that may read everything and change nothing, and is given up after 10 silent minutes.
    pub fn new(cwd: impl Into<PathBuf>, prompt: impl Into<String>) -> Self {
        Self {
            thread_id: None,
            cwd: cwd.into(),
            prompt: prompt.into(),
            images: Vec::new(),
            client_id: None,
            approvals: ApprovalPolicy::Never,
            sandbox: SandboxPolicy::ReadOnly,
            model: None,
            effort: None,
            output_schema: None,
            may_ask_questions: false,
            stall_after: Some(Duration::from_secs(600)),
        }
    }
}

/// What happens in a turn, in order. The last one is [`TurnEvent::Finished`].
#[derive(Clone, Debug, PartialEq)]
pub enum TurnEvent {
    /// The agent took it up.
    Started,
    /// More of a message, as it is being written.
    MessageDelta {
        /// The message it belongs to.
        item_id: String,
        /// The new part.
        text: String,
    },
    /// More of the agent's thoughts.
    ReasoningDelta {
        /// The thought it belongs to.
        item_id: String,
        /// The new part.
        text: String,
    },
    /// More of a command's output.
    CommandOutput {
        /// The command's step.
        item_id: String,
        /// The new part.
        text: String,
    },
    /// A whole step, the same that a run's journal holds: commands, edits, whole messages, notices.
    Step(RunEvent),
    /// All changes of the turn so far, as a unified diff.
    Diff(String),
    /// Tokens so far.
    Usage {
        /// Of this turn.
        turn: Usage,
        /// Of the whole thread.
        thread: Usage,
    },
    /// The agent asks; the turn waits for [`Conversations::answer`](super::Conversations::answer).
    Requested(AgentRequest),
    /// A request is closed: answered here, at another door, or dropped with its turn.
    Resolved {
        /// CAR's id of the request.
        request_id: String,
        /// Who decided what, as far as it is known.
        answer: Option<Answer>,
    },
    /// Nothing was heard for so long; the turn is being interrupted.
    Stalled(Duration),
    /// The end.
    Finished(TurnOutcome),
}

impl TurnEvent {
    /// The event as a run's journal holds it; `None` for what is only live.
    pub fn step(&self) -> Option<RunEvent> {
        match self {
            Self::Step(step) => Some(step.clone()),
            Self::Requested(request) => {
                Some(RunEvent::ApprovalRequested { request: Box::new(request.clone()) })
            }
            Self::Resolved { request_id, answer } => Some(RunEvent::ApprovalResolved {
                request_id: request_id.clone(),
                answer: answer.clone(),
            }),
            _ => None,
        }
    }
}

/// A turn at work. Dropping it leaves the turn running; [`Turn::interrupt`] ends it.
#[derive(Debug)]
pub struct Turn {
    pub(super) queue: Arc<Queue>,
    pub(super) control: TurnControl,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl Turn {
    /// The conversation, to go on with later.
    pub fn thread_id(&self) -> &str {
        &self.control.thread_id
    }

    /// Codex's id of the turn.
    pub fn turn_id(&self) -> &str {
        &self.control.turn_id
    }

    /// The next event; `None` after [`TurnEvent::Finished`].
    pub async fn next(&mut self) -> Option<TurnEvent> {
        self.queue.pop().await
    }

    /// Waits for the end and drops what happens on the way.
    ///
    /// # Errors
    /// When the agent's server is gone before the turn ended.
    pub async fn finish(mut self) -> Result<TurnOutcome, EngineError> {
        while let Some(event) = self.next().await {
            if let TurnEvent::Finished(outcome) = event {
                return Ok(outcome);
            }
        }
        Err(super::lost())
    }

    /// Something to interrupt and steer the turn with while somebody else reads its events.
    pub fn control(&self) -> TurnControl {
        self.control.clone()
    }

    /// Ends the turn; [`TurnEvent::Finished`] follows. A turn that is over already is no error.
    ///
    /// # Errors
    /// When the agent's server cannot be reached.
    pub async fn interrupt(&self) -> Result<(), EngineError> {
        self.control.interrupt().await
    }

    /// Adds a message to the running turn.
    ///
    /// # Errors
    /// A conflict when the turn is over.
    pub async fn steer(&self, text: &str) -> Result<(), EngineError> {
        self.control.steer(text, None).await
    }
}

/// Interrupts and steers one turn; cheap to clone.
#[derive(Clone, Debug)]
pub struct TurnControl {
    pub(super) conversations: Conversations,
    pub(super) thread_id: String,
    pub(super) turn_id: String,
}

impl TurnControl {
    /// See [`Turn::interrupt`].
    ///
    /// # Errors
    /// When the agent's server cannot be reached.
    pub async fn interrupt(&self) -> Result<(), EngineError> {
        self.conversations.interrupt(&self.thread_id, &self.turn_id).await
    }

    /// See [`Conversations::steer`].
    ///
    /// # Errors
    /// A conflict when the turn is over.
    pub async fn steer(&self, text: &str, client_id: Option<&str>) -> Result<(), EngineError> {
        self.conversations.steer(&self.thread_id, &self.turn_id, text, client_id).await
    }
}
