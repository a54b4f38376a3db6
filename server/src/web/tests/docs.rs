//! What somebody who works with documents over HTTP may rely on. The agent is a shell script.

mod chat;
mod written;

use std::ffi::OsString;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use car_engine::{InitMode, init};
use car_testkit::repo::TempRepo;
use serde_json::{Value, json};

use super::{Answer, Web, request};

/// A guard that only hands over the prompt: the real one is a process of the built program.
const GUARD: &str =
    r#"while [ "$1" != -- ]; do shift; done; shift; read n; head -c "$n" | timeout 20 "$@""#;

impl Web {
    /// A repository whose agent is `script`.
    async fn with_agent(script: &str) -> Self {
        Self::with_config(&json!({"codex": {"binary": "sh", "args": ["-c", script]}})).await
    }

    /// A repository with this configuration.
    pub(super) async fn with_config(config: &Value) -> Self {
        let repo = TempRepo::new();
        init(repo.path(), InitMode::Repo, false, false).await.expect("initialised");
        repo.write(".codex-autorunner/config.yml", &config.to_string());
        let program = ["sh", "-c", GUARD, "guard"].map(OsString::from).to_vec();
        Self::serving(repo, program, false, "")
    }

    pub(super) fn repo(&self) -> &TempRepo {
        &self.repo
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask(with_json(method, path, body)).await
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn etag(&self) -> &str {
        self.headers["etag"].to_str().expect("text")
    }
}

fn with_json(method: &str, path: &str, body: &Value) -> Request<Body> {
    let request = request(method, path).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).expect("valid")
}

#[tokio::test]
async fn a_document_is_written_as_the_originals_clients_do() {
    let web = Web::new().await;
    let answer =
        web.send("PUT", "/api/docs/ToDo", &json!({"content": "# TODO\n\n- [ ] x\n"})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let all = web.get("/api/docs").await.json();
    assert_eq!(all["todo"], "# TODO\n\n- [ ] x\n");
    assert_eq!(all["versions"]["todo"], answer.json()["version"]);
    for kind in ["progress", "opinions", "spec", "summary"] {
        assert!(all[kind].is_string(), "{kind}");
    }
}

#[tokio::test]
async fn a_write_without_a_text_changes_nothing() {
    let web = Web::new().await;
    let before = web.get("/api/docs/todo").await.json();
    let answer = web.send("PUT", "/api/docs/todo", &json!({})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(web.get("/api/docs/todo").await.json(), before);
}

#[tokio::test]
async fn a_document_nobody_knows_is_told_the_same_way_everywhere() {
    let web = Web::new().await;
    for (method, path) in [
        ("GET", "/api/docs/readme"),
        ("PUT", "/api/docs/readme"),
        ("PUT", "/api/docs/snapshot"),
        ("GET", "/api/docs/%FF"),
        ("GET", "/api/docs/readme/history"),
        ("POST", "/api/docs/readme/restore"),
        ("GET", "/api/docs/readme/chat"),
        ("POST", "/api/docs/readme/chat"),
        ("GET", "/api/docs/readme/chat/pending"),
        ("GET", "/api/docs/snapshot/chat/pending"),
        ("POST", "/api/docs/readme/chat/apply"),
        ("POST", "/api/docs/readme/chat/discard"),
        ("POST", "/api/docs/readme/chat/cancel"),
    ] {
        let body = json!({"content": "x", "message": "x", "version": "abcd"});
        let answer = web.send(method, path, &body).await;
        let detail = answer.json()["detail"].clone();
        let said = (answer.status, detail.as_str());
        assert_eq!(said, (StatusCode::BAD_REQUEST, Some("invalid doc kind")), "{method} {path}");
    }
}

#[tokio::test]
async fn a_writer_who_has_not_seen_the_present_text_learns_it_and_writes_nothing() {
    let web = Web::new().await;
    let seen = web.get("/api/docs/todo").await;
    web.send("PUT", "/api/docs/todo", &json!({"content": "theirs\n"})).await;
    let write = |tag: &str, text: &str| {
        let mut request = with_json("PUT", "/api/docs/todo", &json!({"content": text}));
        request.headers_mut().insert("if-match", tag.parse().expect("a header"));
        web.ask(request)
    };
    let refused = write(seen.etag(), "mine\n").await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    let (said, tag) = (refused.json(), refused.etag().to_owned());
    assert_eq!(
        (&said["code"], &said["content"]),
        (&json!("precondition_failed"), &json!("theirs\n"))
    );
    assert_eq!(tag, format!("\"{}\"", said["version"].as_str().expect("text")));
    assert_eq!(write(&tag, "both\n").await.status, StatusCode::OK);
    assert_eq!(web.get("/api/docs/todo").await.json()["content"], "both\n");
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let web = Web::new().await;
    for path in ["/api/docs/spec", "/api/docs"] {
        let tag = web.get(path).await.etag().to_owned();
        let again = || {
            let request = request("GET", path).header("if-none-match", &tag);
            web.ask(request.body(Body::empty()).expect("valid"))
        };
        assert_eq!(again().await.status, StatusCode::NOT_MODIFIED, "{path}");
        web.send("PUT", "/api/docs/spec", &json!({"content": path})).await;
        assert_eq!(again().await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn whatever_was_overwritten_or_cleared_comes_back() {
    let web = Web::new().await;
    let first = web.send("PUT", "/api/docs/todo", &json!({"content": "first\n"})).await.json();
    web.send("PUT", "/api/docs/todo", &json!({"content": "second\n"})).await;
    let cleared = web.send("POST", "/api/docs/clear", &json!({})).await;
    assert_eq!(cleared.json()["todo"], "# TODO\n\n", "{}", cleared.text);
    let history = web.get("/api/docs/todo/history").await.json();
    let authors: Vec<&Value> = history["versions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|version| &version["author"])
        .collect();
    assert_eq!(authors[..3], ["clear-docs", "web", "web"]);
    let version = first["version"].as_str().expect("text");
    let old = web.get(&format!("/api/docs/todo/history/{}", &version[..8])).await.json();
    assert_eq!((&old["content"], &old["version"]), (&json!("first\n"), &json!(version)));
    let restored = web.send("POST", "/api/docs/todo/restore", &json!({"version": version})).await;
    assert_eq!(restored.json()["content"], "first\n");
    assert_eq!(web.get("/api/docs").await.json()["todo"], "first\n");
    let unknown = web.get("/api/docs/todo/history/ffffffff").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_text_may_be_larger_than_two_megabytes_but_not_endless() {
    let web = Web::new().await;
    let put = |bytes: usize| {
        let body = json!({"content": "x".repeat(bytes)});
        web.ask(with_json("PUT", "/api/docs/spec", &body))
    };
    assert_eq!(put(3 << 20).await.status, StatusCode::OK);
    assert_eq!(put(9 << 20).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        web.repo().path().join(".codex-autorunner/SPEC.md").metadata().expect("there").len(),
        3 << 20
    );
}
