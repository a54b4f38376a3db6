//! A server that is gone, and a Codex that cannot be one.

use std::time::Duration;

use car_domain::conversation::{Decision, TurnStatus};
use car_domain::state::ProcessId;
use car_engine::ErrorKind;
use car_engine::conversation::{TurnEvent, TurnRequest};
use car_testkit::model::Turn;

use super::setting::{Setting, asked, outcome, until};

#[tokio::test]
async fn a_killed_server_ends_its_turns_with_a_reason_and_the_next_turn_works() {
    let script = vec![Turn::new().half_message("One ", "two"), Turn::new().message("Three.")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    let server = door.server().await.expect("a shared server");
    let group = nix::unistd::Pid::from_raw(server.process.pid);
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).expect("killed");
    let cut = outcome(&mut turn).await;
    assert_eq!(cut.status, TurnStatus::Interrupted);
    let why = cut.error.expect("a reason");
    assert!(why.starts_with("The Codex server ended in the middle of the turn"), "{why}");

    let request =
        TurnRequest { thread_id: Some(turn.thread_id().to_owned()), ..setting.request("Go on") };
    let mut next = door.turn(request).await.expect("a new server is started");
    assert_eq!(outcome(&mut next).await.final_message.as_deref(), Some("Three."));
    assert_ne!(door.server().await.expect("a shared server").process, server.process);
}

#[tokio::test]
async fn two_programs_that_start_at_once_use_one_server() {
    let setting = Setting::new(Vec::new()).await;
    let (a, b) = (setting.door(), setting.door());
    let (first, second) = tokio::join!(a.requests(), b.requests());
    assert_eq!((first.expect("asked"), second.expect("asked")), (Vec::new(), Vec::new()));
    let (a, b) = (a.server().await, b.server().await);
    assert!(a.is_some());
    assert_eq!(a, b);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_ended_server_is_gone_with_everything_it_started() {
    let setting = Setting::new(Vec::new()).await;
    let door = setting.door();
    door.requests().await.expect("asked");
    let server = door.server().await.expect("a shared server");
    let members = group(server.process.pid);
    assert!(members.len() >= 2, "the wrapper and Codex itself: {members:?}");
    assert!(door.end_server().await.expect("ended"));
    assert!(!members.into_iter().any(car_agent::is_alive));
    assert!(!door.end_server().await.expect("none"));
}

/// The processes of a group.
#[cfg(target_os = "linux")]
fn group(leader: i32) -> Vec<ProcessId> {
    let is_member = |pid: &i32| {
        let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(*pid)));
        group.is_ok_and(|group| group.as_raw() == leader)
    };
    let entries = std::fs::read_dir("/proc").expect("linux").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_member).filter_map(car_agent::process_id).collect()
}

#[tokio::test]
async fn a_codex_that_cannot_listen_is_used_through_its_pipes() {
    let script = vec![
        Turn::new().escalated("echo hi", "To greet").message("Greeted."),
        Turn::new().message("Again."),
    ];
    let setting = Setting::new(script).await.with_old_codex();
    let door = setting.door();
    let mut turn = door.turn(setting.asking("Greet")).await.expect("started");
    assert!(door.is_alone());
    assert!(door.server().await.is_none());
    let request = asked(&mut turn).await;

    let other = setting.door();
    let again =
        TurnRequest { thread_id: Some(turn.thread_id().to_owned()), ..setting.request("Again") };
    let refused = other.turn(again.clone()).await.expect_err("one writer a thread");
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    assert_eq!(refused.to_string(), "another program is working in this conversation");

    door.answer(&request.id, Decision::Accept, "anna", None).await.expect("answered");
    assert_eq!(outcome(&mut turn).await.final_message.as_deref(), Some("Greeted."));
    door.close().await;
    let mut turn = other.turn(again).await.expect("free again");
    assert_eq!(outcome(&mut turn).await.final_message.as_deref(), Some("Again."));
}

#[tokio::test]
async fn an_idle_server_is_ended_and_one_with_a_turn_is_not() {
    let script = vec![Turn::new().half_message("One ", "two")];
    let setting = Setting::new(script).await;
    let door = setting.door();
    let mut turn = door.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    let (none, day) = (Duration::ZERO, Duration::from_secs(24 * 3600));
    assert!(!setting.door().end_server_if_idle(none).await.expect("asked"), "a turn runs");
    setting.model.release();
    outcome(&mut turn).await;
    assert!(!setting.door().end_server_if_idle(day).await.expect("asked"), "it was used");
    assert!(setting.door().end_server_if_idle(none).await.expect("asked"));
    assert!(!setting.door().end_server_if_idle(none).await.expect("asked"), "none runs");
}

#[tokio::test]
async fn a_missing_codex_is_named() {
    let setting = Setting::new(Vec::new()).await;
    let setup =
        car_engine::conversation::CodexSetup { binary: "no-such-codex".into(), ..setting.setup() };
    let door = car_engine::conversation::Conversations::new(setup);
    let error = door.requests().await.expect_err("missing");
    assert_eq!(error.to_string(), "Codex binary not found: no-such-codex");
    assert!(error.hint().is_some());
}
