//! `car hub`: what a person reads, and loops in the repositories of a hub.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, Tree, eventually, shell_agent};

/// A hub in the project's directory with the repository `a`, whose agent is this script.
fn hub(script: &str) -> Project {
    let project = Project::bare();
    project.car(&["init", "--mode", "hub"]).exits(0);
    project.car(&["hub", "create", "a"]).exits(0);
    let config = json!({
        "version": 2,
        "mode": "repo",
        "codex": shell_agent(script),
        "runner": {"sleep_seconds": 0, "grace_seconds": 1},
    });
    write(&project, "config.yml", &config.to_string());
    write(&project, "TODO.md", "- [ ] One\n");
    project
}

fn write(project: &Project, name: &str, text: &str) {
    let path = project.root().join("a/.codex-autorunner").join(name);
    fs::write(path, text).expect("write");
}

fn status(project: &Project) -> Value {
    project.car(&["hub", "list", "--json"]).exits(0).json()["repos"][0]["status"].clone()
}

#[test]
fn create_scan_and_list_tell_what_there_is() {
    let project = Project::bare();
    project.car(&["init", "--mode", "hub"]).exits(0);
    insta::assert_snapshot!(project.car(&["hub", "create", "shop"]), @r"
    Created repo shop at <repo>/shop
    [exit 0]
    ");
    fs::create_dir_all(project.root().join("my tools/.git")).expect("dir");
    insta::assert_snapshot!(project.car(&["hub", "scan"]), @r"
    Scanned hub at <repo> (repos_root=<repo>)
    - my-tools: idle, initialized=True, exists=True
    - shop: idle, initialized=True, exists=True
    [exit 0]
    ");
    fs::rename(project.root().join("shop"), project.root().join("gone")).expect("moved");
    insta::assert_snapshot!(project.car(&["hub", "list"]), @r"
    ID        STATUS           RUN  EXIT  PATH
    shop      missing                     shop
    my-tools  idle                        my tools
    ! 1 more found; `car hub scan` adds them.
    [exit 0]
    ");
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let project = Project::bare();
    project.car(&["init", "--mode", "hub"]).exits(0);
    insta::assert_snapshot!(project.car(&["hub", "create", "."]), @r"
    ! error: `.` cannot be the id of a repository
    ! hint: letters, digits, `.`, `_` and `-` work, such as `repository`; --repo-path chooses another directory
    [exit 1]
    ");
    insta::assert_snapshot!(project.car(&["hub", "create", "x", "--repo-path", "../x"]), @r"
    ! error: Repo path must live under repos_root (<repo>)
    ! hint: give the name of a new directory in it
    [exit 1]
    ");
    insta::assert_snapshot!(project.car(&["hub", "remove", "nobody", "--yes"]), @r"
    ! error: Repo nobody not found in manifest
    ! hint: `car hub list` shows the repositories, `car hub scan` finds new ones
    [exit 1]
    ");
    insta::assert_snapshot!(project.car(&["hub", "clone", "/no/such/place"]), @r"
    ! error: git clone failed: fatal: repository '/no/such/place' does not exist
    ! hint: check the address with `git ls-remote`
    [exit 1]
    ");
    fs::write(project.path("manifest.yml"), "version: 3\n").expect("write");
    insta::assert_snapshot!(project.car(&["hub", "list"]), @r"
    ! error: Unsupported manifest version 3; expected 2
    ! hint: see <repo>/.codex-autorunner/manifest.yml
    [exit 3]
    ");
}

#[test]
fn loops_are_started_and_stopped_by_id() {
    let project = hub("echo working; exec sleep 1000");
    project.car(&["hub", "run", "a"]).exits(0);
    assert_eq!(status(&project), "running");
    project.car(&["hub", "run", "a"]).exits(1);
    project.car(&["hub", "stop", "--all", "--now"]).exits(0);
    assert_eq!(status(&project), "idle");
    insta::assert_snapshot!(project.car(&["hub", "kill", "a"]), @r"
    a: nothing is running.
    [exit 0]
    ");
}

#[test]
fn a_repository_at_work_is_removed_only_when_nothing_of_it_runs_any_more() {
    let project = hub(Tree::STUBBORN);
    project.car(&["hub", "run", "a"]).exits(0);
    let tree = Tree::of(&project.root().join("a"));
    project.car(&["hub", "remove", "a", "--force"]).exits(0);
    assert_eq!(tree.left(), [""; 0], "nothing outlives the command");
    assert!(!project.root().join("a").exists());
    let trash = fs::read_dir(project.path("trash")).expect("a trash").flatten().next();
    let tree = trash.expect("an entry").path().join("tree/.codex-autorunner");
    let log = fs::read_to_string(tree.join("runs/run-1.log")).expect("its log");
    assert!(log.contains("end"), "the run has its end: {log}");
    project.car(&["hub", "restore", "a"]).exits(0);
    assert_eq!(status(&project), "idle");
}

#[test]
fn two_programs_edit_the_manifest_and_lose_nothing() {
    let project = Project::bare();
    project.car(&["init", "--mode", "hub"]).exits(0);
    let script = |name: &str| {
        format!("for n in 1 2 3 4; do $CAR hub create {name}$n >/dev/null || exit 1; done")
    };
    let both = format!("({}) & ({}); wait $!", script("a"), script("b"));
    project.sh(&both).exits(0);
    eventually("all eight are listed", || {
        let list = project.car(&["hub", "list", "--json"]).exits(0).json();
        (list["repos"].as_array().map(Vec::len) == Some(8)).then_some(())
    });
}
