//! One loop at a time.

use car_domain::run::Outcome;
use car_domain::state::RunnerStatus;

use crate::support::{Project, Running, eventually, shell_agent};

/// Leaves a line and waits for leave, the first time.
const SCRIPT: &str = r#"echo ran >> ran; echo working
    [ "$(grep -c ran ran)" -gt 1 ] || until [ -e go ]; do sleep 0.05; done"#;

#[test]
fn of_two_starts_at_the_same_moment_one_runs_and_one_is_refused() {
    let project = Project::with_agent(&shell_agent(SCRIPT), &["One"]);
    let mut starts = vec![project.start(&["once"]), project.start(&["once"])];
    let refused =
        eventually("one of them is refused", || starts.iter_mut().position(Running::has_ended));
    let refused = starts.remove(refused).wait();
    insta::assert_snapshot!(refused, @r"
    ! error: Another autorunner is active (pid=<pid>); use --force to override
    ! hint: `car status` shows it; `--force` ends it and takes over
    [exit 1]
    ");
    let winner = starts.remove(0);
    let named = format!("(pid={})", winner.pid());
    assert!(refused.stderr.contains(&named), "{refused} names {named}");
    project.until_said(1, "working");
    let lock = project.read("lock");
    assert!(lock.contains(&format!("\"pid\":{},", winner.pid())), "{lock}");
    project.repo().write("go", "");
    winner.wait().exits(0);
    assert_eq!(project.repo().read("ran"), "ran\n");
    assert_eq!(project.of_runs("run"), ["1"]);
}

#[test]
fn a_refused_start_changes_nothing() {
    let project = Project::with_agent(&shell_agent(SCRIPT), &["One"]);
    let running = project.start(&["once"]);
    project.until_said(1, "working");
    let before = (project.read("lock"), project.read("state.json"));
    for command in ["run", "once", "resume"] {
        project.car(&[command]).exits(1);
    }
    assert_eq!((project.read("lock"), project.read("state.json")), before);
    project.repo().write("go", "");
    running.wait().exits(0);
}

#[test]
fn force_ends_the_other_loop_and_takes_over() {
    let project = Project::with_agent(&shell_agent(SCRIPT), &["One"]);
    let first = project.start(&["once"]);
    project.until_said(1, "working");
    project.car(&["once", "--force"]).exits(0);
    first.wait().exits(130);
    assert_eq!(project.repo().read("ran"), "ran\nran\n");
    assert_eq!(project.of_runs("outcome"), ["stopped", "succeeded"]);
    let state = project.state();
    assert_eq!(
        (state.status, state.last_run_id, state.last_outcome),
        (RunnerStatus::Idle, Some(2), Some(Outcome::Succeeded))
    );
    assert!(!project.path("stop").exists(), "the order to end was for the first one");
}
