//! What somebody who talks about documents over HTTP may rely on.

use std::fs::File;
use std::path::PathBuf;

use axum::body::{Body, BodyDataStream};
use axum::http::StatusCode;
use futures::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::Web;
use super::with_json;

/// The TODO all agents here find.
const TODO: &str = "# TODO\n\n- [ ] a\n- [ ] b\n\n## Later\n\n- [ ] c\n- [ ] d\n- [ ] e\n\nEnd.\n";
/// An agent that changes two places.
const EDITS: &str = "sed -i 's/a$/A/; s/End/The end/' TODO.md; echo 'Agent: Wrote a large.'";

async fn web(script: &str) -> Web {
    let web = Web::with_agent(script).await;
    web.repo().write(".codex-autorunner/TODO.md", TODO);
    web
}

/// An agent that says `one`, and goes on when it is told to.
async fn patient() -> Web {
    let script = format!("echo one; read line <../../../../go; {EDITS}");
    let web = web(&script).await;
    let go = web.repo().path().join("go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    web
}

impl Web {
    fn todo(&self) -> String {
        std::fs::read_to_string(self.repo().path().join(".codex-autorunner/TODO.md")).expect("read")
    }

    async fn say(&self) -> Value {
        let answer =
            self.send("POST", "/api/docs/todo/chat", &json!({"message": "make a large"})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    /// Lets a patient agent go on.
    async fn go(&self) {
        let go: PathBuf = self.repo().path().join("go");
        let told = tokio::task::spawn_blocking(move || std::fs::write(go, "go\n")).await;
        told.expect("no panic").expect("the agent waits");
    }

    /// Waits for the end of the turn that is at work.
    async fn turn_is_over(&self) {
        let lock = self.repo().path().join(".codex-autorunner/chat/todo/lock");
        let wait = move || File::open(lock).and_then(|file| file.lock());
        tokio::task::spawn_blocking(wait).await.expect("no panic").expect("a lock");
    }

    async fn stream(&self) -> Events {
        let body = json!({"message": "make a large", "stream": true});
        let request = with_json("POST", "/api/docs/todo/chat", &body);
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Events { body: response.into_body().into_data_stream(), text: String::new() }
    }
}

/// A stream of events, read one by one.
struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    /// Name and data of the next event.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .expect("a field")
                        .to_owned()
                };
                let data = serde_json::from_str(&field("data: ")).expect("JSON");
                let told = (field("event: "), data);
                self.text = rest.to_owned();
                return Some(told);
            }
            let more = self.body.next().await?.expect("no error");
            self.text.push_str(&String::from_utf8_lossy(&more));
        }
    }
}

