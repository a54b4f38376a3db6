//! What somebody who looks after a loop over HTTP may rely on, without a runner.

use axum::body::Body;
use axum::http::StatusCode;
use car_domain::Timestamp;
use car_domain::run::{JournalEntry, Outcome, RunEnd, RunEvent, RunKind};
use serde_json::{Value, json};

use super::{Answer, Web, request};

impl Web {
    /// Writes the journal and the log of a run that said `n` things and failed.
    fn add_run(&self, run: u64, n: u64) {
        let start = RunEvent::RunStarted {
            kind: RunKind::Work,
            agent: "codex".to_owned(),
            run,
            prompt_chars: 10,
            commit: None,
            item: Some("One".to_owned()),
        };
        let said = (1..=n).map(|i| RunEvent::Message { text: format!("word{i} of run{run}") });
        let end = RunEnd {
            outcome: Outcome::Failed,
            exit_code: Some(3),
            signal: None,
            reason: Some("It failed.".to_owned()),
        };
        let end = RunEvent::RunFinished { end, duration_ms: 1500 };
        let events = std::iter::once(start).chain(said).chain([end]);
        let lines = (1..).zip(events).map(|(seq, event)| {
            let entry = JournalEntry { seq, at: Timestamp::from_millis(seq.cast_signed()), event };
            entry.to_line() + "\n"
        });
        let text: String = lines.collect();
        self.repo().write(&format!(".codex-autorunner/runs/run-{run}.jsonl"), &text);
        let log = format!("=== run {run} start ===\nsaid\n=== run {run} end (code 3) ===\n");
        self.repo().write(&format!(".codex-autorunner/runs/run-{run}.log"), &log);
    }

    fn write_state(&self, state: &Value) {
        self.repo().write(".codex-autorunner/state.json", &state.to_string());
    }

    async fn post_nothing(&self, path: &str) -> Answer {
        self.ask(request("POST", path).body(Body::empty()).expect("valid")).await
    }
}

#[tokio::test]
async fn the_state_has_the_originals_fields_and_the_word_every_screen_shows() {
    let web = Web::with_config(&json!({"codex": {"args": ["exec", "--model", "big"]}})).await;
    let state = web.get("/api/state").await.json();
    assert_eq!(
        state,
        json!({
            "last_run_id": null, "status": "idle", "last_exit_code": null,
            "last_run_started_at": null, "last_run_finished_at": null,
            "outstanding_count": 2, "done_count": 1, "running": false, "runner_pid": null,
            "terminal_idle_timeout_seconds": 43200, "codex_model": "big",
            "activity": "idle", "since": null, "detail": null, "next_run_at": null,
            "stop_requested": false, "last_outcome": null,
        })
    );
    web.write_state(&json!({"last_run_id": 2, "status": "running", "runner_pid": 999_999_999}));
    let state = web.get("/api/state").await.json();
    assert_eq!(
        (&state["status"], &state["running"], &state["activity"]),
        (&json!("error"), &json!(false), &json!("interrupted")),
        "running is only said with proof"
    );
}

#[tokio::test]
async fn where_nothing_runs_a_stop_and_a_kill_change_nothing() {
    let web = Web::with_config(&json!({})).await;
    web.write_state(&json!({"last_run_id": 2, "status": "idle", "last_exit_code": 0}));
    let before = web.repo().read(".codex-autorunner/state.json");
    let stopped = web.post_nothing("/api/run/stop").await;
    assert_eq!((stopped.status, stopped.json()), (StatusCode::OK, json!({"running": false})));
    let killed = web.post_nothing("/api/run/kill").await;
    assert_eq!(killed.json(), json!({"running": false, "killed_pid": null}));
    assert_eq!(web.repo().read(".codex-autorunner/state.json"), before);
    assert!(!web.repo().path().join(".codex-autorunner/stop").exists());
    let steered = web.send("POST", "/api/run/steer", &json!({"text": "Hello"})).await;
    assert_eq!(steered.status, StatusCode::CONFLICT, "{}", steered.text);
    let odd = web.send("POST", "/api/run/start", &json!({"once": "yes"})).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", odd.text);
}

