//! A transcription service on loopback: one endpoint, whose form is checked part by part.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// What OpenAI takes at most, with room for the form around it.
const MAX_BODY: usize = 26 << 20;

/// What the service does with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// Answers with this text.
    Text(String),
    /// Refuses with this status.
    Status(u16),
    /// 429 with `Retry-After`.
    TooMany(u32),
    /// Cuts the connection.
    Drop,
    /// Never answers.
    Hang,
}

/// A well-formed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Name of the sound's file.
    pub file_name: String,
    /// Its content type.
    pub content_type: String,
    /// The sound.
    pub audio: Vec<u8>,
    /// The other parts.
    pub fields: BTreeMap<String, String>,
}

struct Shared {
    key: &'static str,
    hearings: Mutex<VecDeque<Hearing>>,
    heard: Mutex<Vec<Heard>>,
    violations: Mutex<Vec<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("the fake service panicked")
}

/// The service; it stops when dropped.
pub struct FakeWhisper {
    base_url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for FakeWhisper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeWhisper").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl FakeWhisper {
    /// The only key it knows.
    pub const KEY: &str = "sk-test-0123456789-abcdefghij";

    /// Starts it; it does these things in order and then hears nothing but an empty text.
    ///
    /// # Panics
    ///
    /// When no loopback port can be bound.
    #[must_use]
    pub fn start(hearings: Vec<Hearing>) -> Self {
        let shared = Arc::new(Shared {
            key: Self::KEY,
            hearings: Mutex::new(hearings.into()),
            heard: Mutex::default(),
            violations: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let (bound, address) = std::sync::mpsc::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the service");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
                bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let router = Router::new().fallback(hear).with_state(served);
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("served until stopped"),
                    _ = stopped => {}
                }
            });
        });
        let base_url = format!("http://{}", address.recv().expect("the service starts"));
        Self { base_url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address for `base_url`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The well-formed requests so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        locked(&self.shared.heard).clone()
    }

    /// Asserts that every request was well-formed.
    ///
    /// # Panics
    ///
    /// When one was not; the message lists them.
    #[track_caller]
    pub fn assert_clean(&self) {
        let violations = locked(&self.shared.violations).clone();
        assert!(violations.is_empty(), "asked wrongly:\n{}", violations.join("\n"));
    }
}

impl Drop for FakeWhisper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

async fn hear(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let is_known = parts.method == Method::POST && parts.uri.path() == "/v1/audio/transcriptions";
    let body = axum::body::to_bytes(body, MAX_BODY).await;
    let read = match body {
        _ if !is_known => Err(format!("{} {}: no such endpoint", parts.method, parts.uri)),
        Ok(body) => understand(&parts.headers, &body, shared.key),
        Err(error) => Err(format!("the body cannot be read: {error}")),
    };
    match read {
        Ok(heard) => locked(&shared.heard).push(heard),
        Err(violation) => {
            locked(&shared.violations).push(violation.clone());
            return refusal(400, &violation);
        }
    }
    let hearing = locked(&shared.hearings).pop_front();
    match hearing.unwrap_or(Hearing::Text(String::new())) {
        Hearing::Text(text) => json_answer(200, &json!({ "text": text })),
        Hearing::Status(status) => refusal(status, &format!("refused for {}", shared.key)),
        Hearing::TooMany(seconds) => {
            let mut response = refusal(429, "slow down");
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        // The connection's task panics, and the connection ends without an answer.
        Hearing::Drop => std::panic::resume_unwind(Box::new("dropped by the test")),
        Hearing::Hang => std::future::pending().await,
    }
}

fn refusal(status: u16, message: &str) -> Response {
    json_answer(status, &json!({ "error": { "message": message, "type": "fake" } }))
}

fn json_answer(status: u16, body: &serde_json::Value) -> Response {
    let status = StatusCode::from_u16(status).expect("an HTTP status");
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn understand(headers: &HeaderMap, body: &[u8], key: &str) -> Result<Heard, String> {
    let text = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    if text(header::AUTHORIZATION) != format!("Bearer {key}") {
        return Err("another key".to_owned());
    }
    let kind = text(header::CONTENT_TYPE);
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").ok_or("no form")?;
    let mut heard = None;
    let mut fields = BTreeMap::new();
    for (head, content) in parts(body, boundary)? {
        let name = quoted(&head, "name=").ok_or("a part has no name")?;
        if name == "file" {
            let file_name = quoted(&head, "filename=").ok_or("the file has no name")?;
            let kind = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
            });
            let kind = kind.ok_or("the file has no content type")?;
            if heard.replace((file_name, kind, content.to_vec())).is_some() {
                return Err("two files".to_owned());
            }
            continue;
        }
        let value = String::from_utf8(content.to_vec()).map_err(|_| format!("{name}: no text"))?;
        if !["model", "temperature", "language"].contains(&name.as_str()) {
            return Err(format!("{name}: unknown part"));
        }
        if value.is_empty() || fields.insert(name.clone(), value).is_some() {
            return Err(format!("{name}: empty or given twice"));
        }
    }
    let (file_name, content_type, audio) = heard.ok_or("no file")?;
    if !fields.contains_key("model") || audio.is_empty() {
        return Err("no model or no sound".to_owned());
    }
    Ok(Heard { file_name, content_type, audio, fields })
}

/// Head and content of each part.
fn parts<'b>(body: &'b [u8], boundary: &str) -> Result<Vec<(String, &'b [u8])>, String> {
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|at| at == what);
    let opening = format!("--{boundary}\r\n");
    let mut rest = body.strip_prefix(opening.as_bytes()).ok_or("the form does not begin")?;
    let end = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    loop {
        let at = find(rest, b"\r\n\r\n").ok_or("a part has no head")?;
        let head = String::from_utf8_lossy(&rest[..at]).into_owned();
        rest = &rest[at + 4..];
        let at = find(rest, end.as_bytes()).ok_or("a part has no end")?;
        parts.push((head, &rest[..at]));
        rest = &rest[at + end.len()..];
        match rest {
            b"--" | b"--\r\n" => return Ok(parts),
            _ => rest = rest.strip_prefix(b"\r\n").ok_or("a torn boundary")?,
        }
    }
}

fn quoted(head: &str, key: &str) -> Option<String> {
    let key = format!("; {key}\"");
    let at = head.find(&key)? + key.len();
    head[at..].split('"').next().map(str::to_owned)
}
