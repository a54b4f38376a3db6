//! Discord and Telegram as far as notifications need them: one webhook and one `sendMessage`, on loopback.
//!
//! Each request is checked to the letter; what does not fit is remembered as a violation. Answers come from a list for each
//! service and are "accepted" when the list is empty.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// How long [`FakeMessaging::until_accepted`] waits before it gives up on the test.
const PATIENCE: Duration = Duration::from_secs(60);
/// Larger bodies are refused.
const MAX_BODY: usize = 1 << 20;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `POST /api/webhooks/…`.
    Discord,
    /// `POST /bot…/sendMessage`.
    Telegram,
}

/// What a service does with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Accepts it.
    Accept,
    /// 429 with `retry_after` in seconds, as each service words it.
    TooMany(u32),
    /// Refuses it with this status.
    Status(u16),
    /// Cuts the connection.
    Drop,
    /// Never answers.
    Hang,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// By whom.
    pub service: Service,
    /// The words.
    pub text: String,
    /// Topic of a Telegram chat.
    pub thread_id: Option<i64>,
}

#[derive(Default)]
struct Ledger {
    discord: VecDeque<Reply>,
    telegram: VecDeque<Reply>,
    accepted: Vec<Accepted>,
    violations: Vec<String>,
    n_requests: usize,
}

struct Shared {
    token: String,
    chat_id: String,
    webhook: String,
    ledger: Mutex<Ledger>,
    changed: watch::Sender<()>,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("the fake services panicked")
    }
}

/// Both services on one loopback port; they stop when dropped.
pub struct FakeMessaging {
    address: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for FakeMessaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeMessaging").field("address", &self.address).finish_non_exhaustive()
    }
}

impl FakeMessaging {
    /// Starts both services; they answer with these lists first. Blocks until they listen.
    ///
    /// # Panics
    ///
    /// When no loopback port can be bound.
    #[must_use]
    pub fn start(discord: &[Reply], telegram: &[Reply]) -> Self {
        let shared = Arc::new(Shared {
            token: "1234567890:AAtestTESTtestTESTtestTESTtestTEST_-x".to_owned(),
            chat_id: "-1001234".to_owned(),
            webhook: "/api/webhooks/42/secretWebhookPart-0123456789".to_owned(),
            ledger: Mutex::new(Ledger {
                discord: discord.iter().copied().collect(),
                telegram: telegram.iter().copied().collect(),
                ..Ledger::default()
            }),
            changed: watch::Sender::new(()),
        });
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let (bound, address) = std::sync::mpsc::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the services");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
                bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let router = Router::new().fallback(receive).with_state(served);
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("served until stopped"),
                    _ = stopped => {}
                }
            });
        });
        let address = format!("http://{}", address.recv().expect("the services start"));
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Address of the Bot API.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.address
    }

    /// Address of the webhook, which is a secret.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("{}{}", self.address, self.shared.webhook)
    }

    /// The bot's token, which is a secret.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// The only chat.
    #[must_use]
    pub fn chat_id(&self) -> &str {
        &self.shared.chat_id
    }

    /// What was accepted so far, in order.
    #[must_use]
    pub fn accepted(&self) -> Vec<Accepted> {
        self.shared.ledger().accepted.clone()
    }

    /// Requests that were understood so far, whatever the answer.
    #[must_use]
    pub fn n_requests(&self) -> usize {
        self.shared.ledger().n_requests
    }

    /// Waits until so many messages were accepted.
    ///
    /// # Panics
    ///
    /// When that takes longer than 60 seconds.
    pub async fn until_accepted(&self, n: usize) -> Vec<Accepted> {
        self.until(|shared| shared.ledger().accepted.len() >= n, "messages").await;
        self.accepted()
    }

    /// Waits until so many requests have come.
    ///
    /// # Panics
    ///
    /// When that takes longer than 60 seconds.
    pub async fn until_requests(&self, n: usize) {
        self.until(|shared| shared.ledger().n_requests >= n, "requests").await;
    }

    async fn until(&self, is_there: impl Fn(&Shared) -> bool, what: &str) {
        let mut changes = self.shared.changed.subscribe();
        let there = changes.wait_for(|()| is_there(&self.shared));
        if tokio::time::timeout(PATIENCE, there).await.is_err() {
            panic!("too few {what} within {PATIENCE:?}; accepted: {:?}", self.accepted());
        }
    }

    /// Asserts that every request was as the services want it.
    ///
    /// # Panics
    ///
    /// When one was not; the message lists them.
    #[track_caller]
    pub fn assert_clean(&self) {
        let violations = self.shared.ledger().violations.clone();
        assert!(violations.is_empty(), "asked wrongly:\n{}", violations.join("\n"));
    }
}

