//! The text logs: the original's answers, and the log of a run in parts.

use std::io::{Seek, SeekFrom};

use axum::Json;
use axum::body::Body;
use axum::http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use car_engine::runner::standing;
use car_engine::{EngineError, ErrorKind, History, LogPiece, LogView, Repo, blocking};
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::WebState;
use super::super::problem::Problem;
use super::{ApiPath, ApiQuery, ApiRepo, invalid};

/// Most of a run's log that is answered as JSON, in bytes; the rest is had in parts.
const MAX_LOG: u64 = 2 << 20;
/// Most lines of a tail; the engine looks at the last 400 000 bytes.
const MAX_TAIL: i64 = 100_000;
/// How much of a log is in memory at a time, in bytes.
const PIECE: usize = 64 * 1024;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new().routes(routes!(logs)).routes(routes!(run_log))
}

/// Which log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogsQuery {
    /// Of this run.
    run_id: Option<u64>,
    /// Without a run: the last lines of the log all runs share, 1 or more.
    tail: Option<i64>,
}

/// A log, with what was asked for.
#[derive(Default, Serialize, ToSchema)]
struct Logs {
    /// The run, when it is the log of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<u64>,
    /// The number of lines, when they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<i64>,
    /// The text.
    log: String,
    /// Present when the beginning is missing; `GET /api/runs/{n}/log` has it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// The log of a run, or the end of the log all runs share
///
/// Without parameters: of the last run.
#[utoipa::path(
    get,
    path = "/api/logs",
    tag = "runs",
    params(LogsQuery),
    responses(
        (status = 200, body = Logs),
        (status = 404, description = "No such run"),
        (status = 422, description = "A tail of less than one line"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn logs(
    ApiRepo { repo, .. }: ApiRepo,
    ApiQuery(query): ApiQuery<LogsQuery>,
) -> Result<Json<Logs>, Problem> {
    if query.tail.is_some_and(|tail| tail < 1) {
        return Err(invalid("`tail` has to be 1 or more lines."));
    }
    Ok(Json(blocking(move || read(&repo, &query)).await?))
}

fn read(repo: &Repo, query: &LogsQuery) -> Result<Logs, EngineError> {
    let history = History::new(repo);
    if let Some(run) = query.run_id {
        return Ok(of_run(run, history.run_log_end(run, MAX_LOG)?));
    }
    if let Some(tail) = query.tail {
        let lines = usize::try_from(tail.min(MAX_TAIL)).unwrap_or_default();
        let text = match history.log_tail(lines) {
            Ok((text, _)) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let log = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        return Ok(Logs { tail: Some(tail), log, ..Logs::default() });
    }
    let Some(run) = standing(repo)?.state.last_run_id else { return Ok(Logs::default()) };
    match history.run_log_end(run, MAX_LOG) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Logs { run_id: Some(run), ..Logs::default() })
        }
        piece => Ok(of_run(run, piece?)),
    }
}

fn of_run(run: u64, piece: LogPiece) -> Logs {
    Logs { run_id: Some(run), tail: None, log: piece.text, truncated: piece.is_cut }
}

/// The log of a run as text, whole or in parts
///
/// A part is asked for with `Range: bytes=…`; the answer says how long the log is by now.
#[utoipa::path(
    get,
    path = "/api/runs/{n}/log",
    tag = "runs",
    params(
        ("n" = u64, Path, description = "Number of the run"),
        ("range" = Option<String>, Header, description = "`bytes=FROM-TO`, `bytes=FROM-` or `bytes=-LAST`"),
    ),
    responses(
        (status = 200, description = "The log", content_type = "text/plain", body = String),
        (status = 206, description = "A part of it", content_type = "text/plain", body = String),
        (status = 404, description = "No such run"),
        (status = 416, description = "It is not that long"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn run_log(
    ApiRepo { repo, .. }: ApiRepo,
    ApiPath(run): ApiPath<u64>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let log = blocking(move || Log::of(&repo, run)).await?;
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok()).and_then(Asked::parse);
    let len = log.len();
    let Some(asked) = asked else { return Ok(answer(StatusCode::OK, log.part(0, len), len)) };
    let Some((from, to)) = asked.within(len) else {
        let problem =
            Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("The log has {len} bytes."));
        return Ok(([(CONTENT_RANGE, format!("bytes */{len}"))], problem).into_response());
    };
    let part = answer(StatusCode::PARTIAL_CONTENT, log.part(from, to - from), to - from);
    Ok(([(CONTENT_RANGE, format!("bytes {from}-{}/{len}", to - 1))], part).into_response())
}

fn answer(status: StatusCode, body: Body, len: u64) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CONTENT_LENGTH, len.to_string()),
    ];
    (status, headers, body).into_response()
}

