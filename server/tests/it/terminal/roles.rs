//! Who may do what, what everybody is told, and what is left in the end.

use serde_json::{Value, json};

use super::socket::{LONG, Socket};
use super::{AGENT, login, served_with, start};

/// Tells the size of its terminal after each line.
const SIZES: &str = r#"while read -r line; do echo "size:$(stty size)"; done"#;

fn roles(presence: &Value) -> Vec<(&str, bool)> {
    let clients = presence["clients"].as_array().expect("a list");
    clients
        .iter()
        .map(|client| (client["role"].as_str().expect("a role"), client["you"] == true))
        .collect()
}

#[tokio::test]
async fn one_types_and_sets_the_size_and_another_takes_over() {
    let (_terminals, server) = served_with(SIZES);
    let id = start(&server, "codex").await;
    let mut first = Socket::open(&server, &format!("v=2&session_id={id}&cols=100&rows=30")).await;
    let hello = first.frame("hello").await;
    assert_eq!((&hello["role"], &hello["clients"]), (&json!("controller"), &json!(1)));
    let resized = first.frame("resized").await;
    assert_eq!((&resized["cols"], &resized["rows"]), (&json!(100), &json!(30)));
    first.keys("\n").await;
    first.until("size:30 100").await;
    let mut second = Socket::open(&server, &format!("v=2&session_id={id}&cols=44&rows=20")).await;
    assert_eq!(second.frame("hello").await["role"], "viewer");
    assert_eq!(roles(&second.frame("presence").await), [("controller", false), ("viewer", true)]);
    second.keys("x").await;
    assert_eq!(second.frame("error").await["code"], "viewer");
    second.send(json!({"type": "resize", "cols": 44, "rows": 20})).await;
    assert_eq!(second.frame("error").await["code"], "viewer");
    assert_eq!(second.input("i", "x").await["ok"], false);
    second.send(json!({"type": "take"})).await;
    assert_eq!(second.frame("role").await["role"], "controller");
    assert_eq!(first.frame("role").await["role"], "viewer");
    second.send(json!({"type": "resize", "cols": 44, "rows": 20})).await;
    let resized = first.frame("resized").await;
    assert_eq!((&resized["cols"], &resized["rows"]), (&json!(44), &json!(20)));
    second.keys("\n").await;
    first.until("size:20 44").await;
    // The list has it from the host by a connection of its own, so maybe after those who are attached.
    let listed = async {
        loop {
            let listed = server.get(&format!("/api/terminal/sessions/{id}")).await;
            if listed["cols"] == 44 {
                return listed;
            }
        }
    };
    let listed = tokio::time::timeout(LONG, listed).await.expect("the list has the size");
    assert_eq!(listed["attached"].as_array().expect("a list").len(), 2);
    assert_eq!(listed["kind"], "codex");
}

#[tokio::test]
async fn a_tab_that_connects_again_takes_its_old_place() {
    let (_terminals, server) = served_with(AGENT);
    let id = start(&server, "codex").await;
    let query = format!("v=2&session_id={id}&client=tab-1");
    let mut lost = Socket::open(&server, &query).await;
    lost.frame("hello").await;
    let mut back = Socket::open(&server, &query).await;
    let hello = back.frame("hello").await;
    assert_eq!((&hello["role"], &hello["clients"]), (&json!("controller"), &json!(1)));
    assert_eq!(lost.until_closed().await, 4000);
    back.keys("line\n").await;
    back.until("got:line").await;
}

#[tokio::test]
async fn title_bell_and_end_are_told() {
    let (_terminals, server) = served_with(
        r#"read -r go; printf '\033]0;a title\007'; read -r go; printf 'ring\007'; read -r go; exit 4"#,
    );
    let id = start(&server, "codex").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    assert_eq!(socket.frame("hello").await["title"], "Codex");
    socket.keys("\n").await;
    assert_eq!(socket.frame("title").await["title"], "a title");
    socket.keys("\n").await;
    loop {
        let activity = socket.frame("activity").await;
        if activity["bells"] == 1 && activity["state"] == "waiting" {
            break;
        }
    }
    let listed = server.get("/api/terminal/sessions").await;
    let one = &listed["sessions"][0];
    assert_eq!((&one["title"], &one["activity"]["bells"]), (&json!("a title"), &json!(1)));
    socket.keys("\n").await;
    assert_eq!(socket.frame("exit").await["code"], 4);
    let mut late = Socket::open(&server, &format!("v=2&session_id={id}")).await;
    late.frame("exit").await;
    assert!(late.text().contains("ring"), "the last screen: {}", late.text());
    let recording = server.text(&format!("/api/terminal/sessions/{id}/recording")).await;
    let head: Value =
        serde_json::from_str(recording.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&head["version"], &head["title"]), (&json!(2), &json!("a title")));
    assert!(recording.contains("ring"), "{recording}");
    assert_eq!(server.delete(&format!("/api/terminal/sessions/{id}")).await, 204);
    assert_eq!(server.get("/api/terminal/sessions").await["sessions"], json!([]));
}

#[tokio::test]
async fn a_terminal_that_runs_is_ended_before_it_is_removed() {
    let (_terminals, server) =
        served_with("trap '' HUP; while :; do read -r line || sleep 1; done");
    let id = start(&server, "codex").await;
    let path = format!("/api/terminal/sessions/{id}");
    assert_eq!(server.delete(&path).await, 409);
    let (status, ended) = server.post(&format!("{path}/end"), json!({})).await;
    assert_eq!((status.as_u16(), &ended["state"]), (200, &json!("ended")));
    assert_eq!(server.delete(&path).await, 204);
    assert_eq!(server.delete(&path).await, 404);
}

#[tokio::test]
async fn no_secret_of_car_reaches_the_program() {
    let (_terminals, server) =
        served_with(r#"echo "[$CAR_TEST_TOKEN]"; env; echo "end-of-env"; read -r line"#);
    let id = start(&server, "codex").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    socket.until("end-of-env").await;
    assert!(!socket.text().contains(server.token()), "{}", socket.text());
    assert!(socket.text().contains("TERM=xterm-256color"));
}

#[tokio::test]
async fn a_device_that_is_logged_out_loses_its_socket() {
    let (_terminals, server) = served_with(AGENT);
    let id = start(&server, "codex").await;
    let cookie = login(&server).await;
    let headers =
        [("cookie", cookie.clone()), ("origin", server.url().trim_end_matches('/').to_owned())];
    let query = format!("v=2&session_id={id}");
    assert_eq!(Socket::with(&server, &query, &headers[..1]).await.err(), Some(403));
    let mut socket = Socket::with(&server, &query, &headers).await.expect("it opens");
    socket.frame("hello").await;
    let devices = server.get("/api/devices").await;
    let device = devices[0]["id"].as_str().expect("an id").to_owned();
    assert!(server.delete(&format!("/api/devices/{device}")).await < 300);
    assert_eq!(socket.until_closed().await, 1008);
    assert_eq!(Socket::with(&server, &query, &headers).await.err(), Some(401));
}
