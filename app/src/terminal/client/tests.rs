//! A page and a server that says what it likes.

use car_domain::terminal::ActivityState;
use serde_json::{Value, json};

use super::*;

const START: i64 = 1_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

fn client() -> Client {
    let status = Status::new("bash".into(), TerminalActivity::default(), Phase::Connecting);
    Client::new("s-1".into(), "me".into(), status, Grid { cols: 100, rows: 30 })
}

fn hello(role: &str, offset: u64) -> String {
    json!({
        "type": "hello", "v": 2, "session_id": "s-1", "kind": "shell", "title": "bash",
        "cols": 100, "rows": 30, "offset": offset, "oldest": 0, "end": offset, "role": role, "clients": 1,
        "activity": {"state": "idle", "last_output": 0, "last_input": 0, "bells": 0, "foreground": "bash"},
    })
    .to_string()
}

fn output(offset: u64, text: &str) -> Vec<u8> {
    [&offset.to_be_bytes()[..], text.as_bytes()].concat()
}

fn opened() -> Client {
    let mut client = client();
    client.connect(at(0));
    client.text(&hello("controller", 0), at(1));
    client
}

fn written(effects: &[Effect]) -> String {
    let bytes = effects.iter().filter_map(|effect| match effect {
        Effect::Write(bytes, _) => Some(bytes.clone()),
        _ => None,
    });
    String::from_utf8(bytes.flatten().collect()).expect("text")
}

fn sent(effects: &[Effect]) -> Vec<Value> {
    let texts = effects.iter().filter_map(|effect| match effect {
        Effect::Send(text) => serde_json::from_str(text).ok(),
        _ => None,
    });
    texts.collect()
}

fn queries(effects: &[Effect]) -> Vec<&str> {
    let queries = effects.iter().filter_map(|effect| match effect {
        Effect::Open(query) => Some(query.as_str()),
        _ => None,
    });
    queries.collect()
}

