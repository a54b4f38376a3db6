//! `GET /api/logs/stream`: the log all runs share, line by line.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use car_engine::{EngineError, LogFollower, Pulse, blocking};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, Stream};
use tokio::sync::watch;

use super::super::super::WebState;
use super::super::super::auth::Caller;
use super::super::super::problem::Problem;
use super::super::ApiRepo;
use super::over::{Over, Sign};

/// The log as it grows
///
/// Server-sent events without names: each is one whole line. Begins at the end of the log, waits for a log that does not exist
/// yet, and goes on in the next file when the log is rotated.
#[utoipa::path(
    get,
    path = "/api/logs/stream",
    tag = "repository",
    responses((
        status = 200,
        description = "A stream that ends with the server",
        content_type = "text/event-stream",
        body = String,
    )),
    extensions(("x-car-class" = json!("read"))),
)]
pub(super) async fn log_stream(
    State(state): State<WebState>,
    Extension(caller): Extension<Caller>,
    ApiRepo { id, repo }: ApiRepo,
) -> Result<Response, Problem> {
    let mut pulse = state.served.pulse(&id)?;
    let seen = pulse.borrow_and_update().log;
    let path = repo.log_path();
    let follower = blocking(move || LogFollower::at_end(&path)).await?;
    let log = Log { pulse, seen, reading: Some(read(follower)), follower: None };
    let listener = Listener { lines: VecDeque::new(), log, over: Over::new(&state, caller) };
    Ok(super::answer(stream_of(listener)))
}

/// One client. Holds a place in the log and the lines it read last.
struct Listener {
    lines: VecDeque<String>,
    log: Log,
    over: Over,
}

struct Log {
    pulse: watch::Receiver<Pulse>,
    /// Changes of the log that were heard of before it was last read.
    seen: u64,
    /// The log is being read, in another thread.
    reading: Option<BoxFuture<'static, Result<(LogFollower, String), EngineError>>>,
    /// The place, while it is not.
    follower: Option<LogFollower>,
}

fn stream_of(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listener, |mut listener| async {
        match listener.next().await {
            Ok(event) => event.map(|event| (Ok(event), listener)),
            Err(error) => {
                tracing::warn!(%error, "a log cannot be followed");
                None
            }
        }
    })
}

fn read(follower: LogFollower) -> BoxFuture<'static, Result<(LogFollower, String), EngineError>> {
    blocking(move || follower.read_on()).boxed()
}

impl Listener {
    /// The next event; `None` when the stream is over.
    async fn next(&mut self) -> Result<Option<Event>, EngineError> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(Event::default().data(line)));
            }
            let sign = tokio::select! {
                biased;
                sign = self.over.sign() => sign,
                lines = self.log.go_on() => match lines? {
                    Some(lines) => {
                        self.lines = lines;
                        continue;
                    }
                    None => Sign::End,
                },
            };
            return Ok((sign == Sign::Beat).then(|| Event::default().comment("ping")));
        }
    }
}

impl Log {
    /// Waits until there may be something to read, and reads on; `None` when the repository is gone. Dropping the call loses
    /// nothing.
    async fn go_on(&mut self) -> Result<Option<VecDeque<String>>, EngineError> {
        if self.reading.is_none() {
            let seen = self.seen;
            match self.pulse.wait_for(|pulse| pulse.log != seen).await {
                Ok(pulse) => self.seen = pulse.log,
                Err(_) => return Ok(None),
            }
            self.reading = self.follower.take().map(read);
        }
        let Some(reading) = &mut self.reading else { return Ok(None) };
        let (follower, text) = reading.await?;
        if text.is_empty() {
            self.reading = None;
            self.follower = Some(follower);
        } else {
            self.reading = Some(read(follower));
        }
        Ok(Some(text.lines().map(str::to_owned).collect()))
    }
}