impl Drop for FakeMessaging {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let is_json =
        parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let read = if parts.method != Method::POST {
        Err(format!("{} instead of POST", parts.method))
    } else if !is_json {
        Err("the content type is not application/json".to_owned())
    } else {
        understand(&shared, parts.uri.path(), parts.uri.query(), &body)
    };
    let message = match read {
        Ok(message) => message,
        Err(violation) => {
            shared.ledger().violations.push(violation.clone());
            let answer = json!({ "ok": false, "description": violation }).to_string();
            return (StatusCode::BAD_REQUEST, answer).into_response();
        }
    };
    let reply = {
        let mut ledger = shared.ledger();
        ledger.n_requests += 1;
        let list = match message.service {
            Service::Discord => &mut ledger.discord,
            Service::Telegram => &mut ledger.telegram,
        };
        let reply = list.pop_front().unwrap_or(Reply::Accept);
        if reply == Reply::Accept {
            ledger.accepted.push(message.clone());
        }
        reply
    };
    shared.changed.send_replace(());
    answer(message.service, reply, &shared.token).await
}

fn understand(
    shared: &Shared,
    path: &str,
    query: Option<&str>,
    body: &Bytes,
) -> Result<Accepted, String> {
    let json: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    let map = json.as_object().ok_or("no JSON object")?;
    let only = |keys: &[&str]| match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown key {key}")),
        None => Ok(()),
    };
    let text = |key: &str, max: usize| {
        let text = json[key].as_str().ok_or(format!("{key} is no text"))?;
        let fits = !text.is_empty() && text.chars().count() <= max;
        if fits { Ok(text.to_owned()) } else { Err(format!("{key} is empty or too long")) }
    };
    if query.is_some() {
        return Err("nothing is asked by a query".to_owned());
    }
    if path == shared.webhook {
        only(&["content", "allowed_mentions"])?;
        let text = text("content", 2000)?;
        return Ok(Accepted { service: Service::Discord, text, thread_id: None });
    }
    if path == format!("/bot{}/sendMessage", shared.token) {
        only(&["chat_id", "text", "message_thread_id"])?;
        if json["chat_id"] != shared.chat_id.as_str() {
            return Err("another chat".to_owned());
        }
        let thread_id = match map.get("message_thread_id") {
            Some(id) => Some(id.as_i64().ok_or("message_thread_id is no number")?),
            None => None,
        };
        return Ok(Accepted { service: Service::Telegram, text: text("text", 4096)?, thread_id });
    }
    Err("no such endpoint".to_owned())
}

/// Errors repeat the secret on purpose: nothing a service says may bring it into a file.
async fn answer(service: Service, reply: Reply, token: &str) -> Response {
    let error = |status: u16, after: Option<u32>| {
        let said = format!("refused for bot{token}");
        let mut body = match service {
            Service::Discord => json!({ "message": said, "code": 0 }),
            Service::Telegram => {
                json!({ "ok": false, "error_code": status, "description": said })
            }
        };
        match (after, service) {
            (Some(after), Service::Discord) => body["retry_after"] = f64::from(after).into(),
            (Some(after), Service::Telegram) => {
                body["parameters"] = json!({ "retry_after": after });
            }
            (None, _) => {}
        }
        let status = StatusCode::from_u16(status).expect("the test names an HTTP status");
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    };
    match (reply, service) {
        (Reply::Accept, Service::Discord) => StatusCode::NO_CONTENT.into_response(),
        (Reply::Accept, Service::Telegram) => {
            let body = json!({ "ok": true, "result": { "message_id": 1 } });
            ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
        }
        (Reply::TooMany(after), _) => error(429, Some(after)),
        (Reply::Status(status), _) => error(status, None),
        // The connection's task panics, and the connection ends without an answer.
        (Reply::Drop, _) => std::panic::resume_unwind(Box::new("dropped by the test")),
        (Reply::Hang, _) => std::future::pending().await,
    }
}
