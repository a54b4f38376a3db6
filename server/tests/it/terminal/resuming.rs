//! Coming back: after a cut, after the server died, after it was ended, while others are slow.

use nix::sys::signal::Signal;
use serde_json::json;

use super::socket::Socket;
use super::{served_with, start};
use crate::http::Served;

/// Writes 500 numbers from each one it reads.
const NUMBERS: &str = r#"while read -r n; do [ "$n" = end ] && exit 0; seq "$n" $((n+499)); done"#;
const BATCH: usize = 500;

fn numbers(until: usize) -> String {
    let lines: String = (0..until).map(|n| format!("{n}\r\n")).collect();
    format!("ready\r\n{lines}")
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[tokio::test]
async fn after_two_hundred_cuts_every_byte_and_every_input_came_once() {
    let (_terminals, server) = served_with(NUMBERS);
    let id = start(&server, "codex").await;
    let (mut dice, mut output, mut at) = (Dice(7), Vec::new(), 0);
    let (cuts, mut batch, mut open): (u64, usize, Vec<usize>) = (200, 0, Vec::new());
    for _ in 0..cuts {
        let query =
            format!("v=2&session_id={id}&from={at}&client=one&window={}", 4096 << dice.below(6));
        let mut socket = Socket::open(&server, &query).await;
        // What was not acknowledged before the cut is sent again.
        for batch in &open {
            socket.send(json!({"type": "input", "id": format!("b{batch}"), "data": format!("{}\n", batch * BATCH)})).await;
        }
        if dice.below(2) == 0 {
            socket.send(json!({"type": "input", "id": format!("b{batch}"), "data": format!("{}\n", batch * BATCH)})).await;
            open.push(batch);
            batch += 1;
        }
        for _ in 0..dice.below(12) {
            // With nothing more to come, a ping ends the wait.
            socket.send(json!({"type": "ping", "at": 1})).await;
            assert!(socket.step().await, "it stays open");
        }
        let acked = |n: &usize| {
            let id = format!("b{n}");
            socket.frames.iter().any(|frame| frame["type"] == "ack" && frame["id"] == json!(id))
        };
        open.retain(|n| !acked(n));
        output.append(&mut socket.output);
        at = socket.at;
    }
    let mut socket =
        Socket::open(&server, &format!("v=2&session_id={id}&from={at}&client=one")).await;
    for batch in open {
        socket.send(json!({"type": "input", "id": format!("b{batch}"), "data": format!("{}\n", batch * BATCH)})).await;
    }
    socket.send(json!({"type": "input", "id": "end", "data": "end\n"})).await;
    socket.frame("exit").await;
    output.append(&mut socket.output);
    assert!(batch > 50, "{batch}");
    assert!(String::from_utf8_lossy(&output) == numbers(batch * BATCH), "the bytes differ");
}

#[tokio::test]
async fn a_server_that_was_killed_costs_no_byte() {
    let (terminals, server) = served_with(NUMBERS);
    let id = start(&server, "codex").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    socket.input("a", "0\n").await;
    socket.until("\r\n400\r\n").await;
    socket.send(json!({"type": "input", "id": "b", "data": "500\n"})).await;
    server.kill_9();
    socket.until_closed().await;
    let (mut output, at) = (socket.output, socket.at);
    let server = Served::start(&terminals.project);
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from={at}")).await;
    assert_eq!(socket.frame("hello").await["offset"], at);
    // Whether the server passed it on before it died nobody knows: it is sent again.
    assert_eq!(socket.input("b", "500\n").await["ok"], true);
    socket.input("end", "end\n").await;
    socket.frame("exit").await;
    output.append(&mut socket.output);
    assert!(String::from_utf8_lossy(&output) == numbers(1000), "the bytes differ");
}

#[tokio::test]
async fn a_server_that_ends_says_so_and_leaves_the_terminal_alone() {
    let (terminals, server) = served_with(NUMBERS);
    let id = start(&server, "codex").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    socket.frame("hello").await;
    server.signal(Signal::SIGTERM);
    assert_eq!(socket.until_closed().await, 1012);
    server.wait();
    let server = Served::start(&terminals.project);
    let mut socket = Socket::open(&server, "v=2&mode=current&from=0").await;
    assert_eq!(socket.frame("hello").await["session_id"], json!(id));
    socket.input("a", "7\n").await;
    socket.until("7\r\n8\r\n9").await;
}

#[tokio::test]
async fn a_key_stops_a_flood_after_little_more_than_what_was_on_its_way() {
    let (_terminals, server) =
        served_with("trap 'echo stopped; exit 0' INT; while :; do seq 1 1000000; done");
    let id = start(&server, "codex").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    while socket.at < 4 << 20 {
        assert!(socket.step().await, "it floods");
    }
    let before = socket.at;
    socket.output.clear();
    socket.keys("\x03").await;
    socket.until("stopped").await;
    let after = socket.at - before;
    assert!(after < 2 << 20, "{after} bytes came after the key");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_and_costs_no_memory() {
    let (_terminals, server) = served_with("read -r go; seq 1 4000000; echo done; read -r end");
    let id = start(&server, "codex").await;
    let stuck = Socket::open(&server, &format!("v=2&session_id={id}&from=0&role=viewer")).await;
    let mut reader = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    reader.frame("hello").await;
    let before = server.peak_memory();
    reader.send(json!({"type": "input", "id": "go", "data": "go\n"})).await;
    while !reader.output.ends_with(b"done\r\n") {
        // 31 MB are not kept, and what is looked for is at the end.
        let surplus = reader.output.len().saturating_sub(64);
        reader.output.drain(..surplus);
        assert!(reader.step().await, "it gets to the end");
    }
    let numbers: u64 = (1..=4_000_000_u64).map(|n| u64::from(n.ilog10()) + 3).sum();
    assert_eq!(reader.at, 7 + numbers + 6);
    let grown = server.peak_memory().saturating_sub(before);
    assert!(grown < 40 << 20, "the server grew by {grown} bytes");
    drop(stuck);
}

#[tokio::test]
async fn who_was_away_too_long_is_told_and_gets_the_screen() {
    let (_terminals, server) = served_with("read -r go; seq 1 2000000; echo done; read -r end");
    let id = start(&server, "codex").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}&from=0")).await;
    socket.input("go", "go\n").await;
    socket.until("\r\n20\r\n").await;
    let at = socket.at;
    while !socket.output.ends_with(b"done\r\n") {
        assert!(socket.step().await, "it gets to the end");
    }
    let end = socket.at;
    let mut back = Socket::open(&server, &format!("v=2&session_id={id}&from={at}&lines=3")).await;
    assert!(back.frame("hello").await["oldest"].as_u64().expect("a number") > at);
    back.until("done").await;
    let shown = back.frame("shown").await;
    assert_eq!((&shown["after_gap"], &shown["offset"]), (&json!(true), &json!(end)));
    assert!(back.text().contains("2000000") && !back.text().contains("1999900"), "{}", back.text());
}
