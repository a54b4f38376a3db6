//! Bytes in both directions.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use car_host::protocol::{HostFrame, InputFate, MAX_INPUT};
use car_host::{Attach, Exit, Size};

use crate::support::{Client, FROM_START, Place, under_test};

#[tokio::test]
async fn what_is_typed_reaches_the_program_and_its_answer_comes_back() {
    let place = Place::new();
    let session = place.start(&["cat"]).await;
    let mut client = Client::attach(&session, &FROM_START).await;
    client.key(b"hello\n").await;
    client.until("hello\r\nhello\r\n").await;
    client.key(b"\x04").await;
    assert_eq!(client.exit().await, Exit::Code(0));
}

#[tokio::test]
async fn what_a_client_said_before_it_left_is_heard() {
    let place = Place::new();
    let session = place.sh("stty -echo; echo begin; cat").await;
    let mut witness = Client::attach(&session, &FROM_START).await;
    witness.until("begin").await;
    for number in 0..64 {
        let mut client = session.attach(&FROM_START).await.expect("attached");
        let line = format!("line {number}\n");
        client.sender.input(None, line.as_bytes()).await.expect("sent");
        // Gone with much of what it was told unread.
        drop(client);
    }
    for number in 0..64 {
        witness.until(&format!("line {number}\r\n")).await;
    }
}

#[tokio::test]
async fn a_program_knows_its_terminal_and_none_of_our_secrets() {
    let place = Place::new();
    let secrets =
        [("CAR_TOKEN", "hidden1"), ("CODEX_AUTORUNNER_TOKEN", "hidden2"), ("SHOWN", "yes")];
    let session = place.with_env("env; cat /proc/$PPID/environ | tr '\\0' '\\n'", &secrets).await;
    let mut client = Client::attach(&session, &FROM_START).await;
    client.exit().await;
    let text = client.text();
    for shown in ["TERM=xterm-256color", "COLORTERM=truecolor", "SHOWN=yes"] {
        assert!(text.contains(shown), "{text}");
    }
    let own = text.split("PPID").next().expect("text");
    assert!(!own.lines().any(|line| line.starts_with("HOME=")), "{text}");
    let child: Vec<&str> = text.lines().take_while(|line| !line.starts_with("CAR_TOKEN")).collect();
    assert!(child.iter().any(|line| line.starts_with("SHOWN")), "{text}");
}

#[tokio::test]
async fn a_resize_reaches_the_program_and_every_client() {
    let place = Place::new();
    let session = place.start(&["sh"]).await;
    let mut client = Client::attach(&session, &FROM_START).await;
    let mut other = Client::attach(&session, &FROM_START).await;
    client.key(b"stty size\n").await;
    client.until("24 80").await;
    client.attachment.sender.resize(Size { cols: 101, rows: 31 }).await.expect("sent");
    let is_resize =
        |frame: &HostFrame| matches!(frame, HostFrame::Resized { cols: 101, rows: 31, .. });
    client.frame(is_resize).await;
    other.frame(is_resize).await;
    client.key(b"stty size\n").await;
    client.until("31 101").await;
    client.attachment.sender.resize(Size { cols: 0, rows: 9999 }).await.expect("sent");
    client.frame(|frame| matches!(frame, HostFrame::Resized { cols: 2, rows: 500, .. })).await;
}

#[tokio::test]
async fn a_thousand_cuts_cost_no_byte() {
    let place = Place::new();
    let script = "stty raw -echo; i=0; while [ $i -lt 1000 ]; do \
        head -c 5000 /dev/urandom | tee -a written; i=$((i+1)); done; read x";
    let session = place.sh(script).await;
    let mut got: Vec<u8> = Vec::new();
    let mut random = 12345_u64;
    let mut cuts = 0;
    while cuts < 1000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let until = got.len() + (random >> 33) as usize % 4000;
        let how = Attach { from: Some(got.len() as u64), window: 4096, lines: 0, answers: false };
        let attachment = session.attach(&how).await.expect("there");
        let mut client =
            Client { attachment, output: Vec::new(), at: got.len() as u64, frames: Vec::new() };
        while got.len() + client.output.len() < until {
            let frame = client.step().await.expect("alive");
            assert!(!matches!(frame, HostFrame::Gap { .. }));
        }
        got.append(&mut client.output);
        cuts += 1;
    }
    let at = got.len() as u64;
    let attachment = session.attach(&Attach { from: Some(at), ..FROM_START }).await.expect("there");
    let mut client = Client { attachment, output: Vec::new(), at, frames: Vec::new() };
    while client.at < 5_000_000 {
        client.step().await;
    }
    client.key(b"\n").await;
    client.exit().await;
    got.append(&mut client.output);
    let written = std::fs::read(place.path("written")).expect("written");
    assert_eq!(cuts, 1000);
    assert_eq!(written.len(), 5_000_000);
    assert!(got == written, "{} bytes of {} came", got.len(), written.len());
}

