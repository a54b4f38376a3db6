//! Floods: throughput, memory, interrupts, and clients that do not keep up. The figures are printed.

use std::time::{Duration, Instant};

use car_host::protocol::{HostFrame, STALL_PATIENCE};
use car_host::{Attach, Exit};

use crate::support::{Client, FROM_START, Place, figure, resident};

/// Reads on without keeping anything, acknowledging, until `until` bytes have come or the program has ended.
async fn swallow(client: &mut Client, until: u64) -> Option<Exit> {
    while client.at < until {
        match client.step().await {
            Some(HostFrame::Exit(exit)) => return Some(exit),
            Some(_) => client.output.clear(),
            None => return None,
        }
    }
    None
}

#[tokio::test]
async fn a_flood_is_fast_and_leaves_memory_as_it_was() {
    let place = Place::new();
    let session = place.sh("stty -onlcr; read x; seq 1 2000000; seq 1 2000000; read x").await;
    let mut client = Client::attach(&session, &FROM_START).await;
    let host = session.record.host.expect("known").pid;
    client.key(b"\n").await;
    let expected: u64 = (1..=2_000_000_u64).map(|number| number.to_string().len() as u64 + 1).sum();
    let before = Instant::now();
    swallow(&mut client, expected).await;
    let took = before.elapsed();
    // The first flood has filled history and journal; the second must not add to that.
    let filled = resident(host);
    swallow(&mut client, 2 * expected).await;
    let after = resident(host);
    let rate = expected as f64 / took.as_secs_f64() / 1e6;
    figure(&format!(
        "seq 1 2000000: {rate:.1} MB/s, host {filled} KiB, after a second flood {after} KiB"
    ));
    assert!(after < filled + 4096, "{filled} KiB became {after} KiB");
    assert!(after < 64 << 10, "{after} KiB");
}

#[tokio::test]
async fn an_interrupt_ends_a_flood_at_once() {
    let place = Place::new();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let session = place.start(&["yes", "a line of a program that does not stop"]).await;
        let mut client = Client::attach(&session, &FROM_START).await;
        swallow(&mut client, 3_000_000).await;
        let before = Instant::now();
        client.attachment.sender.input(None, b"\x03").await.expect("sent");
        let exit = swallow(&mut client, u64::MAX).await;
        best = best.min(before.elapsed());
        assert_eq!(exit, Some(Exit::Signal(2)));
    }
    figure(&format!("^C in a flood: the last byte came after {} ms", best.as_millis()));
    assert!(best < Duration::from_millis(100), "{best:?}");
}

#[tokio::test]
async fn a_stuck_client_does_not_stall_a_fast_one() {
    let place = Place::new();
    let session = place.sh("read x; exec yes").await;
    // Neither reads nor acknowledges.
    let stuck = session.attach(&FROM_START).await.expect("attached");
    let silent = session.attach(&Attach { window: 0, ..FROM_START }).await.expect("attached");
    let mut fast = Client::attach(&session, &FROM_START).await;
    fast.key(b"\n").await;
    let before = Instant::now();
    swallow(&mut fast, 20_000_000).await;
    let took = before.elapsed();
    figure(&format!("with two stuck clients: {:.1} MB/s", 20.0 / took.as_secs_f64()));
    let host = session.record.host.expect("known").pid;
    assert!(resident(host) < 64 << 10, "nothing is kept for the stuck ones");
    // The stuck one comes back: what it missed is gone, and it is told so.
    let mut back = Client { attachment: stuck, output: Vec::new(), at: 0, frames: Vec::new() };
    let gap = back.frame(|frame| matches!(frame, HostFrame::Gap { .. })).await;
    assert!(matches!(gap, HostFrame::Gap { oldest, .. } if oldest > 1_000_000));
    back.frame(|frame| matches!(frame, HostFrame::Snapshot { after_gap: true, .. })).await;
    drop(silent);
}

#[tokio::test]
async fn a_client_that_is_behind_holds_the_program_up_but_not_for_good() {
    let place = Place::new();
    let session = place.sh("read x; echo; head -c 5000000 /dev/zero; echo done > finished").await;
    let mut stuck = session.attach(&FROM_START).await.expect("attached");
    stuck.sender.input(None, b"\n").await.expect("sent");
    let before = Instant::now();
    // Everything within the window comes, then nothing more.
    let mut got = 0;
    while got < u64::from(FROM_START.window) {
        if let Some(HostFrame::Output { offset, bytes }) = stuck.next().await.expect("readable") {
            got = offset + bytes.len() as u64;
        }
    }
    assert_eq!(got, u64::from(FROM_START.window));
    assert!(!place.path("finished").exists(), "the program waits");
    let host = session.record.host.expect("known");
    assert!(car_process::wait_until_gone(host, Duration::from_secs(60)).await);
    assert!(place.path("finished").exists());
    assert!(before.elapsed() >= STALL_PATIENCE);
}
