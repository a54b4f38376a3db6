//! What a user may rely on about housekeeping.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

fn root(rules: &Value) -> TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    fs::create_dir_all(dir.path().join(".codex-autorunner")).expect("dir");
    let config = json!({"housekeeping": {"rules": rules}});
    fs::write(dir.path().join(".codex-autorunner/config.yml"), config.to_string()).expect("write");
    dir
}

/// Writes `.codex-autorunner/PATH` as if `days` ago.
fn file(root: &Path, path: &str, days: u64, text: &str) -> PathBuf {
    let path = root.join(".codex-autorunner").join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
    fs::write(&path, text).expect("write");
    let at = SystemTime::now() - Duration::from_secs(days * 86_400 + 3600);
    File::options().write(true).open(&path).and_then(|file| file.set_modified(at)).expect("time");
    path
}

fn cleaned(root: &TempDir, dry_run: bool) -> Report {
    clean(root.path(), &Cleaning { dry_run, ..Cleaning::default() }).expect("readable")
}

#[test]
fn old_files_go_and_only_directories_they_leave_empty() {
    let rules = json!([{"name": "up", "path": ".codex-autorunner/up", "recursive": true, "max_age_days": 5}]);
    let root = root(&rules);
    let old = file(root.path(), "up/a/b/old", 9, "12345");
    let young = file(root.path(), "up/c/young", 1, "1");
    let empty = root.path().join(".codex-autorunner/up/empty");
    fs::create_dir(&empty).expect("dir");
    let dry = cleaned(&root, true);
    assert_eq!((dry.rules[0].deleted_count, dry.rules[0].deleted_bytes), (1, 5));
    assert!(old.exists());
    let report = cleaned(&root, false);
    assert_eq!((report.rules[0].scanned_count, report.rules[0].deleted_count), (2, 1));
    assert!(!old.exists() && !root.path().join(".codex-autorunner/up/a").exists());
    assert!(young.exists() && empty.exists());
}

#[test]
fn a_file_younger_than_the_minimum_stays_whatever_the_limits() {
    let rules = json!([{"name": "up", "path": ".codex-autorunner/up", "max_files": 0}]);
    let root = root(&rules);
    let fresh = root.path().join(".codex-autorunner/up/fresh");
    file(root.path(), "up/old", 1, "");
    fs::write(&fresh, "").expect("write");
    assert_eq!(cleaned(&root, false).rules[0].deleted_count, 1);
    assert!(fresh.exists());
}

#[test]
fn a_clone_is_left_alone_as_a_whole() {
    let rules =
        json!([{"name": "up", "path": ".codex-autorunner/up", "recursive": true, "max_files": 0}]);
    let root = root(&rules);
    let kept = [
        file(root.path(), "up/clone/.git/objects/aa", 99, ""),
        file(root.path(), "up/clone/src/main.rs", 99, ""),
        file(root.path(), "up/worktree/.git", 99, "gitdir: elsewhere"),
        file(root.path(), "up/worktree/old", 99, ""),
        file(root.path(), "up/bare.git/HEAD", 99, ""),
        file(root.path(), "up/bare.git/objects/aa", 99, ""),
        file(root.path(), "up/bare.git/refs/heads/main", 99, ""),
    ];
    let gone = file(root.path(), "up/plain/old", 99, "");
    cleaned(&root, false);
    assert!(kept.iter().all(|path| path.exists()));
    assert!(!gone.exists());
}

#[test]
fn links_are_neither_followed_nor_deleted() {
    let rules = json!([
        {"name": "up", "path": ".codex-autorunner/up", "recursive": true, "max_files": 0},
        {"name": "way", "path": ".codex-autorunner/way/in", "recursive": true, "max_files": 0},
    ]);
    let root = root(&rules);
    let outside = tempfile::tempdir().expect("temp dir");
    let safe = file(outside.path(), "in/old", 99, "");
    let car = root.path().join(".codex-autorunner");
    fs::create_dir(car.join("up")).expect("dir");
    symlink(outside.path(), car.join("up/dir")).expect("link");
    symlink(&safe, car.join("up/file")).expect("link");
    symlink(outside.path().join(".codex-autorunner"), car.join("way")).expect("link");
    let report = cleaned(&root, false);
    assert!(report.rules.iter().all(|rule| rule.deleted_count == 0 && rule.errors.is_empty()));
    assert!(safe.exists() && car.join("up/file").is_symlink());
}

#[test]
fn a_rule_that_leads_elsewhere_or_to_what_is_needed_is_refused() {
    for path in [
        "../other",
        "/tmp",
        "~/x",
        "src",
        ".codex-autorunner",
        ".codex-autorunner/../src",
        ".codex-autorunner/outbox",
        ".codex-autorunner/history",
    ] {
        let root = root(&json!([{"name": "bad", "path": path, "max_files": 0, "recursive": true}]));
        let report = cleaned(&root, false);
        assert_eq!((report.rules[0].errors.len(), report.rules[0].scanned_count), (1, 0), "{path}");
    }
    let old = json!([{"name": "update_cache", "path": "~/.codex-autorunner/update_cache", "max_files": 0}]);
    let report = cleaned(&root(&old), false);
    assert!(report.rules.iter().all(|rule| rule.name != "update_cache"), "{report:?}");
}

