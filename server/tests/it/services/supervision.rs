//! A server of a hub that dies, and the loops it showed.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Project, Running, eventually};

const REPOS: usize = 10;
/// How soon the next server shows what the killed one showed.
const SOON: Duration = Duration::from_secs(2);

/// A hub of repositories with more to do than this test waits for.
fn hub() -> Project {
    let project = Project::bare();
    project.car(&["init", "--mode", "hub"]).exits(0);
    project.write("config.yml", "version: 2\nmode: hub\nserver:\n  auth: off\n");
    let config = json!({
        "version": 2,
        "mode": "repo",
        "codex": {"binary": crate::support::CAR, "args": ["scripted-agent", "--json", "--pace-ms", "100"]},
        "runner": {"sleep_seconds": 0, "grace_seconds": 1},
    });
    let todo: String = (0..1000).map(|n| format!("- [ ] Item {n}\n")).collect();
    for id in ids() {
        project.car(&["hub", "create", &id]).exits(0);
        let dir = project.root().join(&id).join(".codex-autorunner");
        fs::write(dir.join("config.yml"), config.to_string()).expect("write");
        fs::write(dir.join("TODO.md"), &todo).expect("write");
    }
    project
}

fn ids() -> impl Iterator<Item = String> {
    (0..REPOS).map(|n| format!("r{n}"))
}

struct Server {
    process: Running,
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(project: &Project) -> Self {
        let process = project.start(&["hub", "serve", "--port", "0"]);
        let url = eventually("the server says where it listens", || {
            let said = process.stdout();
            let line = said.lines().find(|line| line.starts_with("Serving"))?;
            line.split(" on ").nth(1).map(str::to_owned)
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let client = reqwest::Client::new();
        Self { process, url, client, runtime: runtime.expect("a runtime") }
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = async { request.send().await?.json().await };
        self.runtime.block_on(answer).expect("an answer")
    }

    fn bulk(&self, action: &str) -> Value {
        let body = json!({ "action": action });
        self.ask(self.client.post(format!("{}/hub/bulk", self.url)).json(&body))
    }

    /// The list, by id.
    fn repos(&self) -> BTreeMap<String, Value> {
        let list = self.ask(self.client.get(format!("{}/hub/repos", self.url)));
        let repos = list["repos"].as_array().expect("a list").iter();
        repos.map(|repo| (repo["id"].as_str().expect("an id").to_owned(), repo.clone())).collect()
    }

    /// The runner of each loop, when all are at work.
    fn runners(&self) -> Option<BTreeMap<String, i64>> {
        let at_work = |repo: &Value| repo["status"] == "running";
        let repos = self.repos();
        let all = repos.len() == REPOS && repos.values().all(at_work);
        let runner = |(id, repo): (String, Value)| Some((id, repo["runner_pid"].as_i64()?));
        if all { repos.into_iter().map(runner).collect() } else { None }
    }
}

#[expect(clippy::print_stdout, reason = "the time is what the test is to show")]
#[test]
fn loops_outlive_a_killed_server_and_the_next_one_shows_them_at_once() {
    let project = hub();
    let first = Server::start(&project);
    let started = first.bulk("run");
    let results = started["results"].as_array().expect("results");
    assert!(results.len() == REPOS && results.iter().all(|it| it["ok"] == true), "{started}");
    let runners = first.runners().expect("all are at work");
    let runs = |repos: &BTreeMap<String, Value>, id: &str| repos[id]["last_run_id"].as_u64();
    eventually("each has begun its second run", || {
        let repos = first.repos();
        ids().all(|id| runs(&repos, &id) >= Some(2)).then_some(())
    });
    first.process.kill_9();

    let start = Instant::now();
    let second = Server::start(&project);
    let found = eventually("all are shown at work", || second.runners());
    let took = start.elapsed();
    println!("{REPOS} running loops are shown {} ms after the start", took.as_millis());
    assert!(took < SOON, "{took:?}");
    assert_eq!(found, runners, "the same runners, and no other ones");
    // Who starts one again is told that it runs, and the numbers go on.
    let again = second.bulk("run");
    let refused = |it: &Value| it["problem"]["status"] == 409;
    assert!(again["results"].as_array().expect("results").iter().all(refused), "{again}");
    let before = second.repos();
    eventually("each goes on", || {
        let repos = second.repos();
        ids().all(|id| runs(&repos, &id) > runs(&before, &id)).then_some(())
    });
    assert_eq!(second.runners().expect("all are at work"), runners);

    second.bulk("stop");
    let idle = eventually("all have ended", || {
        let repos = second.repos();
        repos.values().all(|repo| repo["status"] == "idle").then_some(repos)
    });
    for id in ids() {
        let list =
            project.car(&["runs", "--json", "--limit", "100000", "--repo", &id]).exits(0).json();
        let list = list.as_array().expect("a list");
        let last = idle[&id]["last_run_id"].as_u64().expect("a number");
        let numbers: Vec<_> = list.iter().filter_map(|run| run["run"].as_u64()).collect();
        assert_eq!(numbers, (1..=last).rev().collect::<Vec<_>>(), "every run of {id}, once");
        let ends: Vec<_> = list.iter().map(|run| &run["outcome"]).collect();
        assert!(ends.iter().all(|end| **end == "succeeded"), "{id}: {ends:?}");
    }
}
