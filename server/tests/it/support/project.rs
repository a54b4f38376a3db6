//! A git repository with CAR in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use car_domain::run::JournalEntry;
use car_domain::state::RunnerState;
use car_testkit::process;
use car_testkit::repo::TempRepo;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Running, Shown, eventually};

/// The program under test.
pub(crate) const CAR: &str = env!("CARGO_BIN_EXE_car");
/// What must not reach `car` from whoever runs the tests.
const FOREIGN: [&str; 9] = [
    "CODEX_HOME",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "RUST_LOG",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "XDG_RUNTIME_DIR",
];

/// A repository, a home directory nobody else uses, and `car`.
pub(crate) struct Project {
    repo: TempRepo,
    home: TempDir,
    env: Vec<(&'static str, OsString)>,
}

impl Project {
    /// A repository without CAR.
    pub(crate) fn bare() -> Self {
        let home = TempDir::with_prefix("car-home-").expect("a temporary directory");
        Self { repo: TempRepo::new(), home, env: Vec::new() }
    }

    /// After `car init`.
    pub(crate) fn new() -> Self {
        let project = Self::bare();
        project.car(&["init"]).exits(0);
        project
    }

    /// After `car init`, with these items to do and no pause between runs.
    pub(crate) fn with_agent(codex: &Value, items: &[&str]) -> Self {
        let project = Self::new();
        project.configure(codex, &json!({}));
        project.todo(items);
        project
    }

    /// Adds variables to the environment of every `car`.
    pub(crate) fn env(mut self, env: Vec<(&'static str, OsString)>) -> Self {
        self.env.extend(env);
        self
    }

    /// Writes the configuration; `runner` on top of no pause and a short grace period.
    pub(crate) fn configure(&self, codex: &Value, runner: &Value) {
        let mut all = json!({"sleep_seconds": 0, "grace_seconds": 1});
        let more = runner.as_object().expect("a map").clone();
        all.as_object_mut().expect("a map").extend(more);
        // JSON is YAML.
        let config = json!({"version": 2, "mode": "repo", "codex": codex, "runner": all});
        self.write("config.yml", &config.to_string());
    }

    /// Writes a TODO list of open items.
    pub(crate) fn todo(&self, items: &[&str]) {
        let items: String = items.iter().map(|item| format!("- [ ] {item}\n")).collect();
        self.write("TODO.md", &format!("# TODO\n\n{items}"));
    }

    /// The top directory.
    pub(crate) fn root(&self) -> &Path {
        self.repo.path()
    }

    /// The git repository.
    pub(crate) fn repo(&self) -> &TempRepo {
        &self.repo
    }

    /// A path inside `.codex-autorunner`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(".codex-autorunner").join(name)
    }

    /// Writes a file inside `.codex-autorunner`.
    pub(crate) fn write(&self, name: &str, text: &str) {
        self.repo.write(&format!(".codex-autorunner/{name}"), text);
    }

    /// Reads a file inside `.codex-autorunner`.
    pub(crate) fn read(&self, name: &str) -> String {
        self.repo.read(&format!(".codex-autorunner/{name}"))
    }

    /// Runs `car` in the top directory.
    #[track_caller]
    pub(crate) fn car(&self, args: &[&str]) -> Shown {
        self.car_in(self.root(), args)
    }

    /// Runs `car` in another directory.
    #[track_caller]
    pub(crate) fn car_in(&self, dir: &Path, args: &[&str]) -> Shown {
        let mut command = Command::new(CAR);
        self.prepare(command.args(args)).current_dir(dir);
        Shown::new(process::run(&mut command, ""), self.redactions())
    }

    /// Runs a shell script in the top directory, `$CAR` being the program.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> Shown {
        let mut command = Command::new("sh");
        self.prepare(command.args(["-c", script])).env("CAR", CAR);
        Shown::new(process::run(&mut command, ""), self.redactions())
    }

    /// Starts `car` in the background.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut command = Command::new(CAR);
        Running::start(self.prepare(command.args(args)), self.redactions())
    }

    /// `state.json`.
    pub(crate) fn state(&self) -> RunnerState {
        serde_json::from_str(&self.read("state.json")).expect("a state")
    }

    /// The journal of a run as far as it is written.
    pub(crate) fn journal(&self, run: u64) -> Vec<JournalEntry> {
        let path = self.path(&format!("runs/run-{run}.jsonl"));
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter_map(JournalEntry::from_line).collect()
    }

    /// Waits until the journal of a run holds an event with these words.
    #[track_caller]
    pub(crate) fn until_said(&self, run: u64, words: &str) {
        eventually(&format!("run {run} says {words:?}"), || {
            self.journal(run).iter().any(|entry| entry.event.text().contains(words)).then_some(())
        });
    }

    /// `car runs --json`, oldest first.
    #[track_caller]
    pub(crate) fn runs(&self) -> Vec<Value> {
        let list = self.car(&["runs", "--json"]).exits(0).json();
        let mut runs: Vec<Value> = list.as_array().expect("a list").clone();
        runs.reverse();
        runs
    }

    /// One value of each run, as a word, oldest first.
    #[track_caller]
    pub(crate) fn of_runs(&self, key: &str) -> Vec<String> {
        let word =
            |run: &Value| run[key].as_str().map_or_else(|| run[key].to_string(), str::to_owned);
        self.runs().iter().map(word).collect()
    }

    fn prepare<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .current_dir(self.root())
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
    }

    fn redactions(&self) -> Vec<(String, &'static str)> {
        let commit = self.repo.git(&["rev-parse", "--short", "HEAD"]);
        vec![
            (self.root().display().to_string(), "<repo>"),
            (CAR.to_owned(), "<car>"),
            (commit, "<commit>"),
        ]
    }
}

/// An agent that is a shell script and prints plain text.
pub(crate) fn shell_agent(script: &str) -> Value {
    json!({"binary": "sh", "args": ["-c", script]})
}

/// The built-in agent, as fast as it can.
pub(crate) fn scripted_agent() -> Value {
    json!({"binary": CAR, "args": ["scripted-agent", "--json", "--pace-ms", "0"]})
}