#[tokio::test]
async fn what_the_agent_changes_is_a_proposal_until_it_is_applied() {
    let web = web(EDITS).await;
    let said = web.say().await;
    assert_eq!((&said["status"], &said["kind"]), (&json!("ok"), &json!("todo")));
    assert_eq!(said["agent_message"], "Wrote a large.");
    assert!(said["patch"].as_str().expect("text").starts_with("--- a/.codex-autorunner/TODO.md\n"));
    assert!(said["content"].as_str().expect("text").contains("- [ ] A\n"));
    assert_eq!(web.todo(), TODO);
    let pending = web.get("/api/docs/todo/chat/pending").await.json();
    assert_eq!((&pending["patch"], &pending["proposal"]), (&said["patch"], &said["proposal"]));
    let applied = web.send("POST", "/api/docs/todo/chat/apply", &json!({})).await.json();
    assert_eq!((&applied["status"], &applied["content"]), (&json!("ok"), &said["content"]));
    assert_eq!(applied["agent_message"], "Wrote a large.");
    assert_eq!(web.todo(), said["content"].as_str().expect("text"));
    let gone = web.get("/api/docs/todo/chat/pending").await;
    assert_eq!(
        (gone.status, &gone.json()["detail"]),
        (StatusCode::NOT_FOUND, &json!("No pending patch"))
    );
    let chat = web.get("/api/docs/todo/chat").await.json();
    assert_eq!(chat["turns"][0]["message"], "make a large");
    assert_eq!(chat["turns"][0]["outcome"], json!({"is": "answered", "text": "Wrote a large."}));
    assert_eq!((&chat["running"], &chat["proposal"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn one_hunk_is_taken_and_what_others_wrote_meanwhile_stays() {
    let web = web(EDITS).await;
    let hunks = web.say().await["documents"][0]["hunks"].as_array().expect("a list").len();
    assert_eq!(hunks, 2);
    web.repo().write(".codex-autorunner/TODO.md", &TODO.replace("[ ] b", "[x] b"));
    let none = web.send("POST", "/api/docs/todo/chat/apply", &json!({"hunks": [7]})).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    web.send("POST", "/api/docs/todo/chat/apply", &json!({"hunks": [2]})).await;
    assert_eq!(web.todo(), TODO.replace("[ ] b", "[x] b").replace("End.", "The end."));
}

#[tokio::test]
async fn a_place_that_both_changed_is_shown_and_decided_by_a_person() {
    let web = web(EDITS).await;
    web.say().await;
    web.repo().write(".codex-autorunner/TODO.md", &TODO.replace("[ ] a", "[x] a"));
    let refused = web.send("POST", "/api/docs/todo/chat/apply", &json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let conflict = &refused.json()["conflicts"][0];
    let shown = conflict["pieces"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|piece| piece["is"] == "conflict");
    assert_eq!(shown.expect("a conflict")["live"], "- [x] a\n");
    let own = json!({"content": "mine\n", "version": conflict["live_version"]});
    let applied = web.send("POST", "/api/docs/todo/chat/apply", &own).await;
    assert_eq!((applied.status, web.todo().as_str()), (StatusCode::OK, "mine\n"));
}

#[tokio::test]
async fn nobody_applies_a_proposal_they_have_not_seen() {
    let web = web(EDITS).await;
    let first = web.say().await["proposal"].clone();
    web.repo().write(
        ".codex-autorunner/config.yml",
        &json!({"codex": {"binary": "sh", "args": ["-c", "echo more >>TODO.md; echo done"]}})
            .to_string(),
    );
    let second = web.say().await["proposal"].clone();
    assert_ne!(first, second);
    for decision in ["apply", "discard"] {
        let path = format!("/api/docs/todo/chat/{decision}");
        let refused = web.send("POST", &path, &json!({"proposal": first})).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{decision}");
    }
    let applied = web.send("POST", "/api/docs/todo/chat/apply", &json!({"proposal": second})).await;
    assert_eq!(applied.status, StatusCode::OK);
    assert!(web.todo().ends_with("more\n"));
}

#[tokio::test]
async fn discarding_touches_no_document_and_no_other_proposal() {
    let web = web(EDITS).await;
    let spec = web.get("/api/docs/spec").await.json();
    web.say().await;
    let other = web.send("POST", "/api/docs/spec/chat/discard", &json!({})).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert_eq!(web.get("/api/docs/spec").await.json(), spec);
    assert_eq!(web.get("/api/docs/todo/chat/pending").await.status, StatusCode::OK);
    let discarded = web.send("POST", "/api/docs/todo/chat/discard", &json!({})).await;
    assert_eq!((discarded.status, &discarded.json()["content"]), (StatusCode::OK, &json!(TODO)));
    assert_eq!(web.todo(), TODO);
}

#[tokio::test]
async fn words_arrive_while_the_agent_works() {
    let web = patient().await;
    let mut events = web.stream().await;
    let mut told = Vec::new();
    while let Some((name, data)) = events.next().await {
        if data.get("elapsed_ms").is_some() {
            continue;
        }
        if name == "token" && data["token"] == "one\n" {
            web.go().await;
        }
        told.push((name, data));
    }
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["status", "status", "token", "token", "update", "done"]);
    assert_eq!(
        (&told[0].1, &told[1].1),
        (&json!({"status": "queued"}), &json!({"status": "running"}))
    );
    assert_eq!(told[4].1["agent_message"], "Wrote a large.");
    assert_eq!(told[5].1, json!({"status": "ok"}));
    assert_eq!(web.todo(), TODO);
}

#[tokio::test]
async fn a_client_that_goes_away_finds_the_proposal_later() {
    let web = patient().await;
    let mut events = web.stream().await;
    while events.next().await.expect("an event").0 != "token" {}
    drop(events);
    let busy = web.send("POST", "/api/docs/todo/chat", &json!({"message": "x"})).await;
    assert_eq!(
        (busy.status, &busy.json()["detail"]),
        (StatusCode::CONFLICT, &json!("Doc chat already running for todo"))
    );
    let chat = web.get("/api/docs/todo/chat").await.json();
    assert_eq!(chat["running"]["message"], "make a large");
    web.go().await;
    web.turn_is_over().await;
    assert_eq!(web.todo(), TODO);
    assert_eq!(web.get("/api/docs/todo/chat/pending").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_cancelled_turn_ends_and_changes_nothing() {
    let web = patient().await;
    let mut events = web.stream().await;
    while events.next().await.expect("an event").0 != "token" {}
    let cancelled = web.send("POST", "/api/docs/todo/chat/cancel", &json!({})).await.json();
    assert_eq!(cancelled, json!({"status": "ok", "cancelled": true}));
    let (name, data) = loop {
        let (name, data) = events.next().await.expect("an event");
        if name != "status" {
            break (name, data);
        }
    };
    assert_eq!((name.as_str(), &data["detail"]), ("error", &json!("the doc chat was cancelled")));
    assert!(events.next().await.is_none());
    assert_eq!(web.todo(), TODO);
    let again = web.send("POST", "/api/docs/todo/chat/cancel", &json!({})).await.json();
    assert_eq!(again["cancelled"], false);
    let reset = web
        .ask(
            super::super::request("DELETE", "/api/docs/todo/chat")
                .body(Body::empty())
                .expect("valid"),
        )
        .await;
    assert_eq!(reset.status, StatusCode::NO_CONTENT);
    assert_eq!(web.get("/api/docs/todo/chat").await.json()["turns"], json!([]));
}

#[tokio::test]
async fn an_agent_that_fails_is_told_and_nothing_is_said_without_words() {
    let web = web("echo broken; exit 3").await;
    let failed = web.send("POST", "/api/docs/todo/chat", &json!({"message": "x"})).await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY);
    assert!(failed.json()["detail"].as_str().expect("text").contains("broken"), "{}", failed.text);
    for body in [json!({}), json!({"message": "  "})] {
        let silent = web.send("POST", "/api/docs/todo/chat", &body).await;
        assert_eq!(
            (silent.status, &silent.json()["detail"]),
            (StatusCode::BAD_REQUEST, &json!("message is required"))
        );
    }
}

#[tokio::test]
async fn several_documents_are_changed_together() {
    let web = web("sed -i 's/a$/A/' TODO.md; echo '# Spec' >SPEC.md; echo done").await;
    let said = web.send("POST", "/api/docs/todo+spec/chat", &json!({"message": "x"})).await.json();
    assert_eq!(
        (&said["kind"], said["documents"].as_array().map(Vec::len)),
        (&json!("todo+spec"), Some(2))
    );
    let spec = web.get("/api/docs/spec").await.json();
    let only_todo = json!({"documents": {"spec": {"hunks": []}}});
    let applied = web.send("POST", "/api/docs/todo+spec/chat/apply", &only_todo).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.text);
    assert_eq!(web.todo(), TODO.replace("[ ] a", "[ ] A"));
    assert_eq!(web.get("/api/docs/spec").await.json(), spec);
    let odd =
        web.send("POST", "/api/docs/todo/chat/apply", &json!({"documents": {"spec": {}}})).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
}
