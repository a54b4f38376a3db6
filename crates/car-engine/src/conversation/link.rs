//! The connection behind the conversations: made when needed, made anew when lost, heard by one task.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use car_agent::app_server::protocol::{
    Ask, Item, Method, Notification, RequestId, ThreadItemsList, ThreadRead, ThreadResume,
    ThreadTurnsList, ThreadUnsubscribe, Turn as CodexTurn, TurnStatus as CodexStatus,
};
use car_agent::app_server::{CallError, CodexServer, Connection, Incoming, ServerError};
use car_domain::conversation::TurnStatus;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::asking::OpenRequest;
use super::board::Errand;
use super::conversations::{CALL_PATIENCE, Inner};
use super::manner::Manner;
use super::records::Records;
use super::setup::CodexSetup;
use super::trouble::{SERVER_GONE, call_failed, server_failed};
use crate::EngineError;

/// Name Codex writes into the threads we start.
const CLIENT: &str = "car";
/// Pages of finished items read to catch up with a turn.
const MAX_PAGES: usize = 64;
/// How often, and with what pause, a thread must be seen idle before its newest turn counts as interrupted.
const IDLE_LOOKS: u32 = 5;
const IDLE_PAUSE: Duration = Duration::from_millis(50);

/// A live connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) records: Records,
    /// Which server this is; ids of requests mean something only together with it.
    pub(super) instance: String,
    /// The shared server; `None` for one of our own.
    pub(super) server: Option<CodexServer>,
}

impl Link {
    /// Asks Codex.
    pub(super) async fn call<M: Method>(&self, params: M) -> Result<M::Reply, EngineError> {
        self.try_call(params).await.map_err(call_failed)
    }

    /// Asks Codex; the error in Codex's own words.
    pub(super) async fn try_call<M: Method>(&self, params: M) -> Result<M::Reply, CallError> {
        self.connection.call(params, CALL_PATIENCE).await
    }
}

impl Inner {
    /// The connection, made if there is none.
    pub(super) async fn link(self: &Arc<Self>) -> Result<Link, EngineError> {
        let mut current = self.link.lock().await;
        if let Some(link) = current.as_ref().filter(|link| !link.connection.is_closed()) {
            return Ok(link.clone());
        }
        *current = None;
        let (link, incoming) = self.connect().await?;
        let before = self.note_instance(&link.instance);
        if before.as_ref().is_some_and(|before| *before != link.instance) {
            self.board.cut(SERVER_GONE);
        }
        let suspended = self.board.suspend();
        *current = Some(link.clone());
        self.tasks.spawn(hear(Arc::downgrade(self), link.clone(), incoming));
        if !suspended.is_empty() {
            let (inner, link) = (Arc::clone(self), link.clone());
            self.tasks.spawn(async move { inner.take_up(&link, suspended).await });
        }
        Ok(link)
    }

