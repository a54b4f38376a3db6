//! One `codex exec` run, as CAR starts it.

use std::process::Command;

use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, ThreadUsage, Usage};
use car_testkit::process;
use car_testkit::repo::TempRepo;
use serde_json::Value;

/// A finished run and the events it printed.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
}

/// Runs Codex with the prompt on standard input; may change everything in `repo`.
pub(crate) fn exec(model: &FakeModel, repo: &TempRepo, prompt: &str) -> Run {
    let home = CodexHome::new(model.base_url());
    let mut command = Command::new(codex::binary());
    command
        .args(["exec", "--json", "--dangerously-bypass-approvals-and-sandbox"])
        .args(["--skip-git-repo-check", "-C"])
        .arg(repo.path())
        .arg("-")
        .envs(home.env());
    let finished = process::run(&mut command, prompt);
    let events = finished.stdout.lines().map(|line| serde_json::from_str(line).expect(line));
    Run { code: finished.code, events: events.collect() }
}

impl Run {
    /// Returns the events of one type.
    pub(crate) fn events(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["type"] == kind).collect()
    }

    /// Returns the completed items of one type.
    pub(crate) fn items(&self, kind: &str) -> Vec<&Value> {
        let completed = self.events("item.completed").into_iter().map(|event| &event["item"]);
        completed.filter(|item| item["type"] == kind).collect()
    }

    /// Returns the texts of the agent's messages.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.items("agent_message").iter().filter_map(|item| item["text"].as_str()).collect()
    }

    /// Returns the usage Codex printed, under the thread id it printed.
    pub(crate) fn usage(&self) -> Vec<ThreadUsage> {
        let thread = self.events("thread.started");
        let thread_id = thread[0]["thread_id"].as_str().expect("a thread id");
        let completed = self.events("turn.completed").into_iter().map(|event| &event["usage"]);
        let count = |usage: &Value, key: &str| usage[key].as_u64().expect("a count of tokens");
        completed
            .map(|usage| ThreadUsage {
                thread_id: thread_id.to_owned(),
                usage: Usage {
                    input: count(usage, "input_tokens"),
                    cached: count(usage, "cached_input_tokens"),
                    output: count(usage, "output_tokens"),
                    reasoning: count(usage, "reasoning_output_tokens"),
                },
            })
            .collect()
    }
}