#[test]
fn a_runs_log_and_journal_go_together_and_the_newest_run_stays() {
    let root = root(&Value::Null);
    let runs: Vec<[PathBuf; 2]> = (1..=3)
        .map(|run| {
            let name = |kind: &str| format!("runs/run-{run}.{kind}");
            [file(root.path(), &name("log"), 40, "l"), file(root.path(), &name("jsonl"), 40, "j")]
        })
        .collect();
    file(root.path(), "runs/run-2.jsonl", 1, "j");
    let report = cleaned(&root, false);
    let rule = report.rules.iter().find(|rule| rule.name == "run_logs").expect("built in");
    assert_eq!((rule.scanned_count, rule.deleted_count, rule.deleted_bytes), (3, 1, 2));
    let there: Vec<bool> = runs.iter().flatten().map(|path| path.exists()).collect();
    assert_eq!(there, [false, false, true, true, true, true]);
}

#[test]
fn documents_stay_wherever_they_lie() {
    let root = root(&json!([{"name": "docs", "path": ".codex-autorunner/docs", "max_files": 0}]));
    let path = root.path().join(".codex-autorunner/config.yml");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    config["docs"] = json!({"todo": ".codex-autorunner/docs/TODO.md"});
    fs::write(&path, config.to_string()).expect("write");
    let todo = file(root.path(), "docs/TODO.md", 99, "- [ ] x");
    let other = file(root.path(), "docs/other.md", 99, "");
    cleaned(&root, false);
    assert!(todo.exists() && !other.exists());
}

#[test]
fn a_log_keeps_its_end_by_lines_and_bytes() {
    for (limits, text, expected) in [
        (json!({"max_lines": 2}), "a\nb\nc\nd\n", "c\nd\n"),
        (json!({"max_lines": 2}), "a\nb\nc", "b\nc"),
        (json!({"max_bytes": 3}), "abcdef", "def"),
        (json!({"max_lines": 2, "max_bytes": 3}), "aa\nbb\ncc\n", "cc\n"),
        (json!({"max_lines": 0, "max_bytes": 0}), "abc", "abc"),
        (json!({"max_lines": 9}), "a\nb\n", "a\nb\n"),
    ] {
        let mut rule = json!({"name": "log", "kind": "file", "path": ".codex-autorunner/x.log"});
        rule.as_object_mut().expect("a map").extend(limits.as_object().expect("a map").clone());
        let root = root(&json!([rule]));
        let path = file(root.path(), "x.log", 1, text);
        let cut = (text.len() - expected.len()) as u64;
        assert_eq!(cleaned(&root, true).rules[0].truncated_bytes, cut);
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
        assert_eq!(cleaned(&root, false).rules[0].truncated_bytes, cut);
        assert_eq!(fs::read_to_string(&path).expect("read"), expected);
        assert_eq!(fs::read_dir(path.parent().expect("dir")).expect("list").count(), 2);
    }
    let root = root(
        &json!([{"name": "x", "kind": "file", "path": ".codex-autorunner/state.json", "max_bytes": 1}]),
    );
    let state = file(root.path(), "state.json", 9, "{ }");
    assert_eq!(cleaned(&root, false).rules[0].errors.len(), 1);
    assert_eq!(fs::read_to_string(state).expect("read"), "{ }");
}

/// A terminal that ended `days` ago, or runs.
fn terminal(root: &Path, id: &str, ended_days_ago: Option<i64>) -> PathBuf {
    let at = |days: i64| {
        car_domain::Timestamp::from_millis(crate::now().as_millis() - days * 86_400_000)
    };
    let own = i32::try_from(std::process::id()).ok().and_then(car_agent::process_id);
    let record = car_host::Record {
        id: id.to_owned(),
        repo: root.to_owned(),
        kind: "shell".to_owned(),
        title: "sh".to_owned(),
        argv: vec!["sh".to_owned()],
        cwd: root.to_owned(),
        size: car_host::Size::default(),
        created_at: at(90),
        socket: root.join("no.sock"),
        state: if ended_days_ago.is_some() {
            car_host::State::Ended
        } else {
            car_host::State::Running
        },
        // Whoever runs is alive.
        host: own,
        child: None,
        exit: None,
        ended_at: ended_days_ago.map(at),
    };
    let dir = root.join(".codex-autorunner/terminals").join(id);
    fs::create_dir_all(dir.join("output")).expect("dir");
    fs::write(dir.join("session.json"), serde_json::to_vec(&record).expect("JSON")).expect("write");
    fs::write(dir.join("output/0.out"), vec![0; 10_000]).expect("write");
    dir
}

#[test]
fn a_terminal_that_ended_long_ago_goes_as_a_whole_whatever_the_rules_and_one_that_runs_stays() {
    let root = root(&json!([{"name": "up", "path": ".codex-autorunner/up", "max_files": 0}]));
    let old = terminal(root.path(), "old", Some(20));
    let young = terminal(root.path(), "young", Some(2));
    let running = terminal(root.path(), "running", None);
    let dry = cleaned(&root, true);
    assert_eq!((dry.rules[1].name.as_str(), dry.rules[1].deleted_count), ("terminals", 1));
    assert!(dry.rules[1].deleted_bytes > 10_000 && old.exists());
    cleaned(&root, false);
    assert!(!old.exists() && young.exists() && running.exists());
}