#[test]
fn who_comes_back_asks_for_what_is_missing() {
    let mut client = client();
    let effects = client.connect(at(0));
    assert!(!queries(&effects)[0].contains("from="));
    client.text(&hello("controller", 0), at(1));
    client.text(r#"{"type":"snapshot","offset":7,"cols":100,"rows":30,"after_gap":false}"#, at(1));
    assert_eq!(written(&client.bytes(&output(7, "screen"), at(1))), "screen");
    assert_eq!(written(&client.bytes(&output(7, "abc"), at(2))), "abc");
    let effects = client.closed(1006, at(3), 0.5);
    assert!(matches!(effects[0], Effect::Retry(wait, _) if wait.as_millis() == 500));
    assert_eq!(client.status().phase, Phase::Lost(at(503)));
    let effects = client.wake(at(4));
    assert!(queries(&effects)[0].ends_with("&from=10"), "{effects:?}");
}

#[test]
fn output_that_is_known_already_is_not_shown_again() {
    let mut client = opened();
    assert_eq!(written(&client.bytes(&output(0, "hello "), at(2))), "hello ");
    assert_eq!(written(&client.bytes(&output(2, "llo world"), at(2))), "world");
    assert_eq!(client.bytes(&output(0, "hello"), at(2)), []);
}

#[test]
fn a_gap_is_never_shown_as_if_there_was_none() {
    let mut client = opened();
    client.bytes(&output(0, "abc"), at(2));
    let effects = client.bytes(&output(9, "xyz"), at(2));
    assert_eq!(written(&effects), "");
    assert_eq!(sent(&effects)[0]["type"], "snapshot");
    let snapshot = r#"{"type":"snapshot","offset":12,"cols":80,"rows":24,"after_gap":true}"#;
    assert_eq!(client.text(snapshot, at(3)), [Effect::Reset(Grid { cols: 80, rows: 24 })]);
    assert_eq!(written(&client.bytes(&output(12, "whole"), at(3))), "whole");
    assert_eq!(written(&client.bytes(&output(12, "!"), at(3))), "!");
}

#[test]
fn an_input_is_sent_again_until_its_fate_is_known() {
    let mut client = opened();
    let first = sent(&client.input("ls\r"));
    client.closed(1006, at(2), 0.5);
    // Nothing is lost while there is no connection, and people see what waits.
    assert_eq!(client.input("pwd\r"), []);
    assert_eq!(client.status().waiting, "ls⏎pwd⏎");
    client.wake(at(3));
    let again = sent(&client.text(&hello("controller", 0), at(4)));
    assert_eq!(again[0], first[0]);
    assert_eq!(again[1]["data"], "pwd\r");
    assert_ne!(again[0]["id"], again[1]["id"]);
    for input in &again {
        client.text(&json!({"type": "ack", "id": input["id"], "ok": true}).to_string(), at(5));
    }
    assert_eq!(client.status().waiting, "");
    client.closed(1006, at(6), 0.5);
    client.wake(at(7));
    assert_eq!(sent(&client.text(&hello("controller", 0), at(8))), [] as [Value; 0]);
}

#[test]
fn a_text_the_server_did_not_take_comes_back() {
    let mut client = opened();
    let id = sent(&client.input("rm x\r"))[0]["id"].clone();
    let ack = json!({"type": "ack", "id": id, "ok": false, "message": "Somebody else types."});
    let expected = Effect::NotSent { text: "rm x\r".into(), why: "Somebody else types.".into() };
    assert_eq!(client.text(&ack.to_string(), at(2)), [expected]);
}

#[test]
fn long_texts_go_in_parts_and_too_long_ones_not_at_all() {
    let mut client = opened();
    let text = "é".repeat(50_000);
    let frames = sent(&client.input(&text));
    assert_eq!(frames.len(), 2);
    let whole: String = frames.iter().filter_map(|frame| frame["data"].as_str()).collect();
    assert_eq!(whole, text);
    let effects = client.input(&"x".repeat(1 << 20));
    assert!(matches!(effects[..], [Effect::NotSent { .. }]));
}

#[test]
fn what_is_shown_is_acknowledged_in_large_steps() {
    let mut client = opened();
    assert_eq!(client.shown(100), []);
    assert_eq!(sent(&client.shown(40_000)), [json!({"type": "ack", "offset": 40_000})]);
    assert_eq!(client.shown(50_000), []);
}

#[test]
fn only_the_controller_gives_the_terminal_its_size() {
    let small = Grid { cols: 60, rows: 20 };
    let mut viewer = client();
    viewer.connect(at(0));
    viewer.text(&hello("viewer", 0), at(1));
    assert_eq!(viewer.resize(small), []);
    assert!(!viewer.status().can_type());
    viewer.closed(1012, at(2), 0.5);
    assert!(queries(&viewer.wake(at(3)))[0].contains("&role=viewer"));
    viewer.text(&hello("viewer", 0), at(4));
    let effects = viewer.text(r#"{"type":"role","role":"controller"}"#, at(2));
    assert_eq!(sent(&effects), [json!({"type": "resize", "cols": 60, "rows": 20})]);
    assert!(viewer.status().can_type());
    assert_eq!(opened().resize(Grid { cols: 100, rows: 30 }), []);
    assert_eq!(sent(&opened().resize(small)).len(), 1);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let mut client = opened();
    assert_eq!(client.tick(at(10_000)), []);
    assert_eq!(sent(&client.tick(at(16_000)))[0]["type"], "ping");
    assert_eq!(client.tick(at(20_000)), []);
    client.text(r#"{"type":"pong"}"#, at(20_040));
    assert_eq!(client.status().delay, Some(Duration::from_millis(4_040)));
    client.tick(at(40_000));
    assert_eq!(client.tick(at(56_000)), [Effect::Close]);
}

#[test]
fn the_end_of_the_program_is_the_end_of_the_connection() {
    let mut client = opened();
    client.text(r#"{"type":"exit","code":3,"signal":null,"session_id":"s-1"}"#, at(2));
    assert_eq!(client.closed(1000, at(3), 0.5), []);
    let ended = TerminalExit { code: Some(3), signal: None };
    assert_eq!(client.status().phase, Phase::Ended(ended));
    assert_eq!(client.wake(at(4)), []);
}

#[test]
fn a_refusal_is_told_and_may_be_tried_again() {
    let mut client = client();
    client.connect(at(0));
    client.text(r#"{"type":"error","code":"not_found","message":"There is none."}"#, at(1));
    assert_eq!(client.closed(1000, at(2), 0.5), []);
    assert!(matches!(&client.status().phase, Phase::Refused(why) if why.code == "not_found"));
    assert_eq!(queries(&client.wake(at(3))).len(), 1);
}

#[test]
fn a_wait_that_was_overtaken_does_nothing() {
    let mut client = opened();
    let effects = client.closed(1012, at(2), 0.5);
    let Effect::Retry(_, generation) = effects[0] else { panic!("{effects:?}") };
    client.wake(at(3));
    assert_eq!(client.retry(generation, at(4)), []);
}

#[test]
fn what_a_newer_server_says_is_passed_over() {
    let mut client = opened();
    assert_eq!(client.text(r#"{"type":"hologram"}"#, at(2)), []);
    assert_eq!(client.text("not json", at(2)), []);
    assert_eq!(client.bytes(&[1, 2], at(2)), []);
    let activity = r#"{"type":"activity","state":"working","last_output":5,"last_input":0,"bells":0,"foreground":"cargo"}"#;
    client.text(activity, at(2));
    assert_eq!(client.status().activity.state, ActivityState::Working);
}
