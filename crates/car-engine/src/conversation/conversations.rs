//! The conversations of one `CODEX_HOME`: turns, and what is done to them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use car_agent::app_server::CodexServer;
use car_agent::app_server::protocol::{
    self, Input, ReviewStart, ThreadCompactStart, ThreadRead, ThreadStart, ThreadTurnsList,
    TurnStart, TurnStatus as CodexStatus, TurnSteer,
};
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::link::Link;
use super::manner::Manner;
use super::queue::Queue;
use super::turn::{Turn, TurnControl, TurnRequest};
use super::watchdog::Watched;
use super::{ApprovalPolicy, CodexSetup, ReviewTarget, SandboxPolicy};
use crate::EngineError;

/// How long Codex may take to answer a request; starting a thread is the slowest, some seconds on a loaded machine.
pub(super) const CALL_PATIENCE: Duration = Duration::from_secs(60);
/// How often, and with what pause, an active thread is looked at until its turn is listed as running.
const BEGIN_LOOKS: u32 = 40;
const BEGIN_PAUSE: Duration = Duration::from_millis(50);

/// Conversations with one Codex server. One per process and `CODEX_HOME`; cheap to clone. Nothing is started or connected
/// before it is needed, and a lost connection is made anew.
#[derive(Clone, Debug)]
pub struct Conversations {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) setup: CodexSetup,
    pub(super) board: Board,
    pub(super) link: tokio::sync::Mutex<Option<Link>>,
    /// Held while joining and leaving threads, so that neither overtakes the other.
    pub(super) membership: tokio::sync::Mutex<()>,
    /// Whether Codex cannot serve several programs and has been started for us alone.
    pub(super) is_alone: AtomicBool,
    pub(super) tasks: TaskTracker,
    last_instance: Mutex<Option<String>>,
}

impl Conversations {
    /// Conversations with the Codex of `setup`.
    pub fn new(setup: CodexSetup) -> Self {
        Self {
            inner: Arc::new(Inner {
                setup,
                board: Board::default(),
                link: tokio::sync::Mutex::default(),
                membership: tokio::sync::Mutex::default(),
                is_alone: AtomicBool::default(),
                tasks: TaskTracker::new(),
                last_instance: Mutex::default(),
            }),
        }
    }

    /// Starts a turn, in a new or a given thread. Its policies are sent with it and hold for this turn.
    ///
    /// # Errors
    /// When Codex cannot be started or refuses; a conflict when a turn runs in the thread already, or another program is
    /// working in it.
    pub async fn turn(&self, request: TurnRequest) -> Result<Turn, EngineError> {
        let inner = &self.inner;
        let link = inner.link().await?;
        let thread_id = match &request.thread_id {
            None => self.start_thread(&link, &request.cwd, request.model.clone()).await?,
            Some(thread_id) => {
                inner.join(&link, thread_id).await?;
                self.check_idle(&link, thread_id).await?;
                thread_id.clone()
            }
        };
        let (key, queue) = inner.board.follow(&thread_id);
        let started = async {
            // Left when the last turn's follower was gone, perhaps just now.
            inner.join(&link, &thread_id).await?;
            let manner = inner.board.manner(&thread_id);
            let turn_id = link.call(turn_start(&thread_id, &request, &manner)).await?.turn.id;
            inner.board.note_plans(&thread_id, request.may_ask_questions);
            inner.board.aim(key, &turn_id);
            Ok(turn_id)
        };
        let started = started.await;
        self.taken(started, key, queue, &thread_id, request.stall_after)
    }

    /// Starts an empty thread in `cwd` and returns its id. Until its first turn it is known only to this connection.
    ///
    /// # Errors
    /// When Codex cannot be started or refuses.
    pub async fn start(&self, cwd: &Path) -> Result<String, EngineError> {
        let link = self.inner.link().await?;
        self.start_thread(&link, cwd, None).await
    }

    /// Follows the turn that runs in a thread, from its beginning; `None` when none runs.
    ///
    /// # Errors
    /// When Codex cannot be reached or knows no such thread.
    pub async fn follow(&self, thread_id: &str) -> Result<Option<Turn>, EngineError> {
        let inner = &self.inner;
        let link = inner.link().await?;
        let (key, queue) = inner.board.follow(thread_id);
        let followed = async {
            let Some(turn_id) = running_turn(&link, thread_id).await? else { return Ok(None) };
            inner.join(&link, thread_id).await?;
            inner.catch_up(&link, key, thread_id, &turn_id).await?;
            Ok(Some(turn_id))
        };
        let followed = followed.await.transpose();
        let Some(followed) = followed else {
            inner.board.unfollow(key);
            return Ok(None);
        };
        self.taken(followed, key, queue, thread_id, None).map(Some)
    }

