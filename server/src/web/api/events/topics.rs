//! `GET /api/events`: the present state of topics, then every change.

use std::convert::Infallible;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::response::sse::Event;
use car_domain::live::{Topic, Topics};
use car_engine::{EngineError, LiveFeed, Told};
use futures::stream::{self, Stream};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::super::super::WebState;
use super::super::super::assets;
use super::super::super::auth::Caller;
use super::super::super::problem::Problem;
use super::over::{Over, Sign};

/// What a client asks for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// What to follow, separated by commas, at most 64: `hub`, `repo:<id>`, `run:<repo>/<number>`, `job:<id>`,
    /// `doc:<repo>/<kind>`, `terminal:<id>`, `notify`.
    topics: Option<String>,
    /// With one `run:` topic: number of the last journal entry that is known already.
    from: Option<u64>,
}

/// Everything that happens
///
/// Server-sent events. `hello` comes first and says the time, version and site of the server; then the present state of each topic
/// as `row`, `dashboard`, `journal`, `doc`, `job` and `terminal` without an id; then `ready`. From then on every change has an
/// id, also `gone` and `notify`. A client that comes back to the same topics with `Last-Event-ID` gets what it missed.
/// `resync` says that this is not possible: the present state follows anew. `beat` comes every 15 seconds.
#[utoipa::path(
    get,
    path = "/api/events",
    tag = "server",
    params(
        Asked,
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was received"),
    ),
    responses(
        (status = 200, description = "A stream that ends with the server", content_type = "text/event-stream", body = String),
        (status = 400, description = "No topic, too many, or an unknown one"),
        (status = 404, description = "A topic names something that does not exist"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
pub(super) async fn events(
    State(state): State<WebState>,
    asked: Result<Query<Asked>, QueryRejection>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(asked) = asked.map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("{}.", error.body_text()))
    })?;
    let topics = Topics::parse(asked.topics.as_deref().unwrap_or_default()).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, error.to_string()).with_hint(
            "name some of hub, repo:<id>, run:<repo>/<number>, job:<id>, doc:<repo>/<kind>, terminal:<id> and notify as \
             `topics`, with commas between them",
        )
    })?;
    let n_runs = topics.iter().filter(|topic| matches!(topic, Topic::Run(..))).count();
    if asked.from.is_some() && n_runs != 1 {
        let problem =
            Problem::new(StatusCode::BAD_REQUEST, "`from` needs exactly one `run:` topic.");
        return Err(problem);
    }
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let feed = state.served.follow(topics, asked.from, last_id).await?;
    let hello = json!({
        "server_time_ms": car_engine::now().as_millis(),
        "version": env!("CARGO_PKG_VERSION"),
        "build": assets::build().as_ref(),
    });
    let hello = Event::default().event("hello").data(hello.to_string());
    let listener = Listener { hello: Some(hello), feed, over: Over::new(&state, caller) };
    Ok(super::answer(stream_of(listener)))
}

/// One client.
struct Listener {
    hello: Option<Event>,
    feed: LiveFeed,
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
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        tokio::select! {
            biased;
            sign = self.over.sign() => match sign {
                Sign::End => None,
                Sign::Beat => Some(self.beat()),
            },
            told = self.feed.next() => told.inspect_err(warn).ok().map(event_of),
        }
    }

    fn beat(&self) -> Event {
        let beat = Event::default().event("beat").data("{}");
        match self.feed.id_here() {
            Some(id) => beat.id(id),
            None => beat,
        }
    }
}

fn warn(error: &EngineError) {
    tracing::warn!(%error, "a client has to connect again");
}

fn event_of(told: Told) -> Event {
    match told {
        // The empty id makes the client forget the last one: what follows is no continuation of it.
        Told::Resync => Event::default().event("resync").id("").data("{}"),
        Told::Ready { id } => Event::default().event("ready").id(id).data("{}"),
        Told::Event { id, name, json } => {
            let event = Event::default().event(name).data(json);
            match id {
                Some(id) => event.id(id),
                None => event,
            }
        }
    }
}