    async fn connect(&self) -> Result<(Link, mpsc::Receiver<Incoming>), EngineError> {
        let spec = self.setup.spec()?;
        let open = |instance: String| {
            let dir = spec.server_dir();
            crate::served::blocking(move || Records::open(&dir, &instance))
        };
        match CodexServer::ensure(&spec).await {
            Ok(server) => {
                let joined = Connection::join(&server.socket, CLIENT).await;
                let (connection, incoming) = joined.map_err(call_failed)?;
                let instance = server.instance();
                let records = open(instance.clone()).await?;
                Ok((Link { connection, records, instance, server: Some(server) }, incoming))
            }
            Err(ServerError::CannotListen) => {
                if !self.is_alone.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "this version of Codex cannot serve several programs; conversations end with this process"
                    );
                }
                let cwd = CodexSetup::fallback_cwd(&spec).to_path_buf();
                let mut env = spec.env.clone();
                env.push(("CODEX_HOME".into(), spec.codex_home.clone().into()));
                let spawned = Connection::spawn(&spec.binary, &env, &cwd, CLIENT).await;
                let (connection, incoming) = spawned.map_err(call_failed)?;
                let instance = format!("own-{}", uuid::Uuid::now_v7());
                let records = open(instance.clone()).await?;
                Ok((Link { connection, records, instance, server: None }, incoming))
            }
            Err(error) => Err(server_failed(error)),
        }
    }

    /// Subscribes to a thread; what waits in it comes again.
    pub(super) async fn join(&self, link: &Link, thread_id: &str) -> Result<(), EngineError> {
        let _membership = self.membership.lock().await;
        if self.board.is_joined(thread_id) {
            return Ok(());
        }
        let resume = ThreadResume {
            thread_id: thread_id.to_owned(),
            cwd: None,
            config: self.setup.thread_config(),
            exclude_turns: true,
        };
        let opened = link.call(resume).await?;
        self.board.note_joined(thread_id, Manner::of(&opened));
        Ok(())
    }

    /// Ends the subscription to a thread nobody follows, so that the server may forget it.
    async fn leave(&self, link: &Link, thread_id: String) {
        let _membership = self.membership.lock().await;
        if self.board.is_followed(&thread_id) || !self.board.is_joined(&thread_id) {
            return;
        }
        self.board.note_left(&thread_id);
        if let Err(error) = link.try_call(ThreadUnsubscribe { thread_id }).await {
            tracing::debug!(%error, "a thread stays subscribed");
        }
    }

    /// Gives a follower what its turn did before we heard of it, and its end if that is past.
    pub(super) async fn catch_up(
        &self,
        link: &Link,
        key: u64,
        thread_id: &str,
        turn_id: &str,
    ) -> Result<(), EngineError> {
        self.read_items(link, key, thread_id, turn_id).await?;
        self.board.aim(key, turn_id);
        let Some(turn) = self.ended(link, thread_id, turn_id).await? else { return Ok(()) };
        let status = match turn.status {
            CodexStatus::Completed => TurnStatus::Completed,
            CodexStatus::Failed => TurnStatus::Failed,
            _ => TurnStatus::Interrupted,
        };
        // What was finished between the first reading and the end. The list may lag behind; the turn itself does not.
        self.read_items(link, key, thread_id, turn_id).await?;
        self.board.catch_up(key, &turn.items);
        self.board.finish(key, status, turn.error.map(|error| error.message));
        Ok(())
    }

    /// A turn that is over. One that has just begun is listed as interrupted until Codex has written it down, so that word
    /// counts only when the thread has stayed idle.
    async fn ended(
        &self,
        link: &Link,
        thread_id: &str,
        turn_id: &str,
    ) -> Result<Option<CodexTurn>, EngineError> {
        for _ in 0..IDLE_LOOKS {
            let read = ThreadRead { thread_id: thread_id.to_owned(), include_turns: false };
            let is_active = link.call(read).await?.thread.status.is_active();
            let list =
                ThreadTurnsList { thread_id: thread_id.to_owned(), cursor: None, limit: Some(20) };
            let turns = link.call(list).await?.data;
            let is_newest = turns.first().is_some_and(|turn| turn.id == turn_id);
            let Some(turn) = turns.into_iter().find(|turn| turn.id == turn_id) else {
                return Ok(None);
            };
            match turn.status {
                CodexStatus::InProgress => return Ok(None),
                CodexStatus::Interrupted if is_newest && is_active => return Ok(None),
                CodexStatus::Interrupted if is_newest => tokio::time::sleep(IDLE_PAUSE).await,
                _ => return Ok(Some(turn)),
            }
        }
        let interrupted = CodexTurn {
            id: turn_id.to_owned(),
            items: Vec::new(),
            status: CodexStatus::Interrupted,
            error: None,
            started_at: None,
            completed_at: None,
        };
        Ok(Some(interrupted))
    }

    async fn read_items(
        &self,
        link: &Link,
        key: u64,
        thread_id: &str,
        turn_id: &str,
    ) -> Result<(), EngineError> {
        each_page(link, thread_id, turn_id, |items| self.board.catch_up(key, items)).await
    }

    /// After a lost connection: go on with the same server, or say that it is gone. None is started for that: what the old
    /// one ran is gone with it.
    async fn recover(self: Arc<Self>) {
        if !self.board.is_needed() && self.board.requests().is_empty() {
            return;
        }
        let server = match self.setup.spec() {
            Ok(spec) => CodexServer::find(&spec).await,
            Err(_) => None,
        };
        let is_same = server.is_some_and(|server| Some(server.instance()) == self.last_instance());
        if !is_same || self.link().await.is_err() {
            self.board.cut(SERVER_GONE);
        }
    }

    /// Goes on following turns over a new connection.
    async fn take_up(&self, link: &Link, suspended: Vec<(u64, String, String)>) {
        for (key, thread_id, turn_id) in suspended {
            let followed = async {
                self.join(link, &thread_id).await?;
                self.catch_up(link, key, &thread_id, &turn_id).await
            };
            if let Err(error) = followed.await {
                tracing::warn!(%error, "a turn cannot be followed any more");
                // A connection that is lost again is taken up again.
                if !link.connection.is_closed() {
                    let why = format!("The turn cannot be followed any more: {error}");
                    self.board.finish(key, TurnStatus::Interrupted, Some(why));
                }
            }
        }
    }
}

