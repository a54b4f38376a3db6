//! Streams: what a client hears, and when a stream ends.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderValue, StatusCode};
use car_engine::access::Peer;
use futures::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{Web, request};

/// A stream as a client reads it.
struct Client {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    name: String,
    id: Option<String>,
    data: String,
    comment: Option<String>,
}

impl Client {
    async fn open(web: &Web, path: &str, headers: &[(&str, &str)]) -> Self {
        let ask = headers
            .iter()
            .fold(request("GET", path), |ask, (name, value)| ask.header(*name, *value));
        let ask = ask.header("accept-encoding", "gzip, br").body(Body::empty()).expect("valid");
        let response = web.router.clone().oneshot(ask).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
        let said = |name: &str| response.headers().get(name).map(HeaderValue::as_bytes);
        assert_eq!(said("content-type"), Some(&b"text/event-stream"[..]));
        assert_eq!(said("content-encoding"), None, "compressed bytes wait in buffers");
        assert_eq!(said("cache-control"), Some(&b"no-cache"[..]));
        assert_eq!(said("x-accel-buffering"), Some(&b"no"[..]));
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let mut heard = Heard::default();
                for line in event.lines() {
                    let (field, value) = line.split_once(':').expect("a field");
                    let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
                    match field {
                        "event" => heard.name = value,
                        "id" => heard.id = Some(value),
                        "data" => heard.data += &value,
                        "" => heard.comment = Some(value),
                        _ => panic!("an unknown field: {line}"),
                    }
                }
                self.text = rest.to_owned();
                return Some(heard);
            }
            let bytes = self.body.next().await?.expect("no error");
            self.text += &String::from_utf8_lossy(&bytes);
        }
    }

    /// The next event that is no sign of life.
    async fn news(&mut self) -> Option<Heard> {
        loop {
            let heard = self.next().await?;
            if heard.comment.is_none() && heard.name != "beat" {
                return Some(heard);
            }
        }
    }

    /// The next event of that name.
    async fn until(&mut self, name: &str) -> Heard {
        loop {
            let heard = self.next().await.expect("not the end");
            if heard.name == name {
                return heard;
            }
        }
    }

    async fn names_until_ready(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while names.last().is_none_or(|name| name != "ready") {
            names.push(self.news().await.expect("not the end").name);
        }
        names
    }
}

fn json(heard: &Heard) -> Value {
    serde_json::from_str(&heard.data).expect("JSON")
}

#[tokio::test]
async fn a_client_gets_the_present_then_each_change_once_and_what_it_missed_when_it_comes_back() {
    let web = Web::new().await;
    web.watch();
    let id = web.repo_id();
    let path = format!("/api/events?topics=hub,repo:{id},doc:{id}/todo");
    let mut client = Client::open(&web, &path, &[]).await;
    let names = client.names_until_ready().await;
    assert_eq!(names[0], "hello");
    for name in ["row", "dashboard", "doc"] {
        assert_eq!(names.iter().filter(|is| *is == name).count(), 1, "{name} in {names:?}");
    }
    let todo = web.file(".codex-autorunner/TODO.md");
    std::fs::write(&todo, "- [ ] one\n- [ ] two\n").expect("write");
    let doc = client.until("doc").await;
    let version = json(&doc)["version"].clone();
    let last = doc.id.expect("changes have ids");
    drop(client);
    std::fs::write(&todo, "- [x] one\n- [ ] two\n").expect("write");
    let mut client = Client::open(&web, &path, &[("last-event-id", &last)]).await;
    assert_eq!(client.next().await.expect("hello").name, "hello");
    let missed = client.until("doc").await;
    assert_ne!(json(&missed)["version"], version);
    web.cancel.cancel();
    while client.next().await.is_some() {}
}