    /// Starts a review in a thread.
    ///
    /// # Errors
    /// As for [`Conversations::turn`].
    pub async fn review(&self, thread_id: &str, target: ReviewTarget) -> Result<Turn, EngineError> {
        let inner = &self.inner;
        let link = inner.link().await?;
        inner.join(&link, thread_id).await?;
        self.check_idle(&link, thread_id).await?;
        let (key, queue) = inner.board.follow(thread_id);
        let started = async {
            inner.join(&link, thread_id).await?;
            let review = ReviewStart {
                thread_id: thread_id.to_owned(),
                target: target.into(),
                delivery: "inline".to_owned(),
            };
            let turn_id = link.call(review).await?.turn.id;
            inner.board.aim(key, &turn_id);
            Ok(turn_id)
        };
        let started = started.await;
        self.taken(started, key, queue, thread_id, None)
    }

    /// Replaces a thread's history by a summary, which is a turn of its own.
    ///
    /// # Errors
    /// As for [`Conversations::turn`]; Codex itself would end a running turn.
    pub async fn compact(&self, thread_id: &str) -> Result<Turn, EngineError> {
        let inner = &self.inner;
        let link = inner.link().await?;
        inner.join(&link, thread_id).await?;
        self.check_idle(&link, thread_id).await?;
        let (key, queue, started) = inner.board.follow_next(thread_id);
        let begun = async {
            inner.join(&link, thread_id).await?;
            link.call(ThreadCompactStart { thread_id: thread_id.to_owned() }).await?;
            let started = tokio::time::timeout(CALL_PATIENCE, started).await;
            started.ok().and_then(Result::ok).ok_or_else(super::lost)
        };
        let begun = begun.await;
        self.taken(begun, key, queue, thread_id, None)
    }

    /// Ends a running turn. One that is over already is no error.
    ///
    /// # Errors
    /// When Codex cannot be reached.
    pub async fn interrupt(&self, thread_id: &str, turn_id: &str) -> Result<(), EngineError> {
        let link = self.inner.link().await?;
        let (thread_id, turn_id) = (thread_id.to_owned(), turn_id.to_owned());
        let interrupt = protocol::TurnInterrupt { thread_id, turn_id };
        match link.call(interrupt).await {
            Err(error) if error.kind() == crate::ErrorKind::Conflict => Ok(()),
            result => result.map(drop),
        }
    }

    /// Ends whatever turn runs in a thread; `false` when none does.
    ///
    /// # Errors
    /// When Codex cannot be reached or knows no such thread.
    pub async fn interrupt_running(&self, thread_id: &str) -> Result<bool, EngineError> {
        let link = self.inner.link().await?;
        let Some(turn_id) = running_turn(&link, thread_id).await? else { return Ok(false) };
        self.interrupt(thread_id, &turn_id).await?;
        Ok(true)
    }

    /// Adds a message to a running turn. By `client_id`, a name of our own, [`Conversations::find_turn`] finds the turn it joined.
    ///
    /// # Errors
    /// A conflict when that turn is over.
    pub async fn steer(
        &self,
        thread_id: &str,
        turn_id: &str,
        text: &str,
        client_id: Option<&str>,
    ) -> Result<(), EngineError> {
        let link = self.inner.link().await?;
        let steer = TurnSteer {
            thread_id: thread_id.to_owned(),
            expected_turn_id: turn_id.to_owned(),
            input: vec![Input::text(text)],
            client_user_message_id: client_id.map(str::to_owned),
        };
        link.call(steer).await.map(drop)
    }

    /// The shared server that is used, once it is; `None` before the first call, and where Codex cannot serve several
    /// programs.
    pub async fn server(&self) -> Option<CodexServer> {
        self.inner.link.lock().await.as_ref()?.server.clone()
    }

    /// Whether this Codex was started for this process alone, because it cannot serve several. Turns then end with us.
    pub fn is_alone(&self) -> bool {
        self.inner.is_alone.load(Ordering::Relaxed)
    }

    /// Whether a shared server runs; none is started for the question.
    pub async fn has_server(&self) -> bool {
        match self.inner.setup.spec() {
            Ok(spec) => CodexServer::find(&spec).await.is_some(),
            Err(_) => false,
        }
    }

    /// The shared server, if one runs; none is started for the question.
    ///
    /// # Errors
    /// When Codex is not installed.
    pub async fn running_server(&self) -> Result<Option<CodexServer>, EngineError> {
        Ok(CodexServer::find(&self.inner.setup.spec()?).await)
    }

    /// Closes the connection. The shared server and its turns go on; one that was started for us alone is gone afterwards.
    pub async fn close(&self) {
        let link = self.inner.link.lock().await.take();
        if let Some(link) = link {
            link.connection.close().await;
        }
    }

    /// Ends the shared server with everything it runs; `false` when none does.
    ///
    /// # Errors
    /// When Codex is not installed.
    pub async fn end_server(&self) -> Result<bool, EngineError> {
        let Some(server) = CodexServer::find(&self.inner.setup.spec()?).await else {
            return Ok(false);
        };
        server.end().await;
        Ok(true)
    }