#[tokio::test]
async fn input_is_written_once_also_over_another_connection() {
    let place = Place::new();
    let session = place.sh("stty raw -echo; echo ready; head -c 6 | tr a-z A-Z; sleep 1000").await;
    let mut client = Client::attach(&session, &FROM_START).await;
    client.until("ready").await;
    assert_eq!(client.input(Some([1; 16]), b"abc").await, InputFate::Written);
    drop(client);
    let mut client = Client::attach(&session, &FROM_START).await;
    assert_eq!(client.input(Some([1; 16]), b"abc").await, InputFate::Written);
    assert_eq!(client.input(Some([2; 16]), b"def").await, InputFate::Written);
    client.until("ABCDEF").await;
}

#[tokio::test]
async fn input_that_is_too_long_is_refused_and_the_connection_lives() {
    let place = Place::new();
    let session = place.start(&["cat"]).await;
    let mut client = Client::attach(&session, &FROM_START).await;
    assert_eq!(client.input(None, &vec![b'x'; MAX_INPUT + 1]).await, InputFate::Full);
    assert_eq!(client.input(None, &vec![b'x'; MAX_INPUT + 100_000]).await, InputFate::Full);
    client.key(b"still here\n").await;
    client.until("still here\r\nstill here").await;
}

#[tokio::test]
async fn frames_of_a_later_version_are_skipped() {
    use tokio::io::AsyncWriteExt;
    let place = Place::new();
    let session = place.start(&["cat"]).await;
    let mut socket = tokio::net::UnixStream::connect(&session.record.socket).await.expect("there");
    socket.write_all(&[0, 0, 0, 4, 0xf0, 1, 2, 3]).await.expect("sent");
    let ping = [0, 0, 0, 9, 0x87, 0, 0, 0, 0, 0, 0, 0, 42];
    socket.write_all(&ping).await.expect("sent");
    let mut reader = car_host::protocol::RawReader::new(socket, 1000);
    loop {
        let frame = reader.next().await.expect("readable").expect("answered");
        if frame.kind == 0x0a {
            assert_eq!(frame.payload, 42_u64.to_be_bytes());
            break;
        }
    }
}

#[tokio::test]
async fn a_client_killed_in_the_middle_disturbs_nobody() {
    let place = Place::new();
    let session = place.start(&["cat"]).await;
    let mut stalled = Command::new(under_test())
        .arg("stall")
        .arg(&session.record.socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut line = String::new();
    BufReader::new(stalled.stdout.take().expect("piped")).read_line(&mut line).expect("readable");
    assert_eq!(line, "attached\n");
    stalled.kill().expect("killed");
    stalled.wait().expect("reaped");
    let mut client = Client::attach(&session, &FROM_START).await;
    for at in 0..200 {
        client.key(format!("line {at} {}\n", "x".repeat(100)).as_bytes()).await;
    }
    client.until("line 199").await;
}

#[tokio::test]
async fn a_session_survives_whoever_started_it() {
    let place = Place::new();
    let mut starter = Command::new(under_test())
        .arg("start")
        .arg(place.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdout = BufReader::new(starter.stdout.take().expect("piped"));
    let mut id = String::new();
    stdout.read_line(&mut id).expect("readable");
    starter.kill().expect("killed");
    starter.wait().expect("reaped");
    // The host does not hold the starter's pipe, or this would wait for it.
    stdout.read_to_end(&mut Vec::new()).expect("ended");
    let listed = place.sessions.list().expect("readable");
    assert_eq!(listed.len(), 1);
    assert!(listed[0].is_running() && listed[0].record.id == id.trim());
    let mut client = Client::attach(&listed[0], &FROM_START).await;
    client.key(b"hello\n").await;
    client.until("hello\r\nhello").await;
}
