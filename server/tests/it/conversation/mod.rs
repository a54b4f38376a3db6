//! The real Codex CLI as a server, against a model of ours: conversations on the command line, and the loop over it.

mod loops;
mod over_http;
mod threads;

use car_domain::run::RunEvent;
use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, Script};
use serde_json::{Value, json};

use crate::support::{Project, Running, eventually};

/// A model and a project whose Codex talks to it.
struct Setting {
    model: FakeModel,
    project: Project,
    /// Read by Codex as long as it works.
    _home: CodexHome,
}

impl Setting {
    /// A loop over the Codex server with these arguments for Codex.
    async fn new(script: impl Script, args: &[&str], runner: &Value) -> Self {
        let model = FakeModel::start(script).await;
        let home = CodexHome::new(model.base_url());
        let project = Project::new().env(home.env());
        let codex = json!({"binary": codex::binary().display().to_string(), "args": args});
        let mut all = json!({"driver": "app_server"});
        let more = runner.as_object().expect("a map").clone();
        all.as_object_mut().expect("a map").extend(more);
        project.configure(&codex, &all);
        project.todo(&["First"]);
        Self { model, project, _home: home }
    }

    /// The default: full access, never asks.
    async fn with(script: impl Script) -> Self {
        let args = ["--yolo", "exec", "--sandbox", "danger-full-access"];
        Self::new(script, &args, &json!({})).await
    }

    /// What waits for an answer, as soon as something does.
    #[track_caller]
    fn request(&self) -> Value {
        eventually("something waits for an answer", || {
            let requests = self.project.car(&["requests", "--json"]).exits(0).json();
            requests.get(0).cloned()
        })
    }

    /// The names of the events of a run, but for Codex's warnings, which differ.
    fn names(&self, run: u64) -> Vec<&'static str> {
        names(&self.project, run)
    }

    /// Starts `car` and waits until the model is asked for the `n`th time.
    async fn start_and_ask(&self, args: &[&str], n: usize) -> Running {
        let running = self.project.start(args);
        self.model.until_requests(n).await;
        running
    }
}

impl Drop for Setting {
    /// The server would outlive the test, as it is meant to.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.project.car(&["thread", "server", "--stop"]).exits(0);
        } else {
            let _ = self.project.car(&["thread", "server", "--stop"]);
        }
    }
}

/// The names of the events of a run, but for Codex's warnings, which differ.
fn names(project: &Project, run: u64) -> Vec<&'static str> {
    let journal = project.journal(run);
    let names = journal.iter().map(|entry| entry.event.name());
    names.filter(|name| !["notice", "output"].contains(name)).collect()
}

fn has(project: &Project, run: u64, found: impl Fn(&RunEvent) -> bool) -> bool {
    project.journal(run).iter().any(|entry| found(&entry.event))
}