#[tokio::test]
async fn a_reset_forgets_the_runs_and_loses_no_log() {
    let web = Web::with_config(&json!({})).await;
    web.add_run(4, 1);
    web.write_state(&json!({"last_run_id": 4, "status": "error", "last_exit_code": 3}));
    web.repo().write(".codex-autorunner/codex-autorunner.log", "shared\n");
    let reset = web.post_nothing("/api/run/reset").await.json();
    assert_eq!(
        (&reset["status"], &reset["message"]),
        (&json!("ok"), &json!("Runner reset complete"))
    );
    let aside = reset["archived_log"].as_str().expect("a path");
    assert_eq!(web.repo().read(aside), "shared\n");
    let state = web.get("/api/state").await.json();
    assert_eq!((&state["last_run_id"], &state["status"]), (&json!(null), &json!("idle")));
    assert_eq!(web.get("/api/logs").await.json(), json!({"log": ""}));
    assert_eq!(web.get("/api/runs/4").await.json()["outcome"], "failed", "the run is still known");
}

#[tokio::test]
async fn logs_are_answered_as_the_original_does_but_never_oddly() {
    let web = Web::with_config(&json!({})).await;
    assert_eq!(web.get("/api/logs").await.json(), json!({"log": ""}));
    web.add_run(1, 1);
    web.write_state(&json!({"last_run_id": 1}));
    let log = "=== run 1 start ===\nsaid\n=== run 1 end (code 3) ===\n";
    let of_run = json!({"run_id": 1, "log": log});
    assert_eq!(web.get("/api/logs").await.json(), of_run);
    assert_eq!(web.get("/api/logs?run_id=1&tail=2").await.json(), of_run);
    let missing = web.get("/api/logs?run_id=9").await;
    assert_eq!(
        (missing.status, &missing.json()["detail"]),
        (StatusCode::NOT_FOUND, &json!("run not found"))
    );
    web.repo().write(".codex-autorunner/codex-autorunner.log", "a\nb\nc\n");
    assert_eq!(web.get("/api/logs?tail=2").await.json(), json!({"tail": 2, "log": "b\nc"}));
    for odd in ["tail=0", "tail=-5", "tail=x", "run_id=x", "run_id=-1"] {
        let refused = web.get(&format!("/api/logs?{odd}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{odd}: {}", refused.text);
    }
}

#[tokio::test]
async fn the_log_of_a_run_comes_in_parts() {
    let web = Web::with_config(&json!({})).await;
    web.add_run(1, 1);
    let whole = web.get("/api/runs/1/log").await;
    assert_eq!(whole.headers["content-type"], "text/plain; charset=utf-8");
    let part = |range: &'static str| {
        let ask = request("GET", "/api/runs/1/log").header("range", range).body(Body::empty());
        web.ask(ask.expect("valid"))
    };
    let first = part("bytes=0-6").await;
    assert_eq!((first.status, first.text.as_str()), (StatusCode::PARTIAL_CONTENT, "=== run"));
    let total = whole.text.len();
    assert_eq!(first.headers["content-range"], format!("bytes 0-6/{total}").as_str());
    let rest = part("bytes=7-").await;
    assert_eq!(first.text + &rest.text, whole.text);
    let behind = part("bytes=9999-").await;
    assert_eq!(behind.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.headers["content-range"], format!("bytes */{total}").as_str());
    assert_eq!(web.get("/api/runs/7/log").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn runs_are_listed_page_by_page_and_shown_one_by_one() {
    let web = Web::with_config(&json!({})).await;
    assert_eq!(web.get("/api/runs").await.json(), json!({"runs": [], "next_before": null}));
    (1..=5).for_each(|run| web.add_run(run, 2));
    let numbers = |page: &Value| -> Vec<u64> {
        let runs = page["runs"].as_array().expect("a list").iter();
        runs.map(|run| run["run"].as_u64().expect("a number")).collect()
    };
    let first = web.get("/api/runs?limit=2").await.json();
    assert_eq!((numbers(&first), &first["next_before"]), (vec![5, 4], &json!(4)));
    let rest = web.get("/api/runs?limit=200&before=4").await.json();
    assert_eq!((numbers(&rest), &rest["next_before"]), (vec![3, 2, 1], &json!(null)));
    let run = web.get("/api/runs/3").await.json();
    assert_eq!(run, rest["runs"][0]);
    assert_eq!(
        (&run["outcome"], &run["exit_code"], &run["reason"], &run["duration_ms"], &run["last_seq"]),
        (&json!("failed"), &json!(3), &json!("It failed."), &json!(1500), &json!(4))
    );
    for (path, status) in [
        ("/api/runs/6", StatusCode::NOT_FOUND),
        ("/api/runs/0", StatusCode::NOT_FOUND),
        ("/api/runs/18446744073709551615", StatusCode::NOT_FOUND),
        ("/api/runs/x", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/runs?limit=0", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/runs?before=-1", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/runs/3/diff", StatusCode::NOT_FOUND),
        ("/api/runs/6/diff", StatusCode::NOT_FOUND),
    ] {
        let answer = web.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(answer.json()["detail"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn what_happened_in_a_run_is_read_from_any_place() {
    let web = Web::with_config(&json!({})).await;
    web.add_run(1, 3000);
    let page = web.get("/api/runs/1/events?from=2990&limit=4").await.json();
    let seqs: Vec<_> =
        page["entries"].as_array().expect("a list").iter().map(|e| &e["seq"]).collect();
    assert_eq!(seqs, [2990, 2991, 2992, 2993]);
    assert_eq!((&page["next_from"], &page["has_more"]), (&json!(2994), &json!(true)));
    assert_eq!(page["entries"][0]["text"], "word2989 of run1");
    let end = web.get("/api/runs/1/events?from=3&type=run.finished").await.json();
    assert_eq!((&end["entries"][0]["seq"], &end["has_more"]), (&json!(3002), &json!(false)));
    let behind = web.get("/api/runs/1/events?from=3003").await.json();
    assert_eq!((&behind["entries"], &behind["next_from"]), (&json!([]), &json!(3003)));
    assert_eq!(web.get("/api/runs/2/events").await.status, StatusCode::NOT_FOUND);
    let odd = web.get("/api/runs/1/events?limit=-1").await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn runs_and_documents_are_searched() {
    let web = Web::with_config(&json!({})).await;
    web.add_run(1, 3);
    web.add_run(2, 3);
    let found = web.get("/api/search?q=word2&run=2").await.json();
    let hits = found["hits"].as_array().expect("a list");
    assert_eq!((hits.len(), &hits[0]["run"], &hits[0]["seq"]), (1, &json!(2), &json!(3)));
    let document = web.get("/api/search?q=SPEC.md&type=document").await.json();
    assert_eq!(document["hits"][0]["document"], "todo");
    for (query, status) in [
        ("", StatusCode::UNPROCESSABLE_ENTITY),
        ("?q=", StatusCode::BAD_REQUEST),
        ("?q=%22%22", StatusCode::BAD_REQUEST),
        ("?q=x&since=soon", StatusCode::BAD_REQUEST),
        ("?q=x&limit=0", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = web.get(&format!("/api/search{query}")).await;
        assert_eq!(refused.status, status, "{query}: {}", refused.text);
    }
}

#[tokio::test]
async fn what_has_no_checkpoint_cannot_be_undone() {
    let web = Web::with_config(&json!({})).await;
    web.add_run(1, 1);
    assert_eq!(web.get("/api/checkpoints").await.json(), json!({"checkpoints": []}));
    for (path, body) in [
        ("/api/undo", json!({"run": 1})),
        ("/api/undo", json!({"run": 9, "dry_run": true})),
        ("/api/redo", json!({"run": 1})),
        ("/api/checkpoints/restore", json!({"run": 1, "stage": "before"})),
        ("/api/checkpoints/restore", json!({"run": 9, "stage": "after"})),
    ] {
        let answer = web.send("POST", path, &body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} {body}: {}", answer.text);
    }
    assert!(!web.repo().path().join(".codex-autorunner/restored/run-1-before").exists());
    for (path, body) in [
        ("/api/undo", json!({})),
        ("/api/undo", json!({"run": -1})),
        ("/api/checkpoints/restore", json!({"run": 1, "stage": "during"})),
    ] {
        let answer = web.send("POST", path, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {body}");
    }
}
