//! One connection to an app-server: requests matched with replies, everything else handed on in order.
//!
//! Reading never waits for an answer of ours, so a pending approval holds up nothing. When the connection ends, every waiting
//! call fails at once.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::protocol::{
    Ask, Capabilities, ClientInfo, Initialize, Initialized, Message, Method, Notification,
    RequestId,
};
use super::transport::{over_pipes, over_socket};

/// How long Codex may take for the first words.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(20);
/// Messages on their way to Codex; a caller waits when it takes none.
const MAX_OUTGOING: usize = 64;
/// Messages of Codex nobody has looked at yet; reading pauses then. Deltas come in bursts of some hundreds.
const MAX_INCOMING: usize = 1024;

/// Something Codex says by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// It tells.
    Told(Notification),
    /// It asks and waits for [`Connection::answer`] or [`Connection::refuse`].
    Asked(RequestId, Ask),
}

/// A request of ours that brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The connection is gone.
    #[error("the connection to Codex is gone")]
    Closed,
    /// No answer in time.
    #[error("Codex did not answer `{method}` within {} s", patience.as_secs())]
    Silent {
        /// The request.
        method: &'static str,
        /// The time it had.
        patience: Duration,
    },
    /// Codex said no.
    #[error("{message}")]
    Refused {
        /// The request.
        method: &'static str,
        /// Codex's words.
        message: String,
    },
    /// The answer has another shape than expected.
    #[error("Codex answered `{method}` in a way that is not understood")]
    Shape {
        /// The request.
        method: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The transport could not be set up.
    #[error("cannot talk to Codex")]
    Io(#[from] io::Error),
}

/// A connection; cheap to clone, closed when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    outgoing: mpsc::Sender<String>,
    waiting: Arc<Waiting>,
    next_id: AtomicI64,
    end: CancellationToken,
    _end_on_drop: DropGuard,
    server: Mutex<Option<Initialized>>,
    tasks: TaskTracker,
}

/// A result, or Codex's words against it.
type Reply = Result<Value, String>;
/// Callers by the ids of their requests; `None` once the connection is gone.
type Callers = Option<HashMap<i64, oneshot::Sender<Reply>>>;

/// Calls without a reply.
#[derive(Debug)]
struct Waiting(Mutex<Callers>);

