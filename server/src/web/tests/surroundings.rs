//! What surrounds a loop: terminals, tokens, questions of agents, the health of the server, updates.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Web;

impl Web {
    /// A repository whose Codex home is empty but for one session of one call, and whose caches are its own.
    async fn with_codex_home() -> Self {
        let web = Self::with_config(&json!({})).await;
        let root = web.repo().path().to_path_buf();
        let (home, cache) = (root.join("home"), root.join("cache"));
        let env = format!("CODEX_HOME={}\nXDG_CACHE_HOME={}\n", home.display(), cache.display());
        web.repo().write(".codex-autorunner/.env", &env);
        let used = json!({
            "input_tokens": 100, "cached_input_tokens": 40, "output_tokens": 20,
            "reasoning_output_tokens": 5, "total_tokens": 120,
        });
        let line = |kind: &str, payload: Value| json!({"timestamp": "2025-12-01T10:00:00Z", "type": kind, "payload": payload});
        let info = json!({"total_token_usage": used, "last_token_usage": used});
        let count = json!({"type": "token_count", "info": info, "rate_limits": null});
        let lines = [
            line("session_meta", json!({"id": "t1", "cwd": root})),
            line("turn_context", json!({"cwd": root, "model": "gpt-a"})),
            line("event_msg", count),
        ];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        web.repo().write("home/sessions/2025/12/01/rollout-1.jsonl", &text);
        web
    }
}

#[tokio::test]
async fn tokens_are_told_as_the_original_did_without_places_of_the_machine() {
    let web = Web::with_codex_home().await;
    let answer = web.get("/api/usage?since=2025-12-01").await;
    let usage = answer.json();
    assert_eq!(
        (&usage["mode"], &usage["status"], &usage["since"], &usage["until"], &usage["events"]),
        (&json!("repo"), &json!("ready"), &json!("2025-12-01"), &json!(null), &json!(1))
    );
    assert_eq!(usage["totals"]["total_tokens"], 120);
    assert_eq!(usage["parts"]["uncached_input"], 60);
    assert_ne!(usage["repo"], json!(web.repo().path()));
    let later = web.get("/api/usage?since=2025-12-02").await.json();
    assert_eq!(later["totals"]["total_tokens"], 0);
    let series = web.get("/api/usage/series?bucket=week&segment=model").await.json();
    assert_eq!(
        (&series["bucket"], &series["segment"], &series["buckets"], &series["series"][0]["values"]),
        (&json!("week"), &json!("model"), &json!(["2025-12-01"]), &json!([120]))
    );
    for odd in [
        "?since=soon",
        "/series?until=soon",
        "/series?bucket=month",
        "/series?segment=repo",
        "/series?bucket=hour&since=1970-01-01&until=2030-01-01",
    ] {
        let refused = web.get(&format!("/api/usage{odd}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{odd}: {}", refused.text);
    }
}

#[tokio::test]
async fn terminals_are_listed_and_ended_as_the_originals_commands_do() {
    let web = Web::with_config(&json!({})).await;
    let root = web.repo().path().display().to_string();
    let session = json!({
        "repo_path": root, "created_at": "2026-01-01T00:00:00Z", "last_seen_at": null, "status": "active",
    });
    let state = json!({"sessions": {"a": session, "b": session}, "repo_to_session": {&root: "a"}});
    web.repo().write(".codex-autorunner/state.json", &state.to_string());
    let listed = web.get("/api/sessions?include_abs_paths=1").await;
    assert!(!listed.text.contains(&root), "nobody has to log in here: {}", listed.text);
    let listed = listed.json();
    assert_eq!(listed["repo_to_session"], json!({".": "a"}));
    assert_eq!(listed["abs_repo_to_session"], json!(null));
    assert_eq!(
        listed["sessions"][0],
        json!({
            "session_id": "a", "repo_path": ".", "abs_repo_path": null, "status": "active",
            "created_at": "2026-01-01T00:00:00Z", "last_seen_at": null, "alive": false,
        })
    );
    let stop = |body: Value| {
        let web = &web;
        async move {
            let answer = web.send("POST", "/api/sessions/stop", &body).await;
            (answer.status, answer.json())
        }
    };
    let (status, told) = stop(json!({})).await;
    assert_eq!(
        (status, &told["detail"]),
        (StatusCode::BAD_REQUEST, &json!("Provide session_id or repo_path"))
    );
    let (status, told) = stop(json!({"session_id": "nobody"})).await;
    assert_eq!((status, &told["detail"]), (StatusCode::NOT_FOUND, &json!("Session not found")));
    let (_, told) = stop(json!({"session_id": "b", "repo_path": "."})).await;
    assert_eq!(told, json!({"status": "stopped", "session_id": "a"}), "the place goes first");
    let left = web.get("/api/sessions").await.json();
    assert_eq!(
        (&left["sessions"][0]["session_id"], &left["repo_to_session"]),
        (&json!("b"), &json!({}))
    );
}

#[tokio::test]
async fn where_one_has_to_log_in_places_are_told_on_request() {
    let web = Web::closed().await;
    let cookie = web.session().await;
    let root = web.repo().path().display().to_string();
    let state = json!({"sessions": {"a": {"repo_path": root}}, "repo_to_session": {&root: "a"}});
    web.repo().write(".codex-autorunner/state.json", &state.to_string());
    for (query, place) in [("", json!(null)), ("?include_abs_paths=1", json!(root))] {
        let ask = super::request("GET", &format!("/api/sessions{query}")).header("cookie", &cookie);
        let answer = web.ask(ask.body(axum::body::Body::empty()).expect("valid")).await.json();
        assert_eq!(answer["sessions"][0]["abs_repo_path"], place);
    }
}

#[tokio::test]
async fn where_no_agent_asks_nothing_is_started_to_find_out() {
    let web = Web::with_codex_home().await;
    assert_eq!(web.get("/api/requests").await.json(), json!({"requests": []}));
    let answer = web.send("POST", "/api/requests/x", &json!({"decision": "accept"})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
    let answers = json!({"decision": "accept", "answers": {}});
    for body in [json!({}), answers] {
        let odd = web.send("POST", "/api/requests/x", &body).await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", odd.text);
    }
}

#[tokio::test]
async fn an_update_is_not_promised() {
    let web = Web::with_config(&json!({})).await;
    let check = web.get("/system/update/check").await.json();
    assert_eq!((&check["status"], &check["update_available"]), (&json!("ok"), &json!(false)));
    let update = web.send("POST", "/system/update", &json!({"target": "web"})).await;
    assert_eq!(update.status, StatusCode::NOT_IMPLEMENTED);
    assert!(update.json()["hint"].as_str().expect("a hint").contains("make install"));
    let odd = web.send("POST", "/system/update?target=moon", &json!({})).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST, "{}", odd.text);
    let home = web.repo().path().join("home");
    web.repo().write(".codex-autorunner/.env", &format!("HOME={}\n", home.display()));
    let unknown = web.get("/system/update/status").await.json();
    assert_eq!(unknown["status"], "unknown");
    let record = json!({"status": "rollback", "message": "It was undone.", "at": "2026-01-01"});
    web.repo().write("home/.codex-autorunner/update_status.json", &record.to_string());
    assert_eq!(web.get("/system/update/status").await.json(), record);
}

#[tokio::test]
async fn health_says_what_is_served_and_where() {
    let web = Web::below("/car").await;
    let health = web.get("/car/health").await.json();
    assert_eq!((&health["mode"], &health["base_path"]), (&json!("repo"), &json!("/car")));
}