/// A log that can be sent.
enum Log {
    /// A file of its own, as long as it was when it was opened.
    File(std::fs::File, u64),
    /// Its lines in the log all runs share.
    Text(Bytes),
}

impl Log {
    fn of(repo: &Repo, run: u64) -> Result<Self, EngineError> {
        let opened = std::fs::File::open(repo.run_log_path(run));
        if let Ok((file, data)) = opened.and_then(|file| file.metadata().map(|data| (file, data))) {
            return Ok(Self::File(file, data.len()));
        }
        match History::new(repo).run_log(run) {
            LogView::Text(text) => Ok(Self::Text(text.into())),
            LogView::Nothing(why) => Err(EngineError::not_found(why)),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Text(text) => text.len() as u64,
        }
    }

    /// `len` bytes from `from` on, which have to be there.
    fn part(self, from: u64, len: u64) -> Body {
        match self {
            Self::Text(text) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(text.len());
                Body::from(text.slice(at(from)..at(from + len)))
            }
            Self::File(mut file, _) => match file.seek(SeekFrom::Start(from)) {
                Ok(_) => streamed(tokio::fs::File::from_std(file).take(len)),
                Err(_) => Body::empty(),
            },
        }
    }
}

/// Piece by piece, so that a long log takes little memory.
fn streamed(file: tokio::io::Take<tokio::fs::File>) -> Body {
    Body::from_stream(stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let n = file.read(&mut piece).await?;
        piece.truncate(n);
        Ok::<_, std::io::Error>((n > 0).then(|| (Bytes::from(piece), file)))
    }))
}

/// A `Range` of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// From a place, up to and with another one or the end.
    From(u64, Option<u64>),
    /// The last bytes.
    Last(u64),
}

impl Asked {
    /// Reads the header; what we do not understand is as if it was not there, as the standard wants.
    fn parse(range: &str) -> Option<Self> {
        let (from, to) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
        if from.is_empty() {
            return to.parse().ok().map(Self::Last);
        }
        let from = from.parse().ok()?;
        let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
        to.is_none_or(|to| from <= to).then_some(Self::From(from, to))
    }

    /// From and up to, of `len` bytes.
    fn within(self, len: u64) -> Option<(u64, u64)> {
        let (from, to) = match self {
            Self::From(from, to) => (from, to.map_or(len, |to| to.saturating_add(1).min(len))),
            Self::Last(n) => (len.saturating_sub(n), len),
        };
        (from < to).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_was_asked_for_as_far_as_it_is_there() {
        let part = |range: &str| Asked::parse(range).map(|asked| asked.within(10));
        assert_eq!(part("bytes=0-3"), Some(Some((0, 4))));
        assert_eq!(part("bytes=8-"), Some(Some((8, 10))));
        assert_eq!(part("bytes=8-99"), Some(Some((8, 10))));
        assert_eq!(part("bytes=-3"), Some(Some((7, 10))));
        assert_eq!(part("bytes=-99"), Some(Some((0, 10))));
        assert_eq!(part("bytes=10-"), Some(None));
        assert_eq!(part("bytes=-0"), Some(None));
        for odd in ["lines=1-2", "bytes=3-1", "bytes=a-b", "bytes=0-1,3-4", "bytes"] {
            assert_eq!(part(odd), None, "{odd}");
        }
        assert_eq!(part("bytes=0-18446744073709551615"), Some(Some((0, 10))));
    }
}
