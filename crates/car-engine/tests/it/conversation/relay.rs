//! A connection that breaks while the server lives.

use std::fs;
use std::path::PathBuf;

use car_domain::conversation::Decision;
use car_domain::run::RunEvent;
use car_engine::conversation::{CodexSetup, Conversations, TurnEvent};
use car_testkit::model::Turn;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::setting::{Setting, all, asked, steps, until};

/// Passes connections on to the server, and cuts them on demand.
struct Relay {
    dir: TempDir,
    cuts: watch::Sender<u32>,
}

impl Relay {
    /// In front of the server that `door` uses.
    async fn before(door: &Conversations) -> Self {
        door.requests().await.expect("asked");
        let server = door.server().await.expect("a shared server");
        let own_dir = server.socket.parent().expect("a directory");
        let dir = TempDir::with_prefix("car-relay-").expect("a temporary directory");
        let relayed = dir.path().join(own_dir.file_name().expect("a name"));
        fs::create_dir(&relayed).expect("created");
        let socket: PathBuf = relayed.join("relay.sock");
        let mut record: serde_json::Value =
            serde_json::from_slice(&fs::read(own_dir.join("server.json")).expect("a record"))
                .expect("JSON");
        record["socket"] = socket.to_str().expect("UTF-8").into();
        fs::write(relayed.join("server.json"), record.to_string()).expect("written");

        let listener = UnixListener::bind(&socket).expect("bound");
        let (cuts, _) = watch::channel(0);
        let cut = cuts.clone();
        tokio::spawn(async move {
            while let Ok((mut ours, _)) = listener.accept().await {
                let (socket, mut cut) = (server.socket.clone(), cut.subscribe());
                tokio::spawn(async move {
                    let mut theirs = UnixStream::connect(socket).await.expect("connected");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut ours, &mut theirs) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { dir, cuts }
    }

    fn door(&self, setting: &Setting) -> Conversations {
        let server_dir = Some(self.dir.path().to_path_buf());
        Conversations::new(CodexSetup { server_dir, ..setting.setup() })
    }

    fn cut(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }
}

#[tokio::test]
async fn a_broken_connection_is_made_anew_and_the_turn_is_told_to_its_end_once() {
    let script = vec![Turn::new().shell("echo hi").half_message("One ", "two")];
    let setting = Setting::new(script).await;
    let relay = Relay::before(&setting.door()).await;
    let door = relay.door(&setting);
    let mut turn = door.turn(setting.request("Count")).await.expect("started");
    let delta = |event| matches!(event, TurnEvent::MessageDelta { .. }).then_some(());
    until(&mut turn, delta).await;
    for _ in 0..2 {
        relay.cut();
        // A call of ours at the same time must not take the turn away from its follower.
        door.requests().await.ok();
    }
    setting.model.release();
    let (events, outcome) = all(&mut turn).await;
    assert_eq!(outcome.final_message.as_deref(), Some("One two"));
    let steps = steps(&events);
    let said = |step: &&RunEvent| matches!(step, RunEvent::Message { .. });
    assert_eq!(steps.iter().filter(said).count(), 1, "{steps:?}");
    let ran = |step: &RunEvent| matches!(step, RunEvent::CommandFinished { .. });
    assert!(!steps.iter().any(ran), "it was told before the cut: {steps:?}");
}

#[tokio::test]
async fn a_request_comes_again_over_a_new_connection_with_the_same_id() {
    let script = vec![Turn::new().add_file("new.txt", "hello").message("Written.")];
    let setting = Setting::new(script).await;
    let relay = Relay::before(&setting.door()).await;
    let door = relay.door(&setting);
    let mut turn = door.turn(setting.asking("Write")).await.expect("started");
    let request = asked(&mut turn).await;
    relay.cut();
    let waiting = loop {
        // The first call may still meet the end of the old connection.
        if let Ok(waiting) = door.requests().await {
            break waiting;
        }
    };
    assert_eq!(waiting, std::slice::from_ref(&request));
    door.answer(&request.id, Decision::Accept, "anna", None).await.expect("answered");
    let (events, outcome) = all(&mut turn).await;
    assert_eq!(outcome.final_message.as_deref(), Some("Written."));
    let resolved = |event: &&TurnEvent| matches!(event, TurnEvent::Resolved { .. });
    assert_eq!(events.iter().filter(resolved).count(), 1, "{events:?}");
}