/// Hears one connection to its end. Boxed, because that may lead to a new connection, which is heard again.
fn hear(
    inner: Weak<Inner>,
    link: Link,
    incoming: mpsc::Receiver<Incoming>,
) -> BoxFuture<'static, ()> {
    hear_all(inner, link, incoming).boxed()
}

async fn hear_all(inner: Weak<Inner>, link: Link, mut incoming: mpsc::Receiver<Incoming>) {
    // The link must not keep itself alive through this task.
    let (records, instance) = (link.records.clone(), link.instance.clone());
    drop(link);
    while let Some(said) = incoming.recv().await {
        let Some(inner) = inner.upgrade() else { return };
        match said {
            Incoming::Asked(id, ask) => asked(&inner, &records, &instance, id, ask).await,
            Incoming::Told(told) => {
                // The end of a turn closes what it asked; Codex says so only afterwards.
                let closed = match &told {
                    Notification::RequestResolved { thread_id, request_id } => {
                        inner.board.id_of(thread_id, request_id).into_iter().collect()
                    }
                    Notification::TurnCompleted { turn, .. } => inner.board.ids_of_turn(&turn.id),
                    _ => Vec::new(),
                };
                for request_id in closed {
                    close(&inner, &records, &request_id).await;
                }
                for errand in inner.board.told(&told) {
                    inner.run(errand);
                }
            }
        }
    }
    if let Some(inner) = inner.upgrade() {
        let again = Arc::clone(&inner);
        inner.tasks.spawn(async move { again.recover().await });
    }
}

impl Inner {
    /// Does an errand beside the reading.
    fn run(self: &Arc<Self>, errand: Errand) {
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            let Ok(link) = inner.link().await else { return };
            match errand {
                Errand::Join(thread_id) => {
                    if let Err(error) = inner.join(&link, &thread_id).await {
                        tracing::debug!(%error, "a thread that waits cannot be joined");
                    }
                }
                Errand::Leave(thread_id) => inner.leave(&link, thread_id).await,
            }
        });
    }
}

async fn asked(inner: &Arc<Inner>, records: &Records, instance: &str, id: RequestId, ask: Ask) {
    let (mut changes, is_heard) = match &ask {
        Ask::Files(files) => {
            let heard = inner.board.edits(&files.item_id);
            let is_heard = !heard.is_empty();
            (heard, is_heard)
        }
        _ => (Vec::new(), true),
    };
    let method = match &ask {
        Ask::Other { method, .. } => method.clone(),
        _ => String::new(),
    };
    let Some(mut open) = OpenRequest::new(instance, id.clone(), ask.clone(), changes.clone())
    else {
        let refuse = Arc::clone(inner);
        inner.tasks.spawn(async move {
            let Ok(link) = refuse.link().await else { return };
            tracing::warn!(method, "Codex asked for something that is not known here");
            let _ = link.connection.refuse(&id, "not supported by this client").await;
        });
        return;
    };
    let (records, request_id) = (records.clone(), open.request.id.clone());
    // Inline on purpose: nothing about this thread may be told before the request is whole. The files are small.
    let known = tokio::task::spawn_blocking(move || {
        if !is_heard {
            return records.changes(&request_id);
        }
        if !changes.is_empty()
            && let Err(error) = records.keep(&request_id, &changes)
        {
            tracing::warn!(%error, "other programs will not see which files are to be changed");
        }
        std::mem::take(&mut changes)
    })
    .await
    .unwrap_or_default();
    if !is_heard && let Some(whole) = OpenRequest::new(instance, id, ask, known) {
        open = whole;
    }
    inner.board.asked(open);
}

/// Closes a request, with the decision as far as anybody wrote it down.
async fn close(inner: &Inner, records: &Records, request_id: &str) {
    let (records, id) = (records.clone(), request_id.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        records.close(&id);
        records.answer(&id)
    });
    inner.board.closed(request_id, read.await.ok().flatten());
}

/// Everything of one turn, page by page, in order.
pub(super) async fn each_page(
    link: &Link,
    thread_id: &str,
    turn_id: &str,
    mut take: impl FnMut(&[Item]),
) -> Result<(), EngineError> {
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let list = ThreadItemsList {
            thread_id: thread_id.to_owned(),
            turn_id: Some(turn_id.to_owned()),
            cursor,
            limit: Some(100),
        };
        let page = link.call(list).await?;
        let items: Vec<_> = page.data.into_iter().map(|entry| entry.item).collect();
        take(&items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}
