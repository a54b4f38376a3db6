//! `car log`.

use crate::support::{Project, eventually, shell_agent};

/// Two runs of an agent that prints its number.
fn two_runs() -> Project {
    let script = r#"echo x >> count; echo "run $(grep -c x count) speaks""#;
    let project = Project::with_agent(&shell_agent(script), &["One"]);
    project.car(&["once"]).exits(0);
    project.car(&["once"]).exits(0);
    project
}

#[test]
fn the_log_of_the_last_run_or_of_any_run_is_shown() {
    let project = two_runs();
    insta::assert_snapshot!(project.car(&["log"]), @r"
    === run 2 start ===
    [<time>] run=2 stdout: run 2 speaks
    === run 2 end (code 0) ===
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["log", "--run", "1"]), @r"
    === run 1 start ===
    [<time>] run=1 stdout: run 1 speaks
    === run 1 end (code 0) ===
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["log", "--run", "3"]), @r"
    ! error: run not found
    [exit 1]
    ");
}

#[test]
fn the_tail_is_of_the_log_all_runs_share() {
    let project = two_runs();
    insta::assert_snapshot!(project.car(&["log", "--tail", "4"]), @r"
    === run 1 end (code 0) ===
    === run 2 start ===
    [<time>] run=2 stdout: run 2 speaks
    === run 2 end (code 0) ===
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["log", "--tail", "0"]), @r"
    [exit 0]
    ");
    let all = project.car(&["log", "--tail", "1000"]).stdout;
    assert_eq!(all, project.read("codex-autorunner.log"));
}

#[test]
fn a_run_whose_own_log_is_gone_is_found_in_the_shared_one() {
    let project = two_runs();
    let own = project.car(&["log", "--run", "1"]).stdout;
    std::fs::remove_file(project.path("runs/run-1.log")).expect("the run's own log");
    assert_eq!(project.car(&["log", "--run", "1"]).stdout, own);
}

#[test]
fn following_shows_every_line_that_is_added_and_none_twice() {
    let project = two_runs();
    let following = project.start(&["log", "--follow", "--tail", "1000"]);
    let old = project.read("codex-autorunner.log");
    eventually("what was there is shown", || (following.stdout() == old).then_some(()));
    project.car(&["once"]).exits(0);
    let all = project.read("codex-autorunner.log");
    assert!(all.contains("run 3 speaks"));
    eventually("what was added is shown", || (following.stdout() == all).then_some(()));
}

#[test]
fn following_a_run_begins_with_what_it_said_so_far() {
    let script = "echo early; until [ -e go ]; do sleep 0.05; done; echo late";
    let project = Project::with_agent(&shell_agent(script), &["One"]);
    let running = project.start(&["once"]);
    project.until_said(1, "early");
    let following = project.start(&["log", "--follow", "--run", "1"]);
    eventually("the early line is shown", || following.stdout().contains("early").then_some(()));
    project.repo().write("go", "");
    running.wait().exits(0);
    let all = project.read("runs/run-1.log");
    eventually("the whole log is shown", || (following.stdout() == all).then_some(()));
}