impl Connection {
    /// Joins the server that listens on `socket`. `client` is the name Codex writes into threads we start.
    ///
    /// # Errors
    /// When nobody listens, or the first words fail.
    pub async fn join(
        socket: &Path,
        client: &str,
    ) -> Result<(Self, mpsc::Receiver<Incoming>), CallError> {
        let joined = tokio::time::timeout(HANDSHAKE_PATIENCE, over_socket(socket)).await;
        let (sink, stream) = joined
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))
            .and_then(|joined| joined)?;
        let (connection, incoming) = Self::run(sink, stream);
        connection.initialize(client).await?;
        Ok((connection, incoming))
    }

    /// Starts a server as a child that ends with the connection.
    ///
    /// # Errors
    /// When it cannot be started, or the first words fail.
    pub async fn spawn(
        binary: &Path,
        env: &[(OsString, OsString)],
        cwd: &PathBuf,
        client: &str,
    ) -> Result<(Self, mpsc::Receiver<Incoming>), CallError> {
        let (child, sink, stream) = over_pipes(binary, env, cwd)?;
        let (connection, incoming) = Self::run(sink, stream);
        let end = connection.inner.end.clone();
        connection.inner.tasks.spawn(async move {
            end.cancelled().await;
            child.end().await;
        });
        connection.initialize(client).await?;
        Ok((connection, incoming))
    }

    fn run(
        sink: impl Sink<String, Error = io::Error> + Send + 'static,
        stream: impl Stream<Item = io::Result<String>> + Send + 'static,
    ) -> (Self, mpsc::Receiver<Incoming>) {
        let (outgoing, outbox) = mpsc::channel(MAX_OUTGOING);
        let (inbox, incoming) = mpsc::channel(MAX_INCOMING);
        let waiting = Arc::new(Waiting(Mutex::new(Some(HashMap::new()))));
        let end = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(write(sink, outbox, end.clone()));
        tasks.spawn(read(stream, inbox, Arc::clone(&waiting), end.clone()));
        let inner = Inner {
            outgoing,
            waiting,
            next_id: AtomicI64::new(1),
            _end_on_drop: end.clone().drop_guard(),
            end,
            server: Mutex::new(None),
            tasks,
        };
        (Self { inner: Arc::new(inner) }, incoming)
    }

    async fn initialize(&self, client: &str) -> Result<(), CallError> {
        let client_info = ClientInfo {
            name: client.to_owned(),
            title: Some("CAR".to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let capabilities = Capabilities { experimental_api: true, request_attestation: false };
        let words = Initialize { client_info, capabilities };
        let server = self.call(words, HANDSHAKE_PATIENCE).await?;
        *self.inner.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        self.send(json!({"method": "initialized"})).await
    }

    /// Asks and waits for the reply.
    ///
    /// # Errors
    /// When Codex refuses, does not answer within `patience`, or is gone.
    pub async fn call<M: Method>(
        &self,
        params: M,
        patience: Duration,
    ) -> Result<M::Reply, CallError> {
        let method = M::NAME;
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let reply = self.inner.waiting.wait_for(id).ok_or(CallError::Closed)?;
        let params =
            serde_json::to_value(params).map_err(|source| CallError::Shape { method, source })?;
        let answered = async {
            self.send(json!({"id": id, "method": method, "params": params})).await?;
            reply.await.map_err(|_| CallError::Closed)
        };
        let answered = tokio::time::timeout(patience, answered).await;
        self.inner.waiting.take(id);
        let value = answered
            .map_err(|_| CallError::Silent { method, patience })??
            .map_err(|message| CallError::Refused { method, message })?;
        serde_json::from_value(value).map_err(|source| CallError::Shape { method, source })
    }

    /// Answers a request of Codex.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn answer(&self, id: &RequestId, result: Value) -> Result<(), CallError> {
        self.send(json!({"id": id, "result": result})).await
    }

    /// Refuses a request of Codex, so that it does not wait for ever.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn refuse(&self, id: &RequestId, why: &str) -> Result<(), CallError> {
        self.send(json!({"id": id, "error": {"code": -32601, "message": why}})).await
    }

    /// What the server said about itself.
    pub fn server(&self) -> Option<Initialized> {
        self.inner.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        self.inner.end.is_cancelled()
    }

    /// Ends it, and waits for the end of a server that is our child.
    pub async fn close(&self) {
        self.inner.end.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    async fn send(&self, message: Value) -> Result<(), CallError> {
        self.inner.outgoing.send(message.to_string()).await.map_err(|_| CallError::Closed)
    }
}

impl Waiting {
    fn wait_for(&self, id: i64) -> Option<oneshot::Receiver<Reply>> {
        let (sender, receiver) = oneshot::channel();
        self.lock().as_mut()?.insert(id, sender);
        Some(receiver)
    }

    fn take(&self, id: i64) -> Option<oneshot::Sender<Reply>> {
        self.lock().as_mut()?.remove(&id)
    }

