//! What the web server answers, asked in process.

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, ORIGIN};
use axum::http::{HeaderMap, Request, StatusCode};
use car_engine::{InitMode, Served, init};
use car_testkit::repo::TempRepo;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

struct Web {
    router: Router,
    cancel: CancellationToken,
    _repo: TempRepo,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Web {
    async fn new() -> Self {
        let repo = TempRepo::new();
        init(repo.path(), InitMode::Repo, false, false).await.expect("initialised");
        let served = Served::open(repo.path(), Vec::new()).expect("valid configuration");
        let cancel = CancellationToken::new();
        let router = super::router(served, cancel.clone()).expect("a router");
        Self { router, cancel, _repo: repo }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a whole body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path).body(Body::empty()).expect("valid")).await
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:4173")
}

#[tokio::test]
async fn a_page_is_complete_and_brings_its_own_policy() {
    let page = Web::new().await.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Write down in SPEC.md what is to be built"), "the TODO list");
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
    let nonce = nonce.expect("a nonce");
    assert!(page.text.contains(&format!("nonce=\"{nonce}\"")), "scripts carry it");
    assert!(!policy.contains("script-src 'self' 'unsafe-inline'"));
}

#[tokio::test]
async fn what_does_not_exist_is_a_page_that_says_so() {
    let web = Web::new().await;
    assert_eq!(web.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(web.get("/repos/nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(web.get("/api/events?repo=nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_name_or_another_site_gets_nothing() {
    let web = Web::new().await;
    let named = Request::builder().uri("/").header(HOST, "evil.example").body(Body::empty());
    let named = web.ask(named.expect("valid")).await;
    assert_eq!((named.status, named.text.as_str()), (StatusCode::BAD_REQUEST, "Invalid host"));
    let form = request("POST", "/api/ui/run_action")
        .header(ORIGIN, "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("repo=x&verb=start"));
    assert_eq!(web.ask(form.expect("valid")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_new_listener_gets_the_present_state_and_hears_the_end() {
    let web = Web::new().await;
    let ask = request("GET", "/api/events").body(Body::empty()).expect("valid");
    let response = web.router.clone().oneshot(ask).await.expect("infallible");
    let mut body = response.into_body().into_data_stream();
    let first = body.next().await.expect("an event").expect("no error");
    assert!(
        String::from_utf8_lossy(&first).starts_with("event: hello\ndata: {\"server_time_ms\":")
    );
    web.cancel.cancel();
    while body.next().await.is_some() {}
}
