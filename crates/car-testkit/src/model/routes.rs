//! The two endpoints of the server, and the refusal of everything else.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response, Sse, sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::{Stream, stream};
use serde_json::json;
use tokio::sync::watch;

use super::answer::{Answer, Part};
use super::ledger::Ledger;
use super::script::Script;

/// What the server and its owner share.
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    pub(super) n_requests: watch::Sender<usize>,
    /// Changes with each release of the answers that hang.
    pub(super) releases: watch::Sender<()>,
}

impl Shared {
    pub(super) fn new(script: Box<dyn Script>) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(script)),
            n_requests: watch::Sender::new(0),
            releases: watch::Sender::new(()),
        }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("the model's script panicked")
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/models", get(|| async { Json(json!({"object": "list", "data": []})) }))
        .route("/v1/responses", post(respond))
        .fallback(refuse)
        .method_not_allowed_fallback(refuse)
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn refuse(State(shared): State<Arc<Shared>>, method: Method, uri: Uri) -> Response {
    let violation = format!("{method} {}: no such endpoint", uri.path());
    let response = (StatusCode::NOT_FOUND, failure(&violation)).into_response();
    shared.ledger().violations.push(violation);
    response
}

async fn respond(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    // Subscribed before the request is announced, so a release right after the arrival counts.
    let releases = shared.releases.subscribe();
    let (received, n_requests) = {
        let mut ledger = shared.ledger();
        (ledger.receive(&headers, &body), ledger.requests.len())
    };
    shared.n_requests.send_replace(n_requests);
    match received {
        Err(faults) => (StatusCode::BAD_REQUEST, failure(&faults.join("; "))).into_response(),
        Ok((_, Answer::Refused { status, retry_after, body })) => {
            refusal(status, retry_after, body)
        }
        Ok((thread_id, Answer::Streamed { parts, .. })) => {
            Sse::new(Telling { shared, thread_id, parts, releases }.into_stream()).into_response()
        }
    }
}

fn refusal(status: u16, retry_after: Option<u32>, body: String) -> Response {
    let status = StatusCode::from_u16(status).expect("the script names an HTTP status");
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn failure(message: &str) -> Json<serde_json::Value> {
    Json(json!({"error": {"message": message, "type": "fake_model_violation"}}))
}

/// A streamed answer on its way.
struct Telling {
    shared: Arc<Shared>,
    thread_id: String,
    parts: VecDeque<Part>,
    releases: watch::Receiver<()>,
}

impl Telling {
    fn into_stream(self) -> impl Stream<Item = io::Result<sse::Event>> {
        stream::unfold(self, |mut telling| async move {
            let told = telling.next().await?;
            Some((told, telling))
        })
    }

    async fn next(&mut self) -> Option<io::Result<sse::Event>> {
        loop {
            match self.parts.pop_front()? {
                Part::Event(event) => return Some(Ok(event)),
                Part::Hang => self.releases.changed().await.ok()?,
                Part::Cut => {
                    // An error drops what is not written yet; a pending body has it written first.
                    tokio::task::yield_now().await;
                    return Some(Err(io::Error::other("cut by the script")));
                }
                Part::Completed(event, usage) => {
                    self.shared.ledger().note_usage(&self.thread_id, usage);
                    return Some(Ok(event));
                }
            }
        }
    }
}
