//! How a test says what the model answers.

use super::request::Request;
use super::usage::Usage;

/// Decides the answer to each turn.
///
/// Implemented by closures `FnMut(&Request) -> Turn`, by `Vec<Turn>` (one for each turn, in the
/// order in which turns begin) and by [`TodoScript`](super::TodoScript).
pub trait Script: Send + 'static {
    /// Returns what the model does in the turn that `request` begins, or with the text that it adds to a running one.
    ///
    /// # Errors
    ///
    /// Says why the script cannot answer; the server reports that as a violation.
    fn turn(&mut self, request: &Request) -> Result<Turn, String>;
}

impl<F: FnMut(&Request) -> Turn + Send + 'static> Script for F {
    fn turn(&mut self, request: &Request) -> Result<Turn, String> {
        Ok(self(request))
    }
}

impl Script for Vec<Turn> {
    fn turn(&mut self, request: &Request) -> Result<Turn, String> {
        if self.is_empty() {
            return Err(format!("the script has no turn left for {:?}", request.user_text));
        }
        Ok(self.remove(0))
    }
}

/// What the model does between one user text and the end of its answer.
///
/// The steps are spread over as many HTTP answers as Codex needs: an answer ends after a
/// tool call ([`Reply::Shell`], [`Reply::Escalated`], [`Reply::Question`]) or a [`Reply::Drop`], before a [`Reply::Fail`] or a [`Reply::RateLimited`], and
/// with the last step. A request for which no step is left is a violation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One reply, and what its answer costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the model does.
    pub reply: Reply,
    /// The usage of the answer that holds this step; of two in one answer the later counts. Without
    /// any it is [`Usage::of_answer`].
    pub usage: Option<Usage>,
}

/// One thing a model, or the server in front of it, can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Says something.
    Message(String),
    /// Says something in two parts and waits for [`FakeModel::release`](super::FakeModel::release) between them.
    HalfMessage {
        /// What is said before.
        before: String,
        /// What is said after.
        after: String,
    },
    /// Asks Codex to run a shell command.
    Shell(String),
    /// Asks Codex to run a shell command outside the sandbox.
    Escalated {
        /// The command.
        command: String,
        /// Why the sandbox is not enough.
        reason: String,
    },
    /// Asks the person a question with two answers to choose from; its id is `q1`.
    Question(String),
    /// Thinks aloud.
    Reasoning(String),
    /// Refuses this request and every further one of the turn.
    Fail {
        /// The HTTP status.
        status: u16,
        /// The body, sent as JSON.
        body: String,
    },
    /// Refuses with 429 a few times, then goes on.
    RateLimited {
        /// How many requests are refused.
        times: u32,
        /// The seconds in the `Retry-After` header.
        retry_after: u32,
    },
    /// Cuts the connection before the answer is complete; the next request gets the next step.
    Drop,
    /// Says nothing more until [`FakeModel::release`](super::FakeModel::release), then goes on with
    /// the same answer.
    Hang,
}

impl Turn {
    /// Makes a turn without steps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says something.
    #[must_use]
    pub fn message(self, text: impl Into<String>) -> Self {
        self.then(Reply::Message(text.into()))
    }

    /// Asks Codex to run a shell command.
    #[must_use]
    pub fn shell(self, command: impl Into<String>) -> Self {
        self.then(Reply::Shell(command.into()))
    }

    /// Says `before`, waits for the release, says `after`: one message.
    #[must_use]
    pub fn half_message(self, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.then(Reply::HalfMessage { before: before.into(), after: after.into() })
    }

    /// Asks Codex to run a shell command outside the sandbox.
    #[must_use]
    pub fn escalated(self, command: impl Into<String>, reason: impl Into<String>) -> Self {
        self.then(Reply::Escalated { command: command.into(), reason: reason.into() })
    }

    /// Asks Codex to add a file by its patch tool.
    #[must_use]
    pub fn add_file(self, path: &str, line: &str) -> Self {
        self.shell(format!(
            "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: {path}\n+{line}\n*** End Patch\nEOF"
        ))
    }

    /// Asks the person a question that is answered with `Yes` or `No`.
    #[must_use]
    pub fn question(self, text: impl Into<String>) -> Self {
        self.then(Reply::Question(text.into()))
    }

    /// Thinks aloud.
    #[must_use]
    pub fn reasoning(self, text: impl Into<String>) -> Self {
        self.then(Reply::Reasoning(text.into()))
    }

    /// Refuses from here on.
    #[must_use]
    pub fn fail(self, status: u16, body: impl Into<String>) -> Self {
        self.then(Reply::Fail { status, body: body.into() })
    }

    /// Refuses `times` requests with 429.
    #[must_use]
    pub fn rate_limited(self, times: u32, retry_after: u32) -> Self {
        self.then(Reply::RateLimited { times, retry_after })
    }

    /// Cuts the connection before the answer is complete.
    #[must_use]
    pub fn cut(self) -> Self {
        self.then(Reply::Drop)
    }

    /// Says nothing more until released.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(Reply::Hang)
    }

    /// Sets the usage of the answer that holds the last step.
    ///
    /// # Panics
    ///
    /// When the turn has no step yet.
    #[must_use]
    pub fn using(mut self, usage: Usage) -> Self {
        self.steps.last_mut().expect("`using` follows a step").usage = Some(usage);
        self
    }

    fn then(mut self, reply: Reply) -> Self {
        self.steps.push(Step { reply, usage: None });
        self
    }
}
