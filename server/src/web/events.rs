//! `GET /api/events`: everything that changes, as server-sent events.
//!
//! Names: `hello` (the server's time), `row`, `dashboard` and `journal` (a `LiveEvent` as JSON), `resync` (read everything
//! anew), `beat` every 15 seconds. A client that comes back with `Last-Event-ID` gets what it missed; a new one gets the
//! present state first. Rows go to everybody, with `?repo=ID` also that repository's dashboard and journal.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use car_domain::view::LiveEvent;
use car_engine::{Served, StreamItem};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Interval;

use super::WebState;
use super::auth::{Caller, Gate};

/// Journal entries a new client gets of the newest run.
const TAIL_ENTRIES: usize = 200;
/// How often the server says that it is there.
const BEAT: Duration = Duration::from_secs(15);

/// What a client asks for.
#[derive(Deserialize)]
pub(super) struct EventsQuery {
    /// Also the dashboard and the journal of this repository.
    repo: Option<String>,
}

/// One client.
struct Listener {
    repo: Option<String>,
    waiting: VecDeque<Event>,
    receiver: broadcast::Receiver<Arc<StreamItem>>,
    beat: Interval,
    /// Ends when the server ends or this browser is logged out.
    over: BoxFuture<'static, ()>,
}

/// Opens the stream.
pub(super) async fn events(
    State(state): State<WebState>,
    Query(query): Query<EventsQuery>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let over = over(&state, caller);
    match listen(&state.served, query.repo, &headers, over).await {
        Ok(listener) => Sse::new(stream_of(listener)).into_response(),
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

/// Comes when the stream of `caller` has to end.
fn over(state: &WebState, caller: Caller) -> BoxFuture<'static, ()> {
    let cancel = state.cancel.clone();
    let (Gate::Closed(access), Caller::Device(device)) = (&state.gate, caller) else {
        return cancel.cancelled_owned().boxed();
    };
    let mut revocations = access.revocations();
    async move {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                id = revocations.recv() => match id {
                    Ok(id) if id != device.id => {}
                    // Whoever missed something looks anew: the browser comes back by itself when it may.
                    Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                },
            }
        }
    }
    .boxed()
}

async fn listen(
    served: &Served,
    repo: Option<String>,
    headers: &HeaderMap,
    over: BoxFuture<'static, ()>,
) -> Result<Listener, car_engine::EngineError> {
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let subscription = served.subscribe(last_id);
    let now = car_engine::now().as_millis();
    let hello = Event::default().event("hello").data(format!("{{\"server_time_ms\":{now}}}"));
    let mut waiting = VecDeque::from([hello]);
    match subscription.missed {
        Some(missed) => {
            waiting.extend(missed.iter().filter_map(|item| event_of(item, repo.as_deref())));
        }
        None => {
            if last_id.is_some() {
                waiting.push_back(Event::default().event("resync").data("{}"));
            }
            // Taken after subscribing: what changes in between comes twice and is known by its number.
            for event in served.snapshot(repo.as_deref(), TAIL_ENTRIES).await? {
                waiting.extend(present(&event));
            }
        }
    }
    let mut beat = tokio::time::interval(BEAT);
    beat.reset();
    Ok(Listener { repo, waiting, receiver: subscription.receiver, beat, over })
}

fn stream_of(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    /// The next event; `None` when the server ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = &mut self.over => return None,
                _ = self.beat.tick() => return Some(Event::default().event("beat").data("{}")),
                received = self.receiver.recv() => match received {
                    Ok(item) => self.waiting.extend(event_of(&item, self.repo.as_deref())),
                    Err(RecvError::Lagged(_)) => {
                        return Some(Event::default().event("resync").data("{}"));
                    }
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }
}

/// The event as this client gets it, with its id; nothing when it is not for this client.
fn event_of(item: &StreamItem, repo: Option<&str>) -> Option<Event> {
    let wanted = item.topic == "row" || repo == Some(item.repo.as_str());
    wanted.then(|| Event::default().event(item.topic).id(&item.id).data(&item.json))
}

/// An event of the present state, which has no place in the stream.
fn present(event: &LiveEvent) -> Option<Event> {
    Event::default().event(event.topic()).json_data(event).ok()
}
