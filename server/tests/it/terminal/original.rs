//! The conversations of the original, as they were recorded.

use serde_json::{Value, json};

use super::socket::Socket;
use super::{AGENT, served_with};
use crate::http::Served;

async fn hello(socket: &mut Socket) -> String {
    socket.frame("hello").await["session_id"].as_str().expect("an id").to_owned()
}

async fn sessions(server: &Served) -> Value {
    server.get("/api/sessions").await
}

#[tokio::test]
async fn a_new_terminal_runs_codex_with_the_arguments_that_are_configured() {
    let (_project, server) = served_with(AGENT);
    let mut socket = Socket::open(&server, "mode=new").await;
    let id = hello(&mut socket).await;
    socket.until("ARGS: --mine\r\n").await;
    assert_eq!(socket.input("i1", "hello\n").await, json!({"type": "ack", "id": "i1", "ok": true}));
    socket.until("got:hello\r\n").await;
    assert!(!socket.frames.iter().any(|frame| frame["type"] == "replay_end"));
    assert_eq!(socket.input("i1", "hello\n").await["ok"], true, "said again, typed once");
    socket.input("i2", "next\n").await;
    socket.until("got:next\r\n").await;
    assert_eq!(socket.text().matches("got:hello").count(), 1);
    let listed = sessions(&server).await;
    assert_eq!(listed["sessions"][0]["session_id"], id);
    assert_eq!(
        (&listed["sessions"][0]["alive"], &listed["repo_to_session"]["."]),
        (&json!(true), &json!(id))
    );
}

#[tokio::test]
async fn input_that_makes_no_sense_is_refused_and_the_socket_stays() {
    let (_project, server) = served_with(AGENT);
    let mut socket = Socket::open(&server, "mode=new").await;
    socket.send(json!({"type": "input", "data": "x"})).await;
    assert_eq!(socket.frame("error").await["message"], "invalid input id");
    socket.send(json!({"type": "input", "id": "i1"})).await;
    let ack = socket.frame("ack").await;
    assert_eq!((&ack["ok"], &ack["message"]), (&json!(false), &json!("invalid input data")));
    let ack = socket.input("i2", &"x".repeat((1 << 20) + 1)).await;
    assert_eq!((&ack["ok"], &ack["message"]), (&json!(false), &json!("input too large")));
    for bad in [
        json!({"type": "resize", "cols": "a", "rows": 3}).to_string(),
        json!({"type": "resize", "cols": 0, "rows": 3}).to_string(),
        "[]".to_owned(),
        "{".to_owned(),
    ] {
        socket.send_text(&bad).await;
        assert_eq!(socket.frame("error").await["code"], "bad_frame", "{bad}");
    }
    socket.send(json!({"type": "something"})).await;
    socket.send(json!({"type": "ping"})).await;
    assert_eq!(socket.frame("pong").await, json!({"type": "pong"}));
    assert!(socket.frames.iter().all(|frame| frame["type"] != "error"), "{:?}", socket.frames);
    socket.input("i3", "still\n").await;
    socket.until("got:still").await;
}

#[tokio::test]
async fn a_second_client_sees_what_was_there_and_both_see_what_comes() {
    let (_project, server) = served_with(AGENT);
    let mut first = Socket::open(&server, "mode=new").await;
    let id = hello(&mut first).await;
    first.input("i1", "before\n").await;
    first.until("got:before").await;
    let mut second = Socket::open(&server, &format!("mode=attach&session_id={id}")).await;
    assert_eq!(hello(&mut second).await, id);
    second.frame("replay_end").await;
    assert!(second.text().contains("got:before"), "{}", second.text());
    second.input("i2", "after\n").await;
    first.until("got:after").await;
    second.until("got:after").await;
}

#[tokio::test]
async fn an_unknown_terminal_is_told_from_the_current_one() {
    let (_project, server) = served_with(AGENT);
    let mut lost = Socket::open(&server, "mode=attach&session_id=nobody").await;
    let error = lost.frame("error").await;
    assert_eq!(
        (&error["message"], &error["session_id"]),
        (&json!("Session not found"), &json!("nobody"))
    );
    assert_eq!(lost.until_closed().await, 1000);
    let mut first = Socket::open(&server, "mode=new").await;
    let id = hello(&mut first).await;
    let mut lost = Socket::open(&server, "mode=attach&session_id=nobody").await;
    assert_eq!(lost.frame("error").await["current_session_id"], json!(id));
    let mut current = Socket::open(&server, "mode=current").await;
    assert_eq!(hello(&mut current).await, id);
}

