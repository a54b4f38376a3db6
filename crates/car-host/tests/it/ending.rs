//! How sessions end, and what is left of them.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use car_host::{Exit, HostError, Session, State};
use car_process::{is_alive, process_id, wait_until_gone};

use crate::support::{Client, FROM_START, LONG, Place, pid_in};

async fn ended(mut session: Session) -> Session {
    let host = session.record.host.expect("known");
    assert!(wait_until_gone(host, LONG).await);
    session.reload().expect("readable");
    session
}

#[tokio::test]
async fn the_exit_code_and_the_last_words_stay() {
    let place = Place::new();
    let session = place.sh("printf '\\033]0;my title\\007bye'; exit 3").await;
    let session = ended(session).await;
    assert_eq!((session.record.state, session.record.exit), (State::Ended, Some(Exit::Code(3))));
    assert_eq!(session.record.title, "my title");
    assert!(session.record.ended_at.is_some());
    let (from, output) = session.output().expect("kept");
    assert!(from == 0 && output.ends_with(b"bye"));
    let screen = String::from_utf8(session.last_screen().expect("kept")).expect("text");
    assert!(screen.contains("bye"), "{screen:?}");
    assert!(!session.record.socket.exists());
    assert!(matches!(session.attach(&FROM_START).await, Err(HostError::Ended(_))));
    session.remove().expect("removed");
    assert!(place.sessions.list().expect("readable").is_empty());
}

#[tokio::test]
async fn everybody_attached_hears_all_of_it_and_then_the_end() {
    let place = Place::new();
    let session = place.sh("read line; head -c 300000 /dev/zero | tr '\\0' y; kill -9 $$").await;
    let mut one = Client::attach(&session, &FROM_START).await;
    let mut other = Client::attach(&session, &FROM_START).await;
    one.attachment.sender.input(None, b"go\n").await.expect("sent");
    let (first, second) = tokio::join!(one.exit(), other.exit());
    assert_eq!((first, second), (Exit::Signal(9), Exit::Signal(9)));
    for client in [one, other] {
        assert_eq!(client.output.iter().filter(|byte| **byte == b'y').count(), 300_000);
    }
}

#[tokio::test]
async fn an_end_takes_everything_that_was_started() {
    let place = Place::new();
    let script = "trap '' TERM HUP; \
        sh -c 'trap \"\" TERM HUP; echo $$ > stubborn; while :; do sleep 1; done' & \
        setsid sh -c 'echo $$ > detached; exec sleep 1000' & \
        sh -c '(setsid sh -c \"echo \\$\\$ > orphan; exec sleep 1000\" &)'; \
        wait";
    let mut session = place.sh(script).await;
    let mut processes = Vec::new();
    for name in ["stubborn", "detached", "orphan"] {
        processes.push(process_id(pid_in(&place.path(name)).await).expect("alive"));
    }
    processes.extend([session.record.host.expect("known"), session.record.child.expect("known")]);
    session.end(Duration::from_millis(300)).await.expect("ended");
    for process in processes {
        assert!(!is_alive(process), "{process:?}");
    }
    assert_eq!(session.record.state, State::Ended);
    assert_eq!(session.record.exit, Some(Exit::Signal(9)));
    session.end(Duration::ZERO).await.expect("no error");
}

#[tokio::test]
async fn a_shell_that_is_asked_goes_at_once() {
    let place = Place::new();
    let mut session = place.start(&["env", "PS1=ready> ", "sh", "-i"]).await;
    let mut client = Client::attach(&session, &FROM_START).await;
    client.until("ready> ").await;
    session.end(LONG).await.expect("ended");
    // Not KILL, which comes to who does not go when asked.
    assert_eq!(client.exit().await, Exit::Signal(1));
}

#[tokio::test]
async fn a_host_that_is_killed_leaves_no_program_and_a_true_record() {
    let place = Place::new();
    let session = place.sh("trap '' HUP TERM; while :; do sleep 1; done").await;
    let host = session.record.host.expect("known");
    let child = session.record.child.expect("known");
    car_process::kill_now(host);
    assert!(wait_until_gone(host, LONG).await);
    let listed = place.sessions.list().expect("readable");
    assert_eq!(listed[0].record.state, State::Lost);
    assert_eq!(listed[0].record.exit, Some(Exit::Unknown));
    assert!(wait_until_gone(child, LONG).await);
    assert!(!session.record.socket.exists());
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named_and_leaves_nothing() {
    let place = Place::new();
    let error = place.sessions.start(&place.spec(&["no-such-program"])).await.expect_err("refused");
    assert!(error.to_string().contains("no-such-program"), "{error}");
    assert!(place.sessions.list().expect("readable").is_empty());
    let left = std::fs::read_dir(place.sessions.dir()).expect("there").count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn nobody_else_can_get_at_a_session() {
    let place = Place::new();
    let session = place.start(&["cat"]).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!(mode(&session.record.socket), 0o600);
    let dir = session.record.socket.parent().expect("a directory");
    assert_eq!(mode(dir), 0o700);
    assert_eq!(mode(&dir.join("session.json")), 0o600);
    assert!(matches!(place.sessions.get("../x"), Err(HostError::Unknown(_))));
    assert!(matches!(place.sessions.get("0"), Err(HostError::Unknown(_))));
    assert!(matches!(session.clone().remove(), Err(HostError::Running(_))));
}
