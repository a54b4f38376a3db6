//! `car terminal`, `car attach`, `car sessions`, `car stop-session`: a real terminal as a window to another one.

use serde_json::json;

use super::socket::Socket;
use super::{AGENT, Terminals, served_with, start, with_script};
use crate::support::CAR;

#[tokio::test]
async fn a_real_terminal_shows_another_one_types_into_it_and_leaves_it() {
    let (terminals, server) = served_with(AGENT);
    let inner = start(&server, "codex").await;
    // The real terminal is one of ours, too.
    let shown = terminals.project.car(&["terminal", "--detach", "--", CAR, "attach", &inner]);
    let outer = shown.exits(0).stdout.trim().to_owned();
    let query = format!("v=2&session_id={outer}&cols=91&rows=33");
    let mut socket = Socket::open(&server, &query).await;
    socket.until("ARGS: --mine").await;
    socket.keys("hello\r").await;
    socket.until("got:hello").await;
    let inner_path = format!("/api/terminal/sessions/{inner}");
    let mut looking = Socket::open(&server, &format!("v=2&session_id={inner}&role=viewer")).await;
    let hello = looking.frame("hello").await;
    if (&hello["cols"], &hello["rows"]) != (&json!(91), &json!(33)) {
        let resized = looking.frame("resized").await;
        assert_eq!((&resized["cols"], &resized["rows"]), (&json!(91), &json!(33)));
    }
    socket.keys("\x1d").await;
    assert_eq!(socket.frame("exit").await["code"], 0);
    assert!(socket.text().contains(&format!("[detached from {inner}")), "{}", socket.text());
    assert_eq!(server.get(&inner_path).await["state"], "running");
}

#[tokio::test]
async fn the_command_line_needs_no_server_to_find_and_end_a_terminal() {
    let terminals = Terminals::new();
    let project = &terminals.project;
    let binary = with_script(project, AGENT);
    project.configure(&json!({"binary": binary, "terminal_args": ["--mine"]}), &json!({}));
    let id = project.car(&["terminal", "--detach"]).exits(0).stdout.trim().to_owned();
    let listed = project.car(&["sessions", "--json"]).exits(0).json();
    let one = &listed["sessions"][0];
    assert_eq!(
        (&one["session_id"], &one["kind"], &one["alive"]),
        (&json!(id), &json!("codex"), &json!(true))
    );
    assert_eq!(listed["repo_to_session"][project.root().to_str().expect("UTF-8")], json!(id));
    let text = project.car(&["sessions"]).exits(0).stdout;
    assert!(text.contains(&format!("- {id}: ")) && text.contains("kind=codex"), "{text}");
    let refused = project.car(&["attach"]).exits(1);
    assert!(refused.stderr.contains("this is no terminal"), "{}", refused.stderr);
    let stopped = project.car(&["stop-session", "--session", &id]).exits(0).stdout;
    assert_eq!(stopped, format!("Stopped session {id}\n"));
    assert_eq!(project.car(&["sessions", "--json"]).exits(0).json()["sessions"], json!([]));
    let ended = project.car(&["sessions", "--json", "--all"]).exits(0).json();
    assert_eq!(ended["sessions"][0]["state"], "ended");
}