#[tokio::test]
async fn resuming_joins_what_is_named_and_else_begins_beside_it() {
    let (_project, server) = served_with(AGENT);
    let mut first = Socket::open(&server, "mode=new").await;
    let id = hello(&mut first).await;
    let mut joined = Socket::open(&server, &format!("mode=resume&session_id={id}")).await;
    assert_eq!(hello(&mut joined).await, id);
    let mut resumed = Socket::open(&server, "mode=resume").await;
    let other = hello(&mut resumed).await;
    resumed.frame("replay_end").await;
    resumed.until("ARGS: --mine resume\r\n").await;
    let listed = sessions(&server).await;
    assert_eq!(listed["sessions"].as_array().expect("a list").len(), 2);
    assert_eq!(listed["repo_to_session"]["."], json!(other));
}

#[tokio::test]
async fn new_is_new_and_closes_nothing() {
    let (_project, server) = served_with(AGENT);
    let mut first = Socket::open(&server, "mode=new").await;
    let id = hello(&mut first).await;
    let query = format!("mode=new&session_id={id}&close_session_id={id}");
    let mut second = Socket::open(&server, &query).await;
    let said = second.frame("hello").await;
    assert_ne!(said["session_id"], json!(id));
    assert_eq!(said["kept_session_id"], json!(id));
    first.input("i1", "alive\n").await;
    first.until("got:alive").await;
}

#[tokio::test]
async fn the_end_of_the_agent_is_told_with_its_code() {
    let (_project, server) = served_with(AGENT);
    let mut socket = Socket::open(&server, "mode=new").await;
    let id = hello(&mut socket).await;
    socket.input("i1", "exit 3\n").await;
    let exit = socket.frame("exit").await;
    assert_eq!((&exit["code"], &exit["session_id"]), (&json!(3), &json!(id)));
    assert_eq!(socket.until_closed().await, 1000);
    let mut other = Socket::open(&server, "mode=new").await;
    let id = hello(&mut other).await;
    let (status, stopped) = server.post("/api/sessions/stop", json!({"session_id": id})).await;
    assert_eq!((status.as_u16(), &stopped["session_id"]), (200, &json!(id)));
    assert_eq!(other.frame("exit").await["code"], Value::Null);
    assert_eq!(other.until_closed().await, 1000);
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let (_project, server) = served_with("");
    let mut socket = Socket::open(&server, "mode=new").await;
    let error = socket.frame("error").await;
    assert!(error["message"].as_str().expect("text").contains("no-such-codex"), "{error}");
    assert_eq!((&error["code"], socket.until_closed().await), (&json!("start_failed"), 1000));
}

#[tokio::test]
async fn a_socket_is_opened_by_whoever_may_and_by_no_other_site() {
    let (_project, server) = served_with(AGENT);
    let bearer = format!("Bearer {}", server.token());
    let with = |headers: Vec<(&'static str, String)>| {
        let server = &server;
        async move { Socket::with(server, "mode=attach&session_id=x", &headers).await.err() }
    };
    assert_eq!(with(vec![]).await, Some(401));
    assert_eq!(with(vec![("authorization", "Bearer wrong".to_owned())]).await, Some(401));
    let foreign = ("origin", "https://evil.example".to_owned());
    assert_eq!(with(vec![("authorization", bearer.clone()), foreign]).await, Some(403));
    let host = ("host", "evil.example".to_owned());
    assert_eq!(with(vec![("authorization", bearer.clone()), host]).await, Some(400));
    assert_eq!(with(vec![("authorization", bearer)]).await, None);
    let token = base64(server.token());
    let offered = ("sec-websocket-protocol", format!("car, car-token-b64.{token}"));
    assert_eq!(with(vec![offered]).await, None);
    assert_eq!(server.get("/api/sessions").await["sessions"], json!([]));
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
