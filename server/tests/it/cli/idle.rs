//! Commands in a repository where nothing runs.

use crate::support::{Project, shell_agent};

#[test]
fn init_says_where_and_can_be_repeated() {
    let project = Project::bare();
    insta::assert_snapshot!(project.car(&["init"]), @"");
    project.write("TODO.md", "- [ ] mine\n");
    project.car(&["init"]).exits(0);
    assert_eq!(project.read("TODO.md"), "- [ ] mine\n");
    assert_eq!(project.repo().git(&["status", "--porcelain"]), "", "CAR's files ignore themselves");
}

#[test]
fn init_takes_the_path_as_an_option_too_and_finds_the_root_of_the_repository() {
    let project = Project::bare();
    project.repo().write("some/dir/file", "");
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let path = project.root().join("some/dir").display().to_string();
    insta::assert_snapshot!(project.car_in(elsewhere.path(), &["init", "--path", &path]), @"");
    assert!(project.path("config.yml").is_file());
}

#[test]
fn init_with_force_keeps_what_it_replaces() {
    let project = Project::new();
    project.write("TODO.md", "- [ ] mine\n");
    insta::assert_snapshot!(project.car(&["init", "--force"]), @"");
    assert_eq!(project.read("TODO.md.before-force-1"), "- [ ] mine\n");
}

#[test]
fn init_outside_of_git_asks_before_it_makes_a_repository() {
    let project = Project::bare();
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    insta::assert_snapshot!(project.car_in(elsewhere.path(), &["init"]), @"");
    project.car_in(elsewhere.path(), &["init", "--git-init"]).exits(0);
    assert!(elsewhere.path().join(".git").exists());
}

#[test]
fn status_has_the_originals_nine_lines() {
    let project = Project::new();
    insta::assert_snapshot!(project.car(&["status"]), @"");
}

#[test]
fn status_as_json_has_every_key_also_before_the_first_run() {
    let project = Project::new();
    insta::assert_snapshot!(project.car(&["status", "--json"]), @"");
}

#[test]
fn status_is_the_same_from_a_subdirectory_and_by_name() {
    let project = Project::new();
    project.repo().write("a/b/c", "");
    let here = project.car(&["status"]).exits(0).stdout;
    assert_eq!(project.car_in(&project.root().join("a/b"), &["status"]).stdout, here);
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let root = project.root().display().to_string();
    assert_eq!(project.car_in(elsewhere.path(), &["status", "--repo", &root]).stdout, here);
}

#[test]
fn runs_and_log_say_that_there_is_nothing_yet() {
    let project = Project::new();
    insta::assert_snapshot!(project.car(&["runs"]), @"");
    insta::assert_snapshot!(project.car(&["runs", "--json"]), @"");
    insta::assert_snapshot!(project.car(&["log"]), @"");
    insta::assert_snapshot!(project.car(&["log", "--run", "7"]), @"");
    std::fs::remove_file(project.path("codex-autorunner.log")).expect("init made a log");
    insta::assert_snapshot!(project.car(&["log"]), @"");
}

#[test]
fn stop_and_kill_are_no_errors_and_change_nothing() {
    let project = Project::new();
    let before = project.read("state.json");
    insta::assert_snapshot!(project.car(&["stop"]), @"");
    insta::assert_snapshot!(project.car(&["stop", "--now"]), @"");
    insta::assert_snapshot!(project.car(&["kill"]), @"");
    assert_eq!(project.read("state.json"), before);
    assert!(!project.path("stop").exists() && !project.path("lock").exists());
}

#[test]
fn doctor_names_what_it_looked_at() {
    let project = Project::with_agent(&shell_agent("true"), &["One"]);
    let mut shown = project.car(&["doctor"]).exits(0);
    // Where the shell lies differs from system to system.
    let agent = shown.stderr.lines().find(|line| line.contains("agent: ")).expect("a line");
    assert!(agent.ends_with("/sh"), "{agent}");
    shown.stderr = shown.stderr.replace(agent, "ok    agent: <sh>");
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    let project = Project::new();
    project.write("config.yml", "codex: {binary: no-such-agent}");
    std::fs::remove_file(project.path("TODO.md")).expect("init made it");
    insta::assert_snapshot!(project.car(&["doctor"]), @"");
    let json = project.car(&["doctor", "--json"]).exits(1).json();
    assert_eq!(json["ok"], false);
    let broken = |check: &&serde_json::Value| check["ok"] == false;
    let checks = json["checks"].as_array().expect("a list").iter().filter(broken);
    assert_eq!(checks.map(|check| &check["name"]).collect::<Vec<_>>(), ["documents", "agent"]);
}
