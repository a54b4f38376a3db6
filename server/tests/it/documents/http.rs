//! Chats over HTTP: the real Codex's words as they come, and the end of the server in the middle of a turn.

use car_testkit::model::Turn;
use nix::sys::signal::Signal;
use reqwest::Client;
use serde_json::{Value, json};

use super::Setting;
use crate::support::{Project, Running, Tree, eventually, shell_agent};

/// Begins a chat about TODO on the server of `project`; its answer is a stream.
async fn chat(project: &Project, server: &Running, message: &str) -> reqwest::Response {
    let url = eventually("the server says where it listens", || {
        let said = server.stdout();
        let line = said.lines().find(|line| line.starts_with("Serving"))?;
        line.split(" on ").nth(1).map(|url| url.trim_end_matches('/').to_owned())
    });
    let asked = Client::new().post(format!("{url}/api/docs/todo/chat"));
    let token = project.read("server-token");
    let body = json!({"message": message, "stream": true}).to_string();
    let asked =
        asked.bearer_auth(token.trim()).header("content-type", "application/json").body(body);
    asked.send().await.expect("answered")
}

/// Name and data of each event.
fn events(text: &str) -> Vec<(&str, Value)> {
    let told = text.split("\n\n").filter_map(|event| {
        let (name, data) = event.split_once('\n')?;
        let data = serde_json::from_str(data.strip_prefix("data: ")?).expect("JSON");
        Some((name.strip_prefix("event: ")?, data))
    });
    told.collect()
}

#[tokio::test]
async fn words_of_the_real_codex_arrive_and_its_change_waits() {
    let edit = "sed -i 's/First/The first/' TODO.md";
    let script = vec![Turn::new().shell(edit).message("Named it better.")];
    let setting = Setting::new(script).await;
    let project = &setting.project;
    let before = project.read("TODO.md");
    let server = project.start(&["serve", "--port", "0"]);
    let text = chat(project, &server, "Name it better").await.text().await.expect("a whole stream");
    let told = events(&text);
    let words = told
        .iter()
        .filter(|(name, _)| *name == "token")
        .filter_map(|(_, data)| data["token"].as_str());
    assert_eq!(words.collect::<String>(), "Named it better.", "{text}");
    assert!(
        told.iter().any(|(name, data)| *name == "step" && data["type"] == "command.started"),
        "{text}"
    );
    let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    assert_eq!(names[names.len() - 2..], ["update", "done"]);
    let result = &told[told.len() - 2].1;
    assert!(result["patch"].as_str().expect("text").contains("+- [ ] The first\n"), "{result}");
    assert_eq!(project.read("TODO.md"), before);
    server.signal(Signal::SIGTERM);
    server.wait().exits(0);
    setting.model.assert_clean();
}

#[tokio::test]
async fn the_end_of_the_server_ends_the_agent_of_a_chat_and_says_so() {
    let project = Project::with_agent(&shell_agent(Tree::MEEK), &["a"]);
    let before = project.read("TODO.md");
    let server = project.start(&["serve", "--port", "0"]);
    let stream = chat(&project, &server, "x").await;
    let tree = Tree::of(&project.path("chat/todo/work"));
    server.signal(Signal::SIGTERM);
    let text = stream.text().await.expect("it ends properly");
    let told = events(&text);
    let (name, data) = told.last().expect("an event");
    assert_eq!((*name, &data["detail"]), ("error", &json!("the doc chat was cancelled")), "{text}");
    server.wait().exits(0);
    assert_eq!(tree.left(), [""; 0]);
    let chat = project.car(&["chat", "todo", "--json"]).exits(0).json();
    assert_eq!(chat["turns"][0]["outcome"]["is"], "failed");
    assert_eq!((&chat["running"], project.read("TODO.md")), (&Value::Null, before));
}
