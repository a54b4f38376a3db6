//! The same over HTTP: what an agent asks in a run, the answer to it, and a word to an agent at work.

use car_domain::run::RunEvent;
use car_testkit::model::Turn;
use reqwest::StatusCode;
use serde_json::json;

use super::{Setting, has};
use crate::http::Served;
use crate::support::eventually;

#[tokio::test]
async fn a_question_is_shown_and_answered_and_everybody_learns_by_whom() {
    let script = vec![Turn::new().escalated("echo hi > hi.txt", "To greet").message("Greeted.")];
    let args = ["-a", "on-request", "exec", "--sandbox", "read-only"];
    let setting = Setting::new(script, &args, &json!({})).await;
    let project = &setting.project;
    let served = Served::start(project);
    let running = project.start(&["once"]);
    let told = setting.request();
    let asked = served.get("/api/requests").await;
    assert_eq!(asked["requests"], json!([told]), "the same as on the command line");
    let state = eventually("the state says what is asked", || {
        project.state().turn.and_then(|turn| turn.asks)
    });
    let detail = served.get("/api/state").await["detail"].clone();
    assert_eq!(detail, format!("Waits for an answer: {state}"));

    let path = format!("/api/requests/{}", told["id"].as_str().expect("an id"));
    let (status, problem) = served.post(&path, json!({"decision": "sideways"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let accept = json!({"decision": "accept", "note": "go on"});
    let (status, answer) = served.post(&path, accept.clone()).await;
    assert_eq!(
        (status, &answer["by"], &answer["note"]),
        (StatusCode::OK, &json!("web:token"), &json!("go on"))
    );
    let (status, again) = served.post(&path, accept).await;
    assert_eq!((status, &again), (StatusCode::OK, &answer), "the same twice is one");
    let (status, other) = served.post(&path, json!({"decision": "decline"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{other}");
    running.wait().exits(0);
    assert_eq!(project.repo().read("hi.txt"), "hi\n");
    assert!(has(project, 1, |event| matches!(
        event,
        RunEvent::ApprovalResolved { answer: Some(answer), .. } if answer.by == "web:token"
    )));
    assert_eq!(served.get("/api/requests").await["requests"], json!([]));
    served.end();
}

#[tokio::test]
async fn an_agent_at_work_is_told_something() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("With tests.")];
    let setting = Setting::with(script).await;
    let project = &setting.project;
    let served = Served::start(project);
    let early = served.post("/api/run/steer", json!({"text": "Too early"})).await;
    assert_eq!(early.0, StatusCode::CONFLICT);
    let running = setting.start_and_ask(&["once"], 1).await;
    eventually("the run can be steered", || project.state().turn);
    let (status, told) = served.post("/api/run/steer", json!({"text": "And tests"})).await;
    assert_eq!((status, told), (StatusCode::OK, json!({"status": "ok"})));
    running.wait().exits(0);
    let steered = RunEvent::Steered { text: "And tests".into() };
    assert!(has(project, 1, |event| *event == steered));
    served.end();
}
