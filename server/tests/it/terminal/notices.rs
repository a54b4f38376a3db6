//! What is told of terminals to those who do not look at them.

use car_testkit::messaging::FakeMessaging;
use futures::StreamExt;
use serde_json::{Value, json};

use super::socket::{LONG, Socket};
use super::{AGENT, Terminals, served, served_with, start, with_script};
use crate::http::Served;

fn configure(terminals: &Terminals, services: &FakeMessaging) {
    let binary = with_script(&terminals.project, AGENT);
    let notifications = json!({
        "events": ["tui_idle", "tui_session_finished"],
        "tui_idle_seconds": 1.5,
        "telegram": {"api_url": services.api_url()},
    });
    let codex = json!({"binary": binary, "terminal_args": []});
    let config =
        json!({"version": 2, "mode": "repo", "codex": codex, "notifications": notifications});
    terminals.project.write("config.yml", &config.to_string());
    let (token, chat) = (services.token(), services.chat_id());
    let env = format!("CAR_TELEGRAM_BOT_TOKEN={token}\nCAR_TELEGRAM_CHAT_ID={chat}\n");
    terminals.project.write(".env", &env);
}

fn told(services: &FakeMessaging) -> Vec<String> {
    services.accepted().into_iter().map(|message| message.text).collect()
}

#[tokio::test]
async fn each_silence_and_each_end_is_told_once_however_many_look_on_and_servers_come_and_go() {
    let services = FakeMessaging::start(&[], &[]);
    let terminals = Terminals::new();
    configure(&terminals, &services);
    let server = served(&terminals);
    let id = start(&server, "codex").await;
    services.until_accepted(1).await;
    let first = told(&services);
    assert!(first[0].starts_with(&format!("CAR TUI idle (session {id}, idle ")), "{first:?}");
    // Whoever dies before it has noted that a message arrived sends it again.
    until_noted(&terminals).await;
    server.kill_9();
    let server = served(&terminals);
    let query = format!("v=2&session_id={id}");
    let mut socket = Socket::open(&server, &query).await;
    let mut other = Socket::open(&server, &query).await;
    socket.input("a", "line\n").await;
    other.until("got:line").await;
    services.until_accepted(2).await;
    socket.input("b", "exit 3\n").await;
    other.frame("exit").await;
    services.until_accepted(3).await;
    let all = told(&services);
    assert!(all[1].starts_with("CAR TUI idle"), "{all:?}");
    assert!(
        all[2].starts_with(&format!("CAR TUI session ended (session {id}, exit 3)")),
        "{all:?}"
    );
    let shell = start_shell(&server).await;
    let (status, _) = server.post(&format!("/api/terminal/sessions/{shell}/end"), json!({})).await;
    assert_eq!((status.as_u16(), told(&services).len()), (200, 3), "a shell is nobody's business");
}

/// Waits until every message that was sent is noted as such.
async fn until_noted(terminals: &Terminals) {
    let outbox = terminals.project.path("outbox");
    let waits = || {
        let files = std::fs::read_dir(&outbox).into_iter().flatten().flatten();
        files.count() > 0
    };
    let noted = async {
        while waits() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, noted).await.expect("noted");
}

async fn start_shell(server: &Served) -> String {
    let (_, started) = server.post("/api/terminal/sessions", json!({"kind": "shell"})).await;
    started["session_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn who_follows_a_terminal_hears_of_its_title_its_clients_and_its_end() {
    let (_terminals, server) =
        served_with(r#"read -r go; printf '\033]0;a title\007'; read -r go; exit 4"#);
    let id = start(&server, "codex").await;
    let mut events = Events::of(&server, &format!("terminal:{id}")).await;
    events.until(|session| session["state"] == "running").await;
    let mut socket = Socket::open(&server, &format!("v=2&session_id={id}")).await;
    events.until(|session| session["attached"][0]["role"] == "controller").await;
    socket.keys("\n").await;
    events.until(|session| session["title"] == "a title").await;
    socket.keys("\n").await;
    events.until(|session| session["state"] == "ended" && session["exit"]["code"] == 4).await;
    assert_eq!(server.delete(&format!("/api/terminal/sessions/{id}")).await, 204);
    events.until(Value::is_null).await;
}

/// The stream of live events.
struct Events {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = Vec<u8>>>>,
    text: String,
}

impl Events {
    async fn of(server: &Served, topics: &str) -> Self {
        let body = server.stream(&format!("/api/events?topics={topics}")).await;
        let body = body.map(|piece| piece.expect("a piece").to_vec());
        Self { body: Box::pin(body), text: String::new() }
    }

    /// Waits for news of the terminal that are like this.
    async fn until(&mut self, is_it: impl Fn(&Value) -> bool) {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                let value: Value = serde_json::from_str(data.unwrap_or("0")).unwrap_or_default();
                self.text = rest.to_owned();
                if value["topic"] == "terminal" && is_it(&value["session"]) {
                    return;
                }
            }
            let piece = self.body.next().await.expect("the stream goes on");
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
    }
}
