//! Who gets in, and what every answer carries.

use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, HOST, ORIGIN};
use axum::http::{Request, StatusCode};
use futures::StreamExt;
use tower::ServiceExt;

use super::{Web, request};

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
    assert_eq!(web.get("/api/events?topics=repo:nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn another_name_or_another_site_gets_nothing() {
    let web = Web::new().await;
    let named = Request::builder().uri("/").header(HOST, "evil.example").body(Body::empty());
    let named = web.ask(named.expect("valid")).await;
    assert_eq!((named.status, named.text.as_str()), (StatusCode::BAD_REQUEST, "Invalid host"));
    let form = request("POST", "/rpc/run_action")
        .header(ORIGIN, "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("repo=x&verb=start"));
    assert_eq!(web.ask(form.expect("valid")).await.status, StatusCode::FORBIDDEN);
}

/// Every address of the server: its routes, the pages, the server functions, and files that are there or not.
fn addresses() -> Vec<String> {
    let mut all: Vec<String> =
        super::super::routes().iter().map(|(path, _)| (*path).to_owned()).collect();
    all.extend(
        leptos_axum::generate_route_list(app::App).iter().map(|route| route.path().to_owned()),
    );
    all.extend(leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()));
    all.extend(
        super::super::api::class::declared(&super::super::api::document())
            .into_iter()
            .map(|(_, path, _)| path),
    );
    all.extend(["/pkg/car.css", "/favicon.svg", "/nowhere", "/api/nowhere"].map(str::to_owned));
    all.into_iter().map(|path| path.replace("{id}", "x")).collect()
}

#[tokio::test]
async fn nothing_but_the_login_is_answered_without_one() {
    let web = Web::closed().await;
    let all = addresses();
    for needed in ["/rpc/run_action", "/repos/x", "/api/events"] {
        assert!(all.iter().any(|path| path == needed), "{needed} is in {all:?}");
    }
    for path in all {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = web.ask(request(method, &path).body(Body::empty()).expect("valid")).await;
            let asked = answer.status == StatusCode::UNAUTHORIZED;
            assert_eq!(
                asked,
                !super::super::auth::is_public(&path),
                "{method} {path}: {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn a_page_without_a_session_leads_to_the_login_and_back() {
    let web = Web::closed().await;
    let ask = request("GET", "/repos/a?x=1&y=2").header("accept", "text/html").body(Body::empty());
    let answer = web.ask(ask.expect("valid")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/login?next=%2Frepos%2Fa%3Fx%3D1%26y%3D2");
}

#[tokio::test]
async fn a_script_uses_the_token_and_a_wrong_one_is_slowed_down_but_never_the_right_one() {
    let web = Web::closed().await;
    let with = |token: String| {
        request("GET", "/api/devices")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .expect("valid")
    };
    let mut last = StatusCode::OK;
    for _ in 0..30 {
        last = web.ask(with("wrong".into())).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let answer = web.ask(with(web.access().token().to_owned())).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "[]"));
    let in_query = format!("/api/devices?token={}", web.access().token());
    assert_eq!(web.get(&in_query).await.status, StatusCode::UNAUTHORIZED, "not for scripts");
}

#[tokio::test]
async fn the_originals_link_with_a_token_logs_a_browser_in_and_hides_the_token() {
    let web = Web::closed().await;
    let path = format!("/?a=1&token={}", web.access().token());
    let ask =
        request("GET", &path).header("accept", "text/html").body(Body::empty()).expect("valid");
    let answer = web.ask(ask).await;
    assert_eq!(answer.headers["location"], "/?a=1");
    assert!(answer.headers.contains_key("set-cookie"));
    assert!(!format!("{:?}{}", answer.headers, answer.text).contains(web.access().token()));
}

#[tokio::test]
async fn a_session_reads_and_writes_only_as_a_page_of_ours() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut ask = request(method, path).header("cookie", &cookie);
        for (name, value) in headers {
            ask = ask.header(*name, *value);
        }
        ask.body(Body::empty()).expect("valid")
    };
    let devices = web.ask(ask("GET", "/api/devices", &[])).await;
    assert!(devices.text.contains("\"this_device\":true"), "{}", devices.text);
    let origin = ("origin", "http://127.0.0.1:4173");
    let status = async |request| web.ask(request).await.status;
    assert_eq!(status(ask("DELETE", "/api/devices/x", &[])).await, StatusCode::FORBIDDEN);
    assert_eq!(status(ask("DELETE", "/api/devices/x", &[origin])).await, StatusCode::FORBIDDEN);
    let own = ("x-car-request", "1");
    assert_eq!(
        status(ask("DELETE", "/api/devices/x", &[origin, own])).await,
        StatusCode::NOT_FOUND
    );
    let evil = ("origin", "https://evil.example");
    assert_eq!(status(ask("DELETE", "/api/devices/x", &[evil, own])).await, StatusCode::FORBIDDEN);
    assert_eq!(status(ask("POST", "/logout", &[origin])).await, StatusCode::SEE_OTHER);
    assert_eq!(
        status(ask("GET", "/api/devices", &[])).await,
        StatusCode::UNAUTHORIZED,
        "logged out"
    );
    let did = web.access().audit(20).await.expect("kept");
    assert!(did.iter().any(|entry| entry.detail == "DELETE /api/devices/x"), "{did:?}");
}

#[tokio::test]
async fn an_open_stream_ends_when_its_browser_is_logged_out() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let ask = request("GET", "/api/events").header("cookie", &cookie).body(Body::empty());
    let response = web.router.clone().oneshot(ask.expect("valid")).await.expect("infallible");
    let mut body = response.into_body().into_data_stream();
    body.next().await.expect("an event").expect("no error");
    let device = web.access().devices().await.expect("listed").remove(0);
    web.access()
        .revoke(&device.id, "token", &car_engine::access::Peer::default())
        .await
        .expect("logged out");
    while body.next().await.is_some() {}
}

#[tokio::test]
async fn a_socket_of_another_site_is_refused_before_anything_else() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let ask = request("GET", "/api/terminal")
        .header("cookie", &cookie)
        .header("upgrade", "websocket")
        .header(ORIGIN, "http://evil.example")
        .body(Body::empty());
    assert_eq!(web.ask(ask.expect("valid")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_page_never_gets_the_program_of_another_version() {
    let web = Web::new().await;
    let page = web.get("/").await.text;
    let build = page.split("data-build=\"").nth(1).and_then(|rest| rest.split('"').next());
    let build = build.expect("the page names its site");
    for file in ["car.js", "car.wasm", "car.css"] {
        let named = format!("/pkg/{file}?v={build}");
        assert!(page.contains(&named), "{named}");
        let ask = request("HEAD", &named).body(Body::empty()).expect("valid");
        assert_eq!(web.ask(ask).await.status, StatusCode::OK);
        let other = web.get(&format!("/pkg/{file}?v=0123456789abcdef")).await;
        assert_eq!(other.status, StatusCode::GONE);
        assert_eq!(other.headers["cache-control"], "no-store");
    }
}
