//! Housekeeping of a hub, seen from outside.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::Project;

/// Every file below `dir` with its bytes.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    found
}

/// Makes every file below `dir` a year old.
fn age(dir: &Path) {
    let at = SystemTime::now() - Duration::from_secs(365 * 86_400);
    for path in files(dir).keys() {
        // Objects of git are read-only; whoever owns them may still set their time.
        File::open(path).and_then(|file| file.set_modified(at)).expect("time");
    }
}

#[test]
fn a_clone_inside_a_hub_stays_byte_for_byte_while_old_files_go_in_every_repository() {
    let project = Project::bare();
    let hub = project.root().join("hub");
    let inner = hub.join("inner");
    fs::create_dir_all(&inner).expect("dir");
    project.sh("git init -q hub/inner && cd hub/inner && $CAR init --mode repo").exits(0);
    project.sh("cd hub && $CAR init --mode hub").exits(0);
    let car = hub.join(".codex-autorunner");
    let rules = json!([
        {"name": "cache", "path": ".codex-autorunner/cache", "recursive": true, "max_age_days": 30},
        {"name": "update_cache", "path": "~/.codex-autorunner/update_cache", "recursive": true, "max_age_days": 30},
        {"name": "outside", "path": "inner", "recursive": true, "max_age_days": 30},
    ]);
    let config = json!({"version": 2, "mode": "hub", "housekeeping": {"rules": rules}});
    fs::write(car.join("config.yml"), config.to_string()).expect("write");
    fs::create_dir_all(car.join("cache/plain")).expect("dir");
    fs::write(car.join("cache/plain/old"), "x").expect("write");
    project.sh("git clone -q . hub/.codex-autorunner/cache/clone").exits(0);
    let uploads = inner.join(".codex-autorunner/uploads/telegram-files");
    fs::create_dir_all(&uploads).expect("dir");
    fs::write(uploads.join("old"), "x").expect("write");
    for dir in [car.join("cache"), uploads.clone()] {
        age(&dir);
    }
    let clone = car.join("cache/clone");
    let before = (files(&clone), files(&inner.join(".git")));

    let dry = project.car_in(&hub, &["housekeeping", "--dry-run", "--json"]).json();
    assert_eq!(dry[0]["rules"][0]["deleted_count"], 1, "{dry}");
    assert!(car.join("cache/plain/old").exists());
    let shown = project.car_in(&hub, &["housekeeping"]).exits(1);
    assert!(shown.stdout.contains("cache: deleted 1 (1 bytes)"), "{shown}");
    assert!(shown.stdout.contains("telegram_files: deleted 1"), "{shown}");
    assert!(shown.stdout.contains("outside: inner: lies outside .codex-autorunner"), "{shown}");
    assert!(!car.join("cache/plain").exists() && !uploads.join("old").exists());
    assert_eq!((files(&clone), files(&inner.join(".git"))), before);
}
