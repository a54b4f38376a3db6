//! `GET /api/state/stream`: what the loop is doing, whenever that changes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use car_engine::Pulse;
use futures::stream::{self, Stream};
use tokio::sync::watch;

use super::super::super::WebState;
use super::super::super::auth::Caller;
use super::super::super::problem::Problem;
use super::super::ApiRepo;
use super::over::{Over, Sign};

/// What the loop is doing, as it changes
///
/// Server-sent events without names: each is what `GET /api/state` answers, first as it is now, then whenever it differs.
#[utoipa::path(
    get,
    path = "/api/state/stream",
    tag = "repository",
    responses((
        status = 200,
        description = "A stream that ends with the server",
        content_type = "text/event-stream",
        body = String,
    )),
    extensions(("x-car-class" = json!("read"))),
)]
pub(super) async fn state_stream(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
    ApiRepo { id, .. }: ApiRepo,
) -> Result<Response, Problem> {
    // Before the first look: what changes after it wakes us.
    let mut pulse = state.served.pulse(&id)?;
    pulse.borrow_and_update();
    let first = state.served.state_json(&id).await?;
    let listener =
        Listener { told: None, next: Some(first), pulse, over: Over::new(&state, caller) };
    Ok(super::answer(stream_of(listener)))
}

/// One client.
struct Listener {
    told: Option<Arc<str>>,
    next: Option<Arc<str>>,
    pulse: watch::Receiver<Pulse>,
    over: Over,
}

fn stream_of(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

impl Listener {
    /// The next event; `None` when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(state) = self.next.take().filter(|state| Some(state) != self.told.as_ref())
            {
                self.told = Some(state.clone());
                return Some(Event::default().data(state));
            }
            tokio::select! {
                biased;
                sign = self.over.sign() => {
                    return (sign == Sign::Beat).then(|| Event::default().comment("ping"));
                }
                changed = self.pulse.changed() => {
                    // The repository is gone.
                    changed.ok()?;
                    self.next = self.pulse.borrow_and_update().state.clone();
                }
            }
        }
    }
}
