//! The conversations of one `CODEX_HOME`.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use car_domain::conversation::{AgentRequest, Answer, Decision};

use super::turn::{Turn, TurnRequest};
use crate::{EngineError, ErrorKind, Repo};

/// Which Codex to talk to, and what it runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodexSetup {
    /// The program as configured: a name or a path.
    pub binary: String,
    /// Environment of the root, on top of ours: `CODEX_HOME` chooses the server, everything else reaches only the commands
    /// the agent runs in the turns that are started with it.
    pub env: Vec<(OsString, OsString)>,
    /// Most memory the server and what it starts may use, in bytes, where the system can limit that.
    pub memory_max: Option<u64>,
}

impl CodexSetup {
    /// `binary` with nothing special.
    pub fn new(binary: impl Into<String>) -> Self {
        Self { binary: binary.into(), env: Vec::new(), memory_max: None }
    }

    /// As `repo` is configured.
    pub fn of(repo: &Repo) -> Self {
        Self::new(repo.config().codex.binary.clone())
    }
}

/// Conversations with one Codex server. One per process and `CODEX_HOME`; cheap to clone. Nothing is started or connected
/// before it is needed, and a lost connection is made anew by the next call.
#[derive(Clone, Debug)]
pub struct Conversations {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    setup: CodexSetup,
}

impl Conversations {
    /// Conversations with the Codex of `setup`.
    pub fn new(setup: CodexSetup) -> Self {
        Self { inner: Arc::new(Inner { setup }) }
    }

    /// Starts a turn, in a new or a given thread. Its policies are sent with it and hold for this turn.
    ///
    /// # Errors
    /// When Codex cannot be started or refuses; a conflict when another program is writing in the thread.
    pub async fn turn(&self, request: TurnRequest) -> Result<Turn, EngineError> {
        drop(request);
        Err(self.unavailable())
    }

    /// Starts an empty thread in `cwd` and returns its id. It is listed from its first turn on.
    ///
    /// # Errors
    /// When Codex cannot be started or refuses.
    pub async fn start(&self, cwd: &Path) -> Result<String, EngineError> {
        let _ = cwd;
        Err(self.unavailable())
    }

    /// Ends a running turn. One that is over already is no error.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn interrupt(&self, thread_id: &str, turn_id: &str) -> Result<(), EngineError> {
        let _ = (thread_id, turn_id);
        Err(self.unavailable())
    }

    /// Adds a message to a running turn.
    ///
    /// # Errors
    /// A conflict when that turn is over.
    pub async fn steer(
        &self,
        thread_id: &str,
        turn_id: &str,
        text: &str,
    ) -> Result<(), EngineError> {
        let _ = (thread_id, turn_id, text);
        Err(self.unavailable())
    }

    /// Everything that waits for a person, in all threads of the server.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn requests(&self) -> Result<Vec<AgentRequest>, EngineError> {
        Err(self.unavailable())
    }

    /// Decides about a request. The same decision twice is one; returns the recorded answer.
    ///
    /// # Errors
    /// A conflict that names who decided otherwise before; not found when nothing with this id waits; a conflict when the
    /// decision was not offered.
    pub async fn answer(
        &self,
        request_id: &str,
        decision: Decision,
        by: &str,
        note: Option<&str>,
    ) -> Result<Answer, EngineError> {
        let _ = (request_id, decision, by, note);
        Err(self.unavailable())
    }

    fn unavailable(&self) -> EngineError {
        EngineError::new(
            ErrorKind::Agent,
            format!("conversations with `{}` are not possible yet", self.inner.setup.binary),
        )
    }
}
