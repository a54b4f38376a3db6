//! The HTTP API under requests nobody should send.

mod requests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::support::{Project, Running, eventually, shell_agent};
use requests::{Dice, Hostile, request};

/// Requests in all.
const REQUESTS: usize = 10_000;
/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a hostile command would leave.
const LEFT: &str = "/tmp/car-was-here";

struct Target {
    client: Client,
    url: String,
    token: String,
}

impl Target {
    async fn get(&self, path: &str) -> Value {
        let asked = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        asked.send().await.expect("answered").json().await.expect("JSON")
    }

    async fn send(&self, hostile: &Hostile) -> Response {
        let method = Method::from_bytes(hostile.method.as_bytes()).expect("a method");
        let mut asked = self.client.request(method, format!("{}{}", self.url, hostile.path));
        asked = asked.bearer_auth(&self.token).body(hostile.body.clone());
        for (name, value) in &hostile.headers {
            asked = asked.header(*name, value);
        }
        let Hostile { method, path, .. } = hostile;
        asked.send().await.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error:?}"))
    }
}

/// A hub with two repositories, two directories below the top of `project`, with an agent that does nothing.
fn hub(project: &Project) -> PathBuf {
    let dir = project.root().join("outer/hub");
    fs::create_dir_all(&dir).expect("made");
    project.car_in(&dir, &["init", "--mode", "hub", "--path", "."]).exits(0);
    for id in ["api", "web"] {
        project.car_in(&dir, &["hub", "create", id]).exits(0);
        let config = json!({
            "version": 2,
            "mode": "repo",
            "codex": shell_agent("exit 0"),
            "runner": {"sleep_seconds": 0, "grace_seconds": 1, "stop_after_runs": 1},
        });
        let path = dir.join(format!("{id}/.codex-autorunner/config.yml"));
        fs::write(path, config.to_string()).expect("written");
    }
    dir
}

/// Names and sizes of everything below `dir`, but for what is below `except`.
fn files(dir: &Path, except: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            let about = path.symlink_metadata().expect("there");
            if about.is_dir() && path != except {
                dirs.push(path.clone());
            }
            if path != except {
                found.insert(path, if about.is_dir() { 0 } else { about.len() });
            }
        }
    }
    found
}

fn served(dir: &Path, server: &Running) -> Target {
    let url = eventually("the server says where it listens", || {
        let said = server.stdout();
        let line = said.lines().find(|line| line.starts_with("Serving"))?;
        line.split(" on ").nth(1).map(str::to_owned)
    });
    let token = fs::read_to_string(dir.join(".codex-autorunner/server-token")).expect("a token");
    let token = token.trim().to_owned();
    // A connection is not kept: the server closes one whose request it refused in the middle.
    let client = Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(PATIENCE)
        .build()
        .expect("a client");
    Target { client, url, token }
}

/// Where an operation is asked for: a hub's own paths at the root, a repository's below one that exists, or none.
fn place(dice: &mut Dice, path: &str, said: &Value) -> &'static str {
    let of_server =
        path.starts_with("/hub") || path.starts_with("/system") || said["tags"][0] == "server";
    match of_server {
        true => "",
        false => {
            dice.pick::<&str>(&["/repos/api", "/repos/api", "/repos/web", "/repos/nobody", ""])
        }
    }
}

#[tokio::test]
async fn ten_thousand_hostile_requests_break_nothing_and_leave_nothing_behind() {
    let project = Project::bare();
    let dir = hub(&project);
    let outside = files(project.root(), &dir);
    let path = dir.display().to_string();
    let server = project.start(&["hub", "serve", "--path", &path, "--port", "0"]);
    let target = served(&dir, &server);
    let document = target.get("/api/openapi.json").await;
    let operations: Vec<(String, String, Value)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("operations").iter();
            methods.map(move |(method, said)| (path.clone(), method.clone(), said.clone()))
        })
        .collect();
    let mut dice = Dice::new(20_261_124);
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for n in 0..REQUESTS {
        let (path, method, said) = &operations[n % operations.len()];
        let mut hostile = request(&mut dice, &document, path, method, said);
        hostile.path = format!("{}{}", place(&mut dice, path, said), hostile.path);
        let answer = target.send(&hostile).await;
        let status = answer.status().as_u16();
        *statuses.entry(status).or_default() += 1;
        let is_stream =
            answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if is_stream { String::new() } else { answer.text().await.unwrap_or_default() };
        let sent =
            String::from_utf8_lossy(&hostile.body[..hostile.body.len().min(300)]).into_owned();
        let asked = format!("{} {} {sent}", hostile.method, hostile.path);
        assert_ne!(status, 500, "{asked}: {text}");
        assert!(!text.contains(&target.token), "{asked} tells the token");
        assert!(!text.contains("root:x:0"), "{asked} tells a file of the system");
    }
    // Most are refused, but enough get through to reach what lies behind.
    let of = |status| statuses.get(&status).copied().unwrap_or_default();
    assert!(of(200) > REQUESTS / 20 && of(404) > 0 && of(422) > 0, "{statuses:?}");
    assert_eq!(target.get("/health").await["status"], "ok", "it still serves");
    server.signal(Signal::SIGTERM);
    let ended = server.wait();
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(!Path::new(LEFT).exists(), "a command was run");
    assert_eq!(files(project.root(), &dir), outside, "written outside of the hub");
}
