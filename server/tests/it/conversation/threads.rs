//! Conversations on the command line.

use car_testkit::model::Turn;

use super::Setting;
use crate::support::eventually;

#[tokio::test]
async fn a_conversation_is_begun_gone_on_with_listed_and_shown() {
    let script = vec![Turn::new().message("It greets."), Turn::new().message("None.")];
    let setting = Setting::with(script).await;
    let project = &setting.project;
    let told = project.car(&["thread", "new", "What does it do?"]).exits(0);
    assert_eq!(told.stdout, "It greets.\n");
    let threads = project.car(&["thread", "list", "--json"]).exits(0).json();
    assert_eq!(threads[0]["title"], "What does it do?");
    let id = threads[0]["id"].as_str().expect("an id").to_owned();

    let told = project.car(&["thread", "send", &id, "And its tests?", "--json"]).exits(0).json();
    assert_eq!((&told["status"], &told["final_message"]), (&"completed".into(), &"None.".into()));
    assert_eq!(told["thread_id"], id.as_str());
    let shown = project.car(&["thread", "show", &id, "--json"]).exits(0).json();
    let turns = shown["turns"].as_array().expect("turns");
    let prompts: Vec<_> = turns.iter().map(|turn| turn["prompt"].as_str()).collect();
    assert_eq!(prompts, [Some("What does it do?"), Some("And its tests?")]);
    setting.model.assert_clean();
}

#[tokio::test]
async fn a_question_at_one_terminal_is_answered_at_another() {
    let script = vec![Turn::new().escalated("echo hi", "To greet").message("Greeted.")];
    let setting = Setting::with(script).await;
    let project = &setting.project;
    let asking = project.start(&["thread", "new", "Greet", "--ask"]);
    let request = setting.request();
    assert_eq!(request["kind"], "command");
    let id = request["id"].as_str().expect("an id");
    let refused = project.car(&["answer", id, "session"]).exits(1);
    assert!(refused.stderr.contains("Codex offers: accept, always, cancel"), "{refused}");
    let answer = project.car(&["answer", id, "accept", "--note", "fine", "--json"]).exits(0).json();
    assert_eq!((&answer["decision"], &answer["note"]), (&"accept".into(), &"fine".into()));
    let told = asking.wait().exits(0);
    assert_eq!(told.stdout, "Greeted.\n");
    assert!(told.stderr.contains(&format!("car answer {id}")), "{told}");
    project.car(&["answer", id, "accept"]).exits(0);
    let late = project.car(&["answer", id, "cancel"]).exits(1);
    assert!(late.stderr.contains("has decided already"), "{late}");
}

#[tokio::test]
async fn a_turn_outlives_the_terminal_it_was_begun_at() {
    let setting =
        Setting::with(vec![Turn::new().message("Zero.").half_message("One ", "two")]).await;
    let project = &setting.project;
    let dying = project.start(&["thread", "new", "Count"]);
    eventually("the answer begins", || dying.stdout().contains("One ").then_some(()));
    dying.kill_9();
    let threads = project.car(&["thread", "list", "--json"]).exits(0).json();
    assert_eq!(threads[0]["activity"], "running");
    let id = threads[0]["id"].as_str().expect("an id");
    let following = project.start(&["thread", "follow", id]);
    eventually("it is followed", || following.stdout().contains("Zero.").then_some(()));
    setting.model.release();
    assert!(following.wait().exits(0).stdout.ends_with("two\n"));
    project.car(&["thread", "interrupt", id]).exits(0);
}

#[tokio::test]
async fn asking_what_waits_starts_no_server() {
    let setting = Setting::with(Vec::new()).await;
    let project = &setting.project;
    let nothing = project.car(&["requests", "--json"]).exits(0).json();
    assert_eq!(nothing, serde_json::json!([]));
    let server = project.car(&["thread", "server", "--json"]).exits(0).json();
    assert!(server.is_null(), "{server}");
    let socket = project.car(&["thread", "server", "--socket"]).exits(0).stdout;
    assert!(std::path::Path::new(socket.trim()).exists(), "{socket}");
}
