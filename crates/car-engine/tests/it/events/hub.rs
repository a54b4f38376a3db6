//! A hub whose repositories come and go, and what is true about it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use car_domain::Timestamp;
use car_domain::docs::DocKind;
use car_domain::run::{JournalEntry, RunEvent};
use car_engine::{DocChange, DocWrite, Expected, Repo, Served};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What is true.
pub(super) struct Truth {
    pub rows: BTreeMap<String, Value>,
    pub dashboards: BTreeMap<String, Value>,
    pub docs: BTreeMap<(String, DocKind), String>,
    /// The newest run of each repository and the number of its last entry.
    pub journals: BTreeMap<String, (u64, u64)>,
}

pub(super) struct TestHub {
    pub served: Arc<Served>,
    root: PathBuf,
    /// The newest run of each repository and its number of entries.
    runs: BTreeMap<String, (u64, u64)>,
    /// The other half of a line that is half written.
    torn: BTreeMap<String, String>,
    n_removed: u32,
    cancel: CancellationToken,
    _dir: tempfile::TempDir,
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl TestHub {
    pub(super) fn open() -> Self {
        let hub = Self::unwatched();
        hub.watch();
        hub
    }

    pub(super) fn watch(&self) {
        self.served.watch(&TaskTracker::new(), &self.cancel);
    }

    pub(super) fn unwatched() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = fs::canonicalize(dir.path()).expect("path").join("hub");
        write(&root.join(".codex-autorunner/config.yml"), "version: 2\nmode: hub\n");
        let served = Served::open(&root, Vec::new()).expect("a hub");
        let cancel = CancellationToken::new();
        let (runs, torn) = (BTreeMap::new(), BTreeMap::new());
        Self { served, root, runs, torn, n_removed: 0, cancel, _dir: dir }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.runs.keys().cloned().collect()
    }

    pub(super) fn add(&mut self, repo: usize, at_once: bool) {
        let id = NAMES[repo].to_owned();
        if self.runs.contains_key(&id) {
            return;
        }
        let place = self.root.join(&id);
        let root = if at_once { self.root.with_file_name("new") } else { place.clone() };
        fs::create_dir_all(root.join(".git")).expect("dir");
        let car = root.join(".codex-autorunner");
        write(&car.join("TODO.md"), "- [ ] first\n");
        write(&car.join("runs/run-1.jsonl"), &(entry(1) + "\n"));
        write(&car.join("config.yml"), "version: 2\nmode: repo\n");
        if at_once {
            fs::rename(root, place).expect("moved");
        }
        self.runs.insert(id, (1, 1));
    }

    pub(super) fn remove(&mut self, repo: usize, at_once: bool) {
        let id = NAMES[repo];
        if self.runs.remove(id).is_none() {
            return;
        }
        self.torn.remove(id);
        if at_once {
            self.n_removed += 1;
            let trash = self.root.with_file_name(format!("removed-{}", self.n_removed));
            fs::rename(self.root.join(id), trash).expect("moved");
        } else {
            // The server may write into it at the same time.
            while self.root.join(id).exists() {
                let _ = fs::remove_dir_all(self.root.join(id));
            }
        }
    }

    pub(super) fn begin_run(&mut self, repo: usize) {
        let id = NAMES[repo];
        let Some((run, n)) = self.runs.get_mut(id) else { return };
        *run += 1;
        *n = 0;
        self.torn.remove(id);
        self.say(repo, 1, false);
    }

    /// With `torn`, half of one more line is written, which the next call ends.
    pub(super) fn say(&mut self, repo: usize, entries: u64, torn: bool) {
        let id = NAMES[repo];
        let Some((run, n)) = self.runs.get_mut(id) else { return };
        let mut text = String::new();
        if let Some(rest) = self.torn.remove(id) {
            *n += 1;
            text = rest + "\n";
        }
        for _ in 0..entries {
            *n += 1;
            text += &(entry(*n) + "\n");
        }
        if torn {
            let line = entry(*n + 1);
            let (half, rest) = line.split_at(line.len() / 2);
            text += half;
            self.torn.insert(id.to_owned(), rest.to_owned());
        }
        let path = self.root.join(id).join(format!(".codex-autorunner/runs/run-{run}.jsonl"));
        let file = fs::OpenOptions::new().append(true).create(true).open(path);
        file.expect("open").write_all(text.as_bytes()).expect("write");
    }

    pub(super) fn write(&self, repo: usize, kind: DocKind, text: &str, how: u8) {
        let id = NAMES[repo];
        if !self.runs.contains_key(id) {
            return;
        }
        let repo = Repo::open(&self.root.join(id)).expect("valid");
        let path = repo.docs().path(kind);
        match how {
            0 => fs::write(path, text).expect("write"),
            1 => {
                let other = path.with_extension("swp");
                fs::write(&other, text).expect("write");
                fs::rename(other, path).expect("replaced");
            }
            _ => {
                let change = DocChange { kind, text, expected: Expected::Anything };
                let written = repo.docs().write_all(&[change], "command line").expect("written");
                assert!(matches!(written, DocWrite::Written(_)));
            }
        }
    }

    /// What is true now, read from the files without what the stream says.
    pub(super) async fn truth(&self) -> Truth {
        let mut truth = Truth {
            rows: BTreeMap::new(),
            dashboards: BTreeMap::new(),
            docs: BTreeMap::new(),
            journals: self.runs.clone(),
        };
        for id in self.ids() {
            let Ok(dashboard) = self.served.dashboard(&id).await else {
                // The server has not heard of it yet.
                truth.rows.insert(id, Value::Null);
                continue;
            };
            let row = serde_json::to_value(&dashboard.repo).expect("JSON");
            truth.rows.insert(id.clone(), row);
            let dashboard = serde_json::to_value(dashboard).expect("JSON");
            truth.dashboards.insert(id.clone(), dashboard);
            let repo = Repo::open(&self.root.join(&id)).expect("valid");
            for kind in DocKind::ALL {
                let version = repo.docs().read(kind).expect("readable").version;
                truth.docs.insert((id.clone(), kind), version);
            }
        }
        truth
    }
}

fn entry(seq: u64) -> String {
    let event = RunEvent::Message { text: format!("entry {seq}") };
    JournalEntry { seq, at: Timestamp::from_millis(0), event }.to_line()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
    fs::write(path, text).expect("write");
}