    async fn start_thread(
        &self,
        link: &Link,
        cwd: &Path,
        model: Option<String>,
    ) -> Result<String, EngineError> {
        // No sandbox: with one, Codex writes the directory into the user's configuration as trusted.
        let start = ThreadStart {
            cwd: Some(cwd.to_path_buf()),
            model,
            config: self.inner.setup.thread_config(),
            ..ThreadStart::default()
        };
        let opened = link.call(start).await?;
        self.inner.board.note_joined(&opened.thread.id, Manner::of(&opened));
        Ok(opened.thread.id)
    }

    /// A turn in a busy thread would only add to the running one.
    async fn check_idle(&self, link: &Link, thread_id: &str) -> Result<(), EngineError> {
        let read = ThreadRead { thread_id: thread_id.to_owned(), include_turns: false };
        if link.call(read).await?.thread.status.is_active() {
            return Err(EngineError::conflict("a turn is running in this conversation already")
                .with_hint("add to it, stop it, or wait for its end"));
        }
        Ok(())
    }

    /// The turn that was started, or nothing left of the attempt.
    fn taken(
        &self,
        started: Result<String, EngineError>,
        key: u64,
        queue: Arc<Queue>,
        thread_id: &str,
        stall_after: Option<Duration>,
    ) -> Result<Turn, EngineError> {
        let turn_id = started.inspect_err(|_| self.inner.board.unfollow(key))?;
        let (conversations, thread_id) = (self.clone(), thread_id.to_owned());
        let control = TurnControl { conversations, thread_id, turn_id };
        if let Some(limit) = stall_after {
            let watched = Watched {
                inner: Arc::downgrade(&self.inner),
                thread_id: control.thread_id.clone(),
                turn_id: control.turn_id.clone(),
                key,
            };
            self.inner.tasks.spawn(watched.watch(limit));
        }
        Ok(Turn { queue, control })
    }
}

impl Inner {
    /// Notes which server is used now, and returns the one before.
    pub(super) fn note_instance(&self, instance: &str) -> Option<String> {
        let mut last = self.last_instance.lock().unwrap_or_else(PoisonError::into_inner);
        last.replace(instance.to_owned())
    }

    pub(super) fn last_instance(&self) -> Option<String> {
        self.last_instance.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The turn that runs in a thread. One that has just begun is listed as interrupted until Codex has written it down, and must
/// not be joined before: that would end it.
async fn running_turn(link: &Link, thread_id: &str) -> Result<Option<String>, EngineError> {
    for _ in 0..BEGIN_LOOKS {
        let read = ThreadRead { thread_id: thread_id.to_owned(), include_turns: false };
        let is_active = link.call(read).await?.thread.status.is_active();
        let turns =
            ThreadTurnsList { thread_id: thread_id.to_owned(), cursor: None, limit: Some(1) };
        let newest = link.call(turns).await?.data.into_iter().next();
        match newest {
            Some(turn) if turn.status == CodexStatus::InProgress => return Ok(Some(turn.id)),
            _ if !is_active => return Ok(None),
            _ => tokio::time::sleep(BEGIN_PAUSE).await,
        }
    }
    Ok(None)
}

impl From<&SandboxPolicy> for protocol::SandboxPolicy {
    fn from(policy: &SandboxPolicy) -> Self {
        match policy {
            SandboxPolicy::ReadOnly => Self::ReadOnly { network_access: false },
            SandboxPolicy::OnlyHere => Self::WorkspaceWrite {
                writable_roots: Vec::new(),
                network_access: false,
                exclude_tmpdir_env_var: true,
                exclude_slash_tmp: true,
            },
            SandboxPolicy::WorkspaceWrite { writable_roots, network } => Self::WorkspaceWrite {
                writable_roots: writable_roots.clone(),
                network_access: *network,
                exclude_tmpdir_env_var: false,
                exclude_slash_tmp: false,
            },
            SandboxPolicy::FullAccess => Self::DangerFullAccess,
        }
    }
}

fn turn_start(thread_id: &str, request: &TurnRequest, manner: &Manner) -> TurnStart {
    TurnStart {
        thread_id: thread_id.to_owned(),
        input: input_of(request),
        cwd: request.cwd.clone(),
        approval_policy: match request.approvals {
            ApprovalPolicy::Never => protocol::ApprovalPolicy::Never,
            ApprovalPolicy::OnRequest => protocol::ApprovalPolicy::OnRequest,
            ApprovalPolicy::Untrusted => protocol::ApprovalPolicy::Untrusted,
        },
        sandbox_policy: (&request.sandbox).into(),
        model: request.model.clone(),
        effort: request.effort.clone(),
        output_schema: request.output_schema.clone(),
        collaboration_mode: manner.mode_for(request),
        client_user_message_id: request.client_id.clone(),
    }
}

fn input_of(request: &TurnRequest) -> Vec<Input> {
    let images = request.images.iter().map(|path| Input::LocalImage { path: path.clone() });
    std::iter::once(Input::text(request.prompt.clone())).chain(images).collect()
}
