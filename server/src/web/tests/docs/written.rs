//! What somebody who has documents written by the agent over HTTP may rely on.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::Web;

/// An agent that answers as it is asked to.
const INGESTS: &str = "cat >/dev/null; echo asked >>asked
printf '%s\\n' '<TODO>' '- [ ] build' '</TODO>' '<PROGRESS>' 'none' '</PROGRESS>' '<OPINIONS>' 'plain' '</OPINIONS>'";

async fn web(script: &str) -> Web {
    let web = Web::with_agent(script).await;
    web.repo().write(".codex-autorunner/SPEC.md", "# Spec\n\nBuild it.\n");
    web
}

async fn ingest(web: &Web, body: &Value) -> (StatusCode, Value) {
    let answer = web.send("POST", "/api/ingest-spec", body).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn a_spec_becomes_documents_and_all_five_are_answered() {
    let web = web(INGESTS).await;
    let (status, all) = ingest(&web, &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{all}");
    assert_eq!((&all["todo"], &all["opinions"]), (&json!("- [ ] build\n"), &json!("plain\n")));
    assert_eq!(all["spec"], "# Spec\n\nBuild it.\n");
    assert_eq!(web.get("/api/docs").await.json(), all);
}

#[tokio::test]
async fn documents_that_hold_something_are_noticed_before_the_agent_is_asked() {
    let web = web(INGESTS).await;
    web.repo().write(".codex-autorunner/TODO.md", "- [ ] mine\n");
    let (status, refused) = ingest(&web, &json!({})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        refused["detail"].as_str().expect("text").contains("already contain content"),
        "{refused}"
    );
    assert!(!web.repo().path().join("asked").exists(), "nobody pays in vain");
    let (status, all) = ingest(&web, &json!({"force": true})).await;
    assert_eq!((status, &all["todo"]), (StatusCode::OK, &json!("- [ ] build\n")));
}

#[tokio::test]
async fn only_files_of_the_repository_reach_the_agent() {
    let web = web(INGESTS).await;
    for path in ["/etc/hostname", "../../../../../../etc/hostname", "nowhere.md"] {
        let (status, refused) = ingest(&web, &json!({"spec_path": path})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    }
    web.repo().write(".codex-autorunner/SPEC.md", " ");
    assert_eq!(ingest(&web, &json!({})).await.0, StatusCode::BAD_REQUEST, "empty");
    assert!(!web.repo().path().join("asked").exists());
}

#[tokio::test]
async fn an_answer_nobody_can_read_changes_nothing() {
    let web = web("echo nonsense").await;
    let before = web.get("/api/docs").await.json();
    assert_eq!(ingest(&web, &json!({})).await.0, StatusCode::BAD_GATEWAY);
    assert_eq!(web.get("/api/docs").await.json(), before);
}

#[tokio::test]
async fn a_snapshot_is_made_and_told_when_it_is_out_of_date() {
    let web = web("cat >/dev/null; echo '# Repo Snapshot'").await;
    let none = web.get("/api/snapshot").await.json();
    assert_eq!((&none["exists"], &none["content"]), (&json!(false), &json!("")));
    let made = web.send("POST", "/api/snapshot", &json!({"anything": 1})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(
        (&made.json()["content"], &made.json()["truncated"]),
        (&json!("# Repo Snapshot\n"), &json!(false))
    );
    let now = web.get("/api/snapshot").await.json();
    assert_eq!(
        (&now["exists"], &now["stale"], &now["state"]),
        (&json!(true), &Value::Null, &made.json()["state"])
    );
    web.repo().write(".codex-autorunner/TODO.md", "- [ ] other\n");
    assert!(web.get("/api/snapshot").await.json()["stale"].is_string());
}
