//! Ending a loop on request.

use car_domain::run::Outcome;
use car_domain::state::RunnerStatus;
use serde_json::json;

use crate::support::{Project, eventually, shell_agent};

/// A loop that rests for an hour after its first run.
fn pausing() -> (Project, crate::support::Running) {
    let project = Project::new();
    project.configure(&shell_agent("echo one"), &json!({"sleep_seconds": 3600}));
    project.todo(&["One"]);
    let running = project.start(&["run"]);
    eventually("the loop pauses", || {
        std::fs::read_to_string(project.path("state.json"))
            .ok()?
            .contains("paused_until")
            .then_some(())
    });
    (project, running)
}

#[test]
fn stop_ends_even_a_long_pause_at_once() {
    let (project, running) = pausing();
    insta::assert_snapshot!(project.car(&["stop"]), @r"
    The loop (pid <pid>) stops after its current run.
    [exit 0]
    ");
    insta::assert_snapshot!(running.wait(), @r"
    Stopped on request after 1 run.
    ! run 1 One (sh)
    !   one
    ! run 1 finished in <span>
    ! next run at <time>
    [exit 0]
    ");
    let state = project.state();
    assert_eq!(
        (state.status, state.last_run_id, state.last_exit_code, state.paused_until),
        (RunnerStatus::Idle, Some(1), Some(0), None)
    );
    assert!(!project.path("stop").exists());
}

#[test]
fn a_pause_is_shown_as_running() {
    let (project, running) = pausing();
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: running
    Last run id: 1
    Last exit code: 0
    Last start: <time>
    Last finish: <time>
    Runner pid: <pid>
    Terminal session: none
    Outstanding TODO items: 1
    [exit 0]
    ");
    let json = project.car(&["status", "--json"]).json();
    assert_eq!(json["activity"], "waiting");
    assert_ne!(json["next_run_at"], serde_json::Value::Null);
    project.car(&["stop", "--now"]).exits(0);
    running.wait().exits(0);
}

#[test]
fn stop_lets_the_current_run_come_to_its_end() {
    let script = "echo working; until [ -e go ]; do sleep 0.05; done; echo done";
    let project = Project::with_agent(&shell_agent(script), &["One", "Two"]);
    let running = project.start(&["run"]);
    project.until_said(1, "working");
    project.car(&["stop"]).exits(0);
    assert_eq!(project.car(&["status", "--json"]).json()["stop_requested"], true);
    project.repo().write("go", "");
    running.wait().exits(0);
    assert_eq!(project.of_runs("outcome"), ["succeeded"]);
    project.until_said(1, "done");
}

#[test]
fn a_stop_file_written_by_anybody_is_honoured() {
    let (project, running) = pausing();
    project.write("stop", "2026-01-02T03:04:05Z\n");
    running.wait().exits(0);
    assert_eq!(project.of_runs("run"), ["1"]);
}

#[test]
#[cfg(target_os = "linux")]
fn stop_now_ends_the_agent_with_everything_it_started() {
    use crate::support::Tree;

    let project = Project::with_agent(&shell_agent(Tree::STUBBORN), &["One"]);
    let running = project.start(&["run"]);
    let tree = Tree::of(project.root());
    insta::assert_snapshot!(project.car(&["stop", "--now"]), @r"
    Stopped the loop (pid <pid>).
    [exit 0]
    ");
    assert_eq!(tree.left(), [""; 0], "nothing outlives the command");
    insta::assert_snapshot!(running.wait(), @r"
    Stopped. Run 1: Stopped on request.
    ! run 1 One (sh)
    !   working
    !   Changed 3 files +3 -0
    ! run 1 stopped in <span> Stopped on request.
    [exit 0]
    ");
    let state = project.state();
    assert_eq!((state.status, state.last_outcome), (RunnerStatus::Idle, Some(Outcome::Stopped)));
    assert_eq!(project.of_runs("outcome"), ["stopped"]);
    assert!(!project.path("stop").exists() && !project.path("lock").exists());
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: idle
    Last run id: 1
    Last exit code: 137
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 1
    Reason: Stopped on request.
    [exit 0]
    ");
}
