//! `Idempotency-Key`: a request that is repeated with the same key is done once and answered the same.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use car_engine::EngineError;
use car_engine::idempotency::{Claim, KeptAnswer, Known, MAX_KEPT_BODY};

use super::super::WebState;
use super::super::address::RepoId;
use super::super::auth::Caller;
use super::super::edge::MAX_BODY;
use super::super::problem::Problem;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key.
const MAX_KEY: usize = 255;
/// Headers that belong to an answer; all others belong to its transport.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// Does what comes with a new key, and answers what comes with a known one from memory.
pub(super) async fn check(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let key = match request.headers().get(KEY) {
        Some(key) if !is_safe => key.clone(),
        _ => return next.run(request).await,
    };
    match answer(&state, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    state: &WebState,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key =
        key.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len())).ok_or_else(|| {
            let sentence = format!("An Idempotency-Key has 1 to {MAX_KEY} visible letters.");
            Problem::new(StatusCode::BAD_REQUEST, sentence)
        })?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too large.")
    })?;
    let caller = parts.extensions.get::<Caller>().map_or("anybody", Caller::id).to_owned();
    let repo = parts.extensions.get::<RepoId>().map_or("", |RepoId(id)| id.as_str());
    let target = parts.uri.to_string();
    let what = [parts.method.as_str().as_bytes(), repo.as_bytes(), target.as_bytes(), &body];
    match state.answers.look(&caller, key, &what).await? {
        Known::Done(kept) => Ok(replayed(kept)),
        Known::Other => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "This Idempotency-Key was used for another request.",
        )
        .with_code("idempotency_key_reused")
        .with_hint("make a new key for each thing you want done")),
        Known::New(claim) => {
            let request = Request::from_parts(parts, Body::from(body));
            let state = state.clone();
            // A client that goes away in the middle must not undo half of it, and will ask again.
            let tracker = state.tracker.clone();
            let done = tracker.spawn(async move { perform(&state, claim, request, next).await });
            done.await.unwrap_or_else(|_| {
                Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The request failed."))
            })
        }
    }
}

async fn perform(
    state: &WebState,
    claim: Claim,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = next.run(request).await.into_parts();
    let is_stream = parts
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    // What failed here or was put off may go better the next time.
    if is_stream || parts.status.is_server_error() || parts.status == StatusCode::TOO_MANY_REQUESTS
    {
        return Ok(Response::from_parts(parts, body));
    }
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "The answer broke off."))?;
    // What was done is told, even where it takes too much room to be told again.
    if body.len() > MAX_KEPT_BODY {
        return Ok(Response::from_parts(parts, Body::from(body)));
    }
    let answer = KeptAnswer {
        status: parts.status.as_u16(),
        headers: kept(&parts.headers),
        body: body.to_vec(),
    };
    keep(state, claim, answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

async fn keep(state: &WebState, claim: Claim, answer: KeptAnswer) -> Result<(), EngineError> {
    state.answers.keep(claim, answer).await
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |name: HeaderName| {
        let value = headers.get(&name)?.to_str().ok()?.to_owned();
        Some((name.as_str().to_owned(), value))
    };
    KEPT.into_iter().filter_map(pair).collect()
}

fn replayed(kept: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = (status, Bytes::from(kept.body)).into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
