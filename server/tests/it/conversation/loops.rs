//! The loop over the Codex server: the same as over `codex exec`, and more.

use car_domain::run::RunEvent;
use car_testkit::codex::{self, CodexHome};
use car_testkit::messaging::FakeMessaging;
use car_testkit::model::{FakeModel, TodoScript, Turn};
use serde_json::json;

use super::{Setting, has, names};
use crate::support::{Project, eventually};

const TODO: &str = ".codex-autorunner/TODO.md";

#[tokio::test]
async fn the_list_is_done_as_by_exec_with_the_same_events_and_tokens() {
    let setting = Setting::with(TodoScript::new(TODO)).await;
    let Setting { model, project, .. } = &setting;
    project.todo(&["First", "Don't `panic`", "Third"]);
    project.car(&["run"]).exits(0);
    model.assert_clean();
    assert_eq!(project.of_runs("kind"), ["work", "work", "work", "report"]);
    assert_eq!(project.of_runs("exit_code"), ["0"; 4]);
    assert_eq!(project.of_runs("agent"), ["codex"; 4]);
    let reported = model.usage_reported();
    let threads: Vec<String> = reported.iter().map(|thread| thread.thread_id.clone()).collect();
    assert_eq!(project.of_runs("thread_id"), threads);
    let totals: Vec<u64> =
        reported.iter().map(|thread| thread.usage.input + thread.usage.output).collect();
    let told: Vec<u64> = project
        .runs()
        .iter()
        .map(|run| run["usage"]["total_tokens"].as_u64().expect("a number"))
        .collect();
    assert_eq!(told, totals);
    assert_eq!(project.repo().read("work.log"), "did: First\ndid: Don't `panic`\ndid: Third\n");
    assert_eq!(
        project.read("SUMMARY.md"),
        "# Summary\n\nEvery item of the list is done.\n\n<!-- CAR:SUMMARY_FINALIZED run_id=4 -->\n"
    );
    let state = project.state();
    assert_eq!((state.turn, state.last_exit_code), (None, Some(0)));

    // The same by exec.
    let model = FakeModel::start(TodoScript::new(TODO)).await;
    let home = CodexHome::new(model.base_url());
    let exec = Project::new().env(home.env());
    exec.configure(&json!({"binary": codex::binary().display().to_string()}), &json!({}));
    exec.todo(&["First"]);
    exec.car(&["once"]).exits(0);
    assert_eq!(setting.names(1), names(&exec, 1));
    // The text logs too, but for what names times, threads and numbers.
    let said = |project: &Project| -> Vec<String> {
        let text = project.read("runs/run-1.log");
        let lines = text.lines().filter_map(|line| line.split_once("stdout: "));
        lines.map(|(_, said)| said.to_owned()).filter(|said| said.contains("First")).collect()
    };
    assert!(!said(&exec).is_empty());
    assert_eq!(said(project), said(&exec));
}

#[tokio::test]
async fn the_agent_asks_in_the_middle_of_a_run_and_is_answered_from_elsewhere() {
    let script = vec![Turn::new().escalated("echo hi > hi.txt", "To greet").message("Greeted.")];
    let args = ["-a", "on-request", "exec", "--sandbox", "read-only"];
    let setting = Setting::new(script, &args, &json!({"idle_timeout_seconds": 1})).await;
    let project = &setting.project;
    let services = FakeMessaging::start(&[], &[]);
    project.write(".env", &format!("CAR_DISCORD_WEBHOOK_URL={}\n", services.webhook_url()));
    let running = project.start(&["once"]);
    let request = setting.request();
    assert_eq!(request["reason"], "To greet");
    eventually("the owner hears that an answer is needed", || {
        let texts = services.accepted().into_iter().map(|message| message.text);
        texts.into_iter().find(|text| text.starts_with("CAR needs your answer in "))
    });
    eventually("the state says what is asked", || {
        let status = project.car(&["status", "--json"]).exits(0).json();
        let reason = status["reason"].as_str()?.to_owned();
        reason.starts_with("Waits for an answer: ").then_some(())
    });
    let id = request["id"].as_str().expect("an id");
    project.car(&["answer", &id[..8], "accept"]).exits(0);
    running.wait().exits(0);
    assert_eq!(project.repo().read("hi.txt"), "hi\n");
    assert!(has(project, 1, |event| matches!(
        event,
        RunEvent::ApprovalRequested { request } if request.id == id
    )));
    assert!(has(project, 1, |event| matches!(
        event,
        RunEvent::ApprovalResolved { answer: Some(answer), .. } if answer.by.starts_with("cli")
    )));
    assert_eq!(project.of_runs("outcome"), ["succeeded"]);
}