#[tokio::test]
async fn somebody_who_comes_back_for_other_things_begins_anew() {
    let web = Web::new().await;
    let mut client = Client::open(&web, "/api/events?topics=hub", &[]).await;
    let last = client.until("ready").await.id.expect("a place");
    let path = format!("/api/events?topics=hub,repo:{}", web.repo_id());
    for (path, last) in [(path.as_str(), last.as_str()), ("/api/events?topics=hub", "0-1-0")] {
        let mut client = Client::open(&web, path, &[("last-event-id", last)]).await;
        let names = client.names_until_ready().await;
        assert_eq!(names[..2], ["hello", "resync"]);
        assert!(names.contains(&"row".to_owned()));
    }
    let mut client =
        Client::open(&web, "/api/events?topics=hub", &[("last-event-id", &last)]).await;
    assert_eq!(client.next().await.expect("hello").name, "hello");
    web.cancel.cancel();
    assert_eq!(client.news().await, None, "it had everything");
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let web = Web::new().await;
    let id = web.repo_id();
    let many = vec!["hub"; 65].join(",");
    let refused = [
        (String::new(), StatusCode::BAD_REQUEST),
        ("topics=".to_owned(), StatusCode::BAD_REQUEST),
        ("topics=hub,weather".to_owned(), StatusCode::BAD_REQUEST),
        (format!("topics={many}"), StatusCode::BAD_REQUEST),
        ("topics=hub&from=3".to_owned(), StatusCode::BAD_REQUEST),
        (format!("topics=run:{id}/1&from=x"), StatusCode::BAD_REQUEST),
        (format!("topics=run:{id}/7"), StatusCode::NOT_FOUND),
        ("topics=doc:nobody/todo".to_owned(), StatusCode::NOT_FOUND),
        ("topics=job:0f".to_owned(), StatusCode::NOT_FOUND),
        ("topics=terminal:t".to_owned(), StatusCode::NOT_FOUND),
    ];
    for (query, status) in refused {
        let answer = web.get(&format!("/api/events?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        let problem: Value = serde_json::from_str(&answer.text).expect("a problem");
        assert!(problem["detail"].is_string(), "{query}");
    }
}

#[tokio::test]
async fn the_state_is_told_at_first_and_whenever_it_differs() {
    let web = Web::new().await;
    web.watch();
    let todo = web.file(".codex-autorunner/TODO.md");
    std::fs::write(&todo, "- [ ] one\n").expect("write");
    let mut client = Client::open(&web, "/api/state/stream", &[]).await;
    let first = json(&client.news().await.expect("a state"));
    assert_eq!(first, web.get("/api/state").await.json());
    std::fs::write(&todo, "- [x] one\n- [ ] two\n- [ ] three\n").expect("write");
    // Documents that say nothing about the loop are no news.
    std::fs::write(web.file(".codex-autorunner/SPEC.md"), "new\n").expect("write");
    let next = json(&client.news().await.expect("a state"));
    let counts = [&next["outstanding_count"], &next["done_count"]];
    assert_eq!(counts, [2, 1]);
    web.cancel.cancel();
    assert_eq!(client.news().await, None, "the same is not told again");
}

#[tokio::test]
async fn the_log_is_heard_line_by_line_from_now_on_also_after_a_rotation() {
    let web = Web::new().await;
    web.watch();
    let log = web.file(".codex-autorunner/codex-autorunner.log");
    let append = |text: &str| {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&log);
        file.expect("open").write_all(text.as_bytes()).expect("write");
    };
    append("old\nhalf");
    let mut client = Client::open(&web, "/api/logs/stream", &[]).await;
    append(" done\nlast");
    assert_eq!(client.news().await.expect("a line").data, "half done");
    append(" of it\n");
    std::fs::rename(&log, log.with_extension("log.1")).expect("rotated");
    append("new\n");
    assert_eq!(client.news().await.expect("a line").data, "last of it");
    assert_eq!(client.news().await.expect("a line").data, "new");
    web.cancel.cancel();
    assert_eq!(client.news().await, None);
}

#[tokio::test]
async fn a_stream_says_that_it_is_there_and_ends_when_its_browser_is_logged_out_elsewhere() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let headers = [("cookie", cookie.as_str())];
    let mut events = Client::open(&web, "/api/events?topics=notify", &headers).await;
    assert!(events.until("beat").await.id.is_some(), "a place to come back to");
    let mut log = Client::open(&web, "/api/logs/stream", &headers).await;
    assert_eq!(log.next().await.expect("a sign").comment.as_deref(), Some("ping"));
    // As `car devices revoke` does, in another process.
    let other = web.another_access();
    let device = other.devices().await.expect("listed").remove(0).id;
    other.revoke(&device, "token", &Peer::default()).await.expect("logged out");
    while events.next().await.is_some() {}
    while log.next().await.is_some() {}
}
