//! Terminals through a real server, with real hosts and PTYs.

mod attached;
mod notices;
mod original;
mod resuming;
mod roles;
mod socket;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::http::Served;
use crate::support::Project;

/// An agent that shows its arguments and answers every line.
const AGENT: &str = r#"echo "ARGS: $*"; while read -r line; do case "$line" in exit*) $line;; *) echo "got:$line";; esac; done"#;

/// A served project whose Codex is a shell script; one that is missing when the script is empty.
fn served_with(script: &str) -> (Terminals, Served) {
    let terminals = Terminals::new();
    let binary = match script {
        "" => "no-such-codex".to_owned(),
        _ => with_script(&terminals.project, script),
    };
    let codex = json!({"binary": binary, "terminal_args": ["--mine"]});
    terminals.project.configure(&codex, &json!({}));
    let server = served(&terminals);
    (terminals, server)
}

fn served(terminals: &Terminals) -> Served {
    Served::start(&terminals.project)
}

/// Makes a program of a shell script; returns its path.
fn with_script(project: &Project, script: &str) -> String {
    let text = format!("#!/bin/sh\nstty -echo\necho ready\n{script}\n");
    project.repo().write("codex-of-the-test", &text);
    let path = project.root().join("codex-of-the-test");
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("executable");
    path.display().to_string()
}

/// A project whose terminals end with it.
struct Terminals {
    project: Project,
}

impl Terminals {
    fn new() -> Self {
        Self { project: Project::new() }
    }
}

impl Drop for Terminals {
    fn drop(&mut self) {
        let sessions = car_host::Sessions::of(self.project.root()).list().unwrap_or_default();
        for host in sessions.iter().filter_map(|session| session.record.host) {
            car_agent::terminate(host);
        }
    }
}

/// Starts a terminal, and waits until its program is ready.
async fn start(server: &Served, kind: &str) -> String {
    let (status, started) = server.post("/api/terminal/sessions", json!({"kind": kind})).await;
    assert_eq!(status.as_u16(), 200, "{started}");
    let id = started["session_id"].as_str().expect("an id").to_owned();
    let query = format!("v=2&session_id={id}&from=0&role=viewer");
    let mut socket = socket::Socket::open(server, &query).await;
    socket.until("ready\r\n").await;
    id
}

/// Logs a browser in; returns its cookie.
async fn login(server: &Served) -> String {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let form = client.post(format!("{}/login", server.url().trim_end_matches('/')));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let answer = form.body(format!("token={}&next=/health", server.token())).send().await;
    let answer = answer.expect("an answer");
    let cookie = answer.headers().get("set-cookie").expect("a cookie").to_str().expect("text");
    cookie.split(';').next().expect("a pair").to_owned()
}