    /// Fails every call that waits, and every later one.
    fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Callers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(
    sink: impl Sink<String, Error = io::Error>,
    mut outbox: mpsc::Receiver<String>,
    end: CancellationToken,
) {
    let mut sink = std::pin::pin!(sink);
    let all = async {
        while let Some(text) = outbox.recv().await {
            if let Err(error) = sink.send(text).await {
                tracing::debug!(%error, "nothing can be sent to Codex any more");
                return;
            }
        }
    };
    tokio::select! {
        () = all => {}
        () = end.cancelled() => {}
    }
    end.cancel();
}

async fn read(
    stream: impl Stream<Item = io::Result<String>>,
    inbox: mpsc::Sender<Incoming>,
    waiting: Arc<Waiting>,
    end: CancellationToken,
) {
    let mut stream = std::pin::pin!(stream);
    let all = async {
        while let Some(text) = stream.next().await {
            let text = match text {
                Ok(text) => text,
                Err(error) => {
                    tracing::debug!(%error, "nothing can be heard from Codex any more");
                    return;
                }
            };
            let Some(message) = Message::parse(&text) else {
                tracing::warn!(bytes = text.len(), "Codex said something that is no message");
                continue;
            };
            let said = match message {
                Message::Reply { id: RequestId::Number(id), result } => {
                    if let Some(caller) = waiting.take(id) {
                        // A caller that is gone has no use for the reply.
                        let _ = caller.send(result);
                    }
                    continue;
                }
                Message::Reply { .. } => continue,
                Message::Request { id, method, params } => {
                    Incoming::Asked(id, Ask::read(method, params))
                }
                Message::Notification { method, params } => {
                    Incoming::Told(Notification::read(method, params))
                }
            };
            if inbox.send(said).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = all => {}
        () = end.cancelled() => {}
    }
    waiting.close();
    end.cancel();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_server::protocol::{ThreadLoadedList, TurnInterrupt};
    use futures::channel::mpsc as pipe;

    const LONG: Duration = Duration::from_secs(30);

    /// A connection, what it sends, and a way to speak to it.
    fn connected() -> (
        Connection,
        mpsc::Receiver<Incoming>,
        pipe::Receiver<String>,
        pipe::Sender<io::Result<String>>,
    ) {
        let (sink, sent) = pipe::channel::<String>(8);
        let (say, heard) = pipe::channel(8);
        let sink = sink.sink_map_err(io::Error::other);
        let (connection, incoming) = Connection::run(sink, heard);
        (connection, incoming, sent, say)
    }

    #[tokio::test]
    async fn replies_find_their_callers_in_any_order() {
        let (connection, _incoming, mut sent, mut say) = connected();
        let codex = async {
            let first: Value =
                serde_json::from_str(&sent.next().await.expect("sent")).expect("JSON");
            let second: Value =
                serde_json::from_str(&sent.next().await.expect("sent")).expect("JSON");
            for (asked, name) in [(&second, "b"), (&first, "a")] {
                let reply =
                    json!({"id": asked["id"], "result": {"data": [name], "nextCursor": null}});
                say.send(Ok(reply.to_string())).await.expect("heard");
            }
            (sent, say)
        };
        let list = || connection.call(ThreadLoadedList::default(), LONG);
        let (a, b, _open) = tokio::join!(list(), list(), codex);
        assert_eq!((a.expect("a").data, b.expect("b").data), (vec!["a".into()], vec!["b".into()]));
    }

    #[tokio::test]
    async fn a_refusal_says_codexs_own_words() {
        let (connection, _incoming, mut sent, mut say) = connected();
        let params = TurnInterrupt { thread_id: "t".into(), turn_id: "u".into() };
        let codex = async {
            sent.next().await.expect("sent");
            let reply = json!({"id": 1, "error": {"code": -32600, "message": "no active turn"}});
            say.send(Ok(reply.to_string())).await.expect("heard");
            (sent, say)
        };
        let (refused, _open) = tokio::join!(connection.call(params, LONG), codex);
        assert_eq!(refused.expect_err("refused").to_string(), "no active turn");
    }

    #[tokio::test]
    async fn the_end_of_the_connection_fails_every_call_at_once() {
        let (connection, mut incoming, sent, say) = connected();
        let end = async {
            let mut sent = sent;
            sent.next().await.expect("sent");
            drop(say);
        };
        let (failed, ()) = tokio::join!(connection.call(ThreadLoadedList::default(), LONG), end);
        assert!(matches!(failed, Err(CallError::Closed)));
        assert!(incoming.recv().await.is_none());
        let late = connection.call(ThreadLoadedList::default(), LONG).await;
        assert!(matches!(late, Err(CallError::Closed)));
    }

    #[tokio::test]
    async fn what_is_no_message_stops_nothing() {
        let (_connection, mut incoming, _sent, mut say) = connected();
        for text in ["garbage", "[1]", r#"{"id":0,"method":"new/thing","params":{}}"#] {
            say.send(Ok(text.to_owned())).await.expect("heard");
        }
        let asked = incoming.recv().await.expect("asked");
        assert!(matches!(asked, Incoming::Asked(RequestId::Number(0), Ask::Other { .. })));
    }
}
