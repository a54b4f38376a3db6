//! What every request that changes something may rely on.

use axum::body::Body;
use axum::http::StatusCode;

use super::{Answer, Web, request};

impl Web {
    /// Sends `body` to `path` as a page of ours with this cookie and key.
    async fn post(&self, cookie: &str, path: &str, key: &str, body: &str) -> Answer {
        let mut ask = request("POST", path)
            .header("cookie", cookie)
            .header("x-car-request", "1")
            .header("content-type", "application/json");
        if !key.is_empty() {
            ask = ask.header("idempotency-key", key);
        }
        self.ask(ask.body(Body::from(body.to_owned())).expect("valid")).await
    }
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_answered_the_same() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let code = web.access().new_code().await.expect("a code");
    let proof = format!("{{\"code\":\"{code}\"}}");
    let first = web.post(&cookie, "/api/confirm", "k1", &proof).await;
    assert_eq!((first.status, first.headers.get("idempotency-replayed")), (StatusCode::OK, None));
    // A code works once: without the key the same request fails.
    let again = web.post(&cookie, "/api/confirm", "k1", &proof).await;
    assert_eq!((again.status, &again.text), (StatusCode::OK, &first.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["content-type"], first.headers["content-type"]);
    let other = web.post(&cookie, "/api/confirm", "k1", "{}").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", other.text);
    let without = web.post(&cookie, "/api/confirm", "", &proof).await;
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);
    let strange = web.post(&cookie, "/api/confirm", &"k".repeat(300), &proof).await;
    assert_eq!(strange.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let announced = request("POST", "/api/confirm").header("content-length", 64 << 20);
    let announced = web.ask(announced.body(Body::empty()).expect("valid")).await;
    assert_eq!(announced.status, StatusCode::PAYLOAD_TOO_LARGE);
    let long = format!("{{\"token\":\"{}\"}}", "x".repeat(3 << 20));
    let sent = web.post(&cookie, "/api/confirm", "", &long).await;
    assert_eq!(sent.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", sent.text);
}
