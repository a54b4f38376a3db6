//! Commands in a repository where nothing runs.

use crate::support::{Project, shell_agent};

#[test]
fn init_says_where_and_can_be_repeated() {
    let project = Project::bare();
    insta::assert_snapshot!(project.car(&["init"]), @r"
    Initialized repo at <repo>/.codex-autorunner
    Init complete
    [exit 0]
    ");
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
    insta::assert_snapshot!(project.car_in(elsewhere.path(), &["init", "--path", &path]), @r"
    Initialized repo at <repo>/.codex-autorunner
    Init complete
    [exit 0]
    ");
    assert!(project.path("config.yml").is_file());
}

#[test]
fn init_with_force_keeps_what_it_replaces() {
    let project = Project::new();
    project.write("TODO.md", "- [ ] mine\n");
    insta::assert_snapshot!(project.car(&["init", "--force"]), @r"
    Initialized repo at <repo>/.codex-autorunner
    Init complete
    ! <repo>/.codex-autorunner/TODO.md was replaced; the old one is <repo>/.codex-autorunner/TODO.md.before-force-1
    [exit 0]
    ");
    assert_eq!(project.read("TODO.md.before-force-1"), "- [ ] mine\n");
}

#[test]
fn init_outside_of_git_asks_before_it_makes_a_repository() {
    let project = Project::bare();
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    insta::assert_snapshot!(project.car_in(elsewhere.path(), &["init"]), @r"
    ! error: No .git directory found; rerun with --git-init to create one
    [exit 3]
    ");
    project.car_in(elsewhere.path(), &["init", "--git-init"]).exits(0);
    assert!(elsewhere.path().join(".git").exists());
}

#[test]
fn status_has_the_originals_nine_lines() {
    let project = Project::new();
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: idle
    Last run id: None
    Last exit code: None
    Last start: None
    Last finish: None
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 2
    [exit 0]
    ");
}

#[test]
fn status_as_json_has_every_key_also_before_the_first_run() {
    let project = Project::new();
    insta::assert_snapshot!(project.car(&["status", "--json"]), @r#"
    {
      "repo": "<repo>",
      "status": "idle",
      "activity": "idle",
      "since": null,
      "reason": null,
      "next_run_at": null,
      "stop_requested": false,
      "last_run_id": null,
      "last_outcome": null,
      "last_exit_code": null,
      "last_signal": null,
      "last_run_started_at": null,
      "last_run_finished_at": null,
      "runner_pid": null,
      "terminal_session": null,
      "todo": {
        "open": 2,
        "done": 1
      }
    }
    [exit 0]
    "#);
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
    insta::assert_snapshot!(project.car(&["runs"]), @r"
    ! No runs recorded yet. `car run` starts the loop.
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["runs", "--json"]), @r"
    []
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["log"]), @r"
    No runs recorded yet
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["log", "--run", "7"]), @r"
    ! error: run not found
    [exit 1]
    ");
    std::fs::remove_file(project.path("codex-autorunner.log")).expect("init made a log");
    insta::assert_snapshot!(project.car(&["log"]), @r"
    ! error: Log file not found; run init
    [exit 1]
    ");
}

#[test]
fn stop_and_kill_are_no_errors_and_change_nothing() {
    let project = Project::new();
    let before = project.read("state.json");
    insta::assert_snapshot!(project.car(&["stop"]), @r"
    Nothing is running.
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["stop", "--now"]), @r"
    Nothing is running.
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["kill"]), @r"
    No active autorunner process found; cleared stale lock if any.
    [exit 0]
    ");
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
    insta::assert_snapshot!(shown, @r"
    Doctor check passed
    ! ok    git: <repo> (main, <commit>)
    ! ok    documents: all there
    ! ok    agent: <sh>
    ! ok    files: <repo>/.codex-autorunner can be written
    ! ok    loop: idle
    [exit 0]
    ");
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    let project = Project::new();
    project.write("config.yml", "codex: {binary: no-such-agent}");
    std::fs::remove_file(project.path("TODO.md")).expect("init made it");
    insta::assert_snapshot!(project.car(&["doctor"]), @r"
    ! ok    git: <repo> (main, <commit>)
    ! FAIL  Missing doc files: todo
    !       run `car init` again; it adds only what is missing
    ! FAIL  Codex binary not found in PATH: no-such-agent
    !       install it with `npm install -g @openai/codex`, or set codex.binary
    ! ok    files: <repo>/.codex-autorunner can be written
    ! ok    loop: idle
    [exit 1]
    ");
    let json = project.car(&["doctor", "--json"]).exits(1).json();
    assert_eq!(json["ok"], false);
    let broken = |check: &&serde_json::Value| check["ok"] == false;
    let checks = json["checks"].as_array().expect("a list").iter().filter(broken);
    assert_eq!(checks.map(|check| &check["name"]).collect::<Vec<_>>(), ["documents", "agent"]);
}