#[tokio::test]
async fn a_message_steers_the_running_run() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("With tests.")];
    let setting = Setting::with(script).await;
    let project = &setting.project;
    project.car(&["steer", "Too early"]).exits(1);
    let running = setting.start_and_ask(&["once"], 1).await;
    eventually("the run can be steered", || project.state().turn);
    project.car(&["steer", "And tests"]).exits(0);
    running.wait().exits(0);
    let steered = RunEvent::Steered { text: "And tests".into() };
    assert!(has(project, 1, |event| *event == steered));
    assert!(has(
        project,
        1,
        |event| matches!(event, RunEvent::Message { text } if text == "With tests.")
    ));
}

#[tokio::test]
async fn a_stop_ends_the_turn_and_not_the_server() {
    let setting = Setting::with(vec![Turn::new().hang()]).await;
    let project = &setting.project;
    let running = setting.start_and_ask(&["run"], 1).await;
    let turn = eventually("the turn is known", || project.state().turn);
    project.car(&["stop", "--now"]).exits(0);
    running.wait();
    assert_eq!(project.of_runs("outcome"), ["stopped"]);
    assert_eq!(project.state().turn, None);
    let shown = project.car(&["thread", "show", &turn.thread_id, "--json"]).exits(0).json();
    assert_eq!(shown["turns"][0]["status"], "interrupted");
}

#[tokio::test]
async fn a_dead_runners_turn_is_ended_by_the_next_one() {
    let setting = Setting::with(vec![Turn::new().hang()]).await;
    let project = &setting.project;
    let running = setting.start_and_ask(&["run"], 1).await;
    let turn = eventually("the turn is known", || project.state().turn);
    running.kill_9();
    let show = || project.car(&["thread", "show", &turn.thread_id, "--json"]).exits(0).json();
    assert_eq!(show()["thread"]["activity"], "running");
    project.car(&["kill"]).exits(0);
    assert_eq!(project.of_runs("outcome"), ["interrupted"]);
    assert_eq!(project.state().turn, None);
    eventually("the turn is over", || (show()["thread"]["activity"] == "idle").then_some(()));
}

#[tokio::test]
async fn a_server_that_watches_ends_a_dead_runners_turn_at_once() {
    let setting = Setting::with(vec![Turn::new().hang()]).await;
    let project = &setting.project;
    let server = project.start(&["serve", "--port", "0"]);
    eventually("the server listens", || server.stdout().contains("Serving").then_some(()));
    let running = setting.start_and_ask(&["run"], 1).await;
    let turn = eventually("the turn is known", || project.state().turn);
    let show = || project.car(&["thread", "show", &turn.thread_id, "--json"]).exits(0).json();
    running.kill_9();
    eventually("the turn is over", || (show()["thread"]["activity"] == "idle").then_some(()));
    assert_eq!(project.of_runs("outcome"), ["interrupted"]);
}

#[tokio::test]
async fn silence_and_refusals_end_a_run_as_with_exec() {
    let body = r#"{"error":{"message":"no such model","type":"invalid_request_error"}}"#;
    let script = vec![Turn::new().hang(), Turn::new().fail(400, body)];
    let args = ["exec", "--sandbox", "read-only"];
    let setting = Setting::new(script, &args, &json!({"idle_timeout_seconds": 1})).await;
    let project = &setting.project;
    project.car(&["once"]).exits(4);
    project.car(&["once"]).exits(4);
    assert_eq!(project.of_runs("outcome"), ["timed_out", "failed"]);
    let reason = project.state().last_reason.expect("a reason");
    assert!(reason.starts_with("The agent ended with exit code 1: "), "{reason}");
    assert!(reason.contains("no such model"), "{reason}");
}

#[tokio::test]
async fn the_end_of_the_server_fails_the_run_and_says_so() {
    let setting = Setting::with(vec![Turn::new().hang()]).await;
    let project = &setting.project;
    let running = setting.start_and_ask(&["once"], 1).await;
    eventually("the turn is known", || project.state().turn);
    project.car(&["thread", "server", "--stop"]).exits(0);
    running.wait().exits(4);
    assert_eq!(project.of_runs("outcome"), ["failed"]);
    let reason = project.state().last_reason.expect("a reason");
    assert!(reason.starts_with("The Codex server ended in the middle of the turn"), "{reason}");
}
