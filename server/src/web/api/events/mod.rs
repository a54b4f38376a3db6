//! Streams: what happens on the server, as it happens.

mod log;
mod over;
mod state;
mod topics;

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderName;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
pub(super) use over::{Over, Sign};

/// How often a stream says that it is there. Tests do not wait that long.
const BEAT: Duration =
    if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(15) };

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(topics::events))
        .routes(routes!(state::state_stream))
        .routes(routes!(log::log_stream))
}

/// The answer to a client that listens. No proxy may hold back a part of it.
pub(super) fn answer(
    stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let headers =
        [(CACHE_CONTROL, "no-cache"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Sse::new(stream)).into_response()
}
