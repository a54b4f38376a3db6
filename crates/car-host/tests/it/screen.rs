//! Snapshots, and what a server learns without looking at the output.

use car_host::protocol::HostFrame;
use car_host::{Attach, Exit};

use crate::support::{Client, FROM_START, Place};

const SNAPSHOT: Attach = Attach { from: None, window: 256 << 10, lines: 100, answers: false };

#[tokio::test]
async fn who_comes_later_gets_the_screen_and_then_what_follows() {
    let place = Place::new();
    let script = "stty -echo; for i in $(seq 1 200); do echo line $i; done; \
        printf '\\033[?1049h\\033[?1h\\033[2J\\033[3;4Hin the editor'; read x; printf more; sleep 1000";
    let session = place.sh(script).await;
    let mut first = Client::attach(&session, &FROM_START).await;
    first.until("in the editor").await;
    let mut later = Client::attach(&session, &SNAPSHOT).await;
    later.frame(|frame| matches!(frame, HostFrame::Snapshot { after_gap: false, .. })).await;
    let text = later.text();
    for part in ["line 150", "line 200", "\x1b[?1049h", "in the editor", "\x1b[?1h"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert!(!text.contains("line 70"), "only a hundred lines of history");
    assert_eq!(later.at, first.at);
    first.key(b"\n").await;
    later.until("more").await;
}

#[tokio::test]
async fn an_offset_that_is_gone_is_said_and_bridged() {
    let place = Place::new();
    let session = place.sh("stty -echo; head -c 12000000 /dev/zero | tr '\\0' 'z'; echo; echo END; read x; echo more; read x").await;
    let mut fast = Client::attach(&session, &FROM_START).await;
    fast.until("END").await;
    for wanted in [5, 1 << 40] {
        let how = Attach { from: Some(wanted), ..FROM_START };
        let mut client = Client::attach(&session, &how).await;
        let gap = client.frame(|frame| matches!(frame, HostFrame::Gap { .. })).await;
        assert!(
            matches!(gap, HostFrame::Gap { wanted: it, oldest } if it == wanted && oldest > 1_000_000)
        );
        client.frame(|frame| matches!(frame, HostFrame::Snapshot { after_gap: true, .. })).await;
        assert!(client.text().contains("END"));
        assert_eq!(client.at, fast.at);
    }
    let mut client = Client::attach(&session, &SNAPSHOT).await;
    fast.key(b"\n").await;
    client.until("more").await;
}

#[tokio::test]
async fn the_host_answers_for_a_terminal_when_nobody_else_does() {
    let place = Place::new();
    let script = "stty raw -echo; printf 'ab\\033[6n'; head -c 6 | od -An -c; sleep 1000";
    let session = place.sh(script).await;
    let mut client = Client::attach(&session, &FROM_START).await;
    client.until("1   ;   3   R").await;
}

#[tokio::test]
async fn a_client_that_answers_keeps_the_host_silent() {
    let place = Place::new();
    let script = "stty raw -echo; echo ready; head -c 1; printf '\\033[6n'; head -c 3 | od -An -c; sleep 1000";
    let session = place.sh(script).await;
    let mut client = Client::attach(&session, &Attach { answers: true, ..FROM_START }).await;
    client.until("ready").await;
    client.key(b"x").await;
    client.until("\x1b[6n").await;
    client.key(b"abc").await;
    client.until("a   b   c").await;
}

#[tokio::test]
async fn title_bell_and_activity_are_told() {
    let place = Place::new();
    let session = place.sh("read x; printf '\\033]2;working hard\\007\\007'; read x; exit 0").await;
    let mut client = Client::attach(&session, &FROM_START).await;
    client.key(b"\n").await;
    client.frame(|frame| *frame == HostFrame::Title("working hard".into())).await;
    let is_busy = |frame: &HostFrame| matches!(frame, HostFrame::Activity(it) if it.is_active && it.last_output > 0);
    client.frame(is_busy).await;
    client.frame(|frame| matches!(frame, HostFrame::Activity(it) if it.bells == 1)).await;
    let is_idle = |frame: &HostFrame| matches!(frame, HostFrame::Activity(it) if !it.is_active && it.bells == 1 && it.foreground == "sh");
    client.frame(is_idle).await;
    // Who only looks learns the same.
    let mut look = session.connect().await.expect("connected");
    assert!(
        matches!(&look.hello, HostFrame::Hello { activity, cols: 80, rows: 24, has_ended: false, .. } if activity.bells == 1)
    );
    assert_eq!(look.next().await.expect("told"), Some(HostFrame::Title("working hard".into())));
    client.key(b"\n").await;
    assert_eq!(client.exit().await, Exit::Code(0));
}
