//! Ending a loop by force: `car kill`, Ctrl-C, and the death of the runner itself.

use car_domain::run::{Outcome, RunEvent};
use car_domain::state::RunnerStatus;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{Project, Running, Tree, eventually, scripted_agent, shell_agent};

fn at_work(script: &str) -> (Project, Running, Tree) {
    let project = Project::with_agent(&shell_agent(script), &["One"]);
    let running = project.start(&["run"]);
    let tree = Tree::of(project.root());
    (project, running, tree)
}

/// How the journal of a run says it ended.
fn ends(project: &Project, run: u64) -> Vec<Outcome> {
    let end = |event: &RunEvent| match event {
        RunEvent::RunFinished { end, .. } => Some(end.outcome),
        _ => None,
    };
    project.journal(run).iter().filter_map(|entry| end(&entry.event)).collect()
}

#[test]
fn kill_ends_the_loop_and_leaves_the_state_137() {
    let (project, running, tree) = at_work(Tree::STUBBORN);
    insta::assert_snapshot!(project.car(&["kill"]), @r"
    Sent SIGTERM to pid <pid>
    [exit 0]
    ");
    assert_eq!(tree.left(), [""; 0], "nothing outlives the command");
    running.wait().exits(130);
    let state = project.state();
    assert_eq!(
        (state.status, state.last_exit_code, state.runner_pid),
        (RunnerStatus::Error, Some(137), None)
    );
    assert_eq!(ends(&project, 1), [Outcome::Stopped]);
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: error
    Last run id: 1
    Last exit code: 137
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 1
    Reason: Killed on request.
    [exit 0]
    ");
}

#[test]
fn an_interrupted_runner_tidies_up_before_it_ends() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let (project, running, tree) = at_work(Tree::MEEK);
        running.signal(signal);
        running.wait().exits(130);
        assert_eq!(tree.left(), [""; 0], "nothing outlives the runner");
        let state = project.state();
        assert_eq!(
            (state.status, state.last_outcome, state.runner_pid, state.agent),
            (RunnerStatus::Error, Some(Outcome::Stopped), None, None)
        );
        assert!(state.last_run_finished_at.is_some());
        assert_eq!(ends(&project, 1), [Outcome::Stopped]);
        let log = project.read("runs/run-1.log");
        assert!(log.ends_with("=== run 1 end (code 143) ===\n"), "{log}");
        assert!(!project.path("lock").exists());
    }
}

#[test]
fn the_death_of_the_runner_is_told_at_once_and_survived() {
    let (project, running, tree) = at_work(Tree::STUBBORN);
    running.kill_9();
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: interrupted
    Last run id: 1
    Last exit code: None
    Last start: <time>
    Last finish: None
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 1
    Reason: The runner (pid <pid>) was gone in run 1 before the agent ended.
    [exit 0]
    ");
    assert_eq!(project.of_runs("outcome"), ["interrupted"]);
    assert_eq!(ends(&project, 1), [], "nobody has written the end yet");
    tree.until_gone();

    project.configure(&scripted_agent(), &json!({}));
    project.car(&["resume"]).exits(0);
    assert_eq!(ends(&project, 1), [Outcome::Interrupted]);
    assert_eq!(project.of_runs("run"), ["1", "2", "3"]);
    assert_eq!(project.of_runs("outcome"), ["interrupted", "succeeded", "succeeded"]);
    assert!(project.read("runs/run-1.log").ends_with("=== run 1 end (code 1) ===\n"));
    let seqs: Vec<u64> = project.journal(1).iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_new_runner_waits_until_the_agent_of_the_dead_one_is_gone() {
    let (project, running, tree) = at_work(Tree::STUBBORN);
    running.kill_9();
    project.configure(&shell_agent("echo alone"), &json!({}));
    let next = project.start(&["once"]);
    project.until_said(2, "alone");
    assert_eq!(tree.left(), [""; 0], "two agents never work at the same time");
    next.wait().exits(0);
}

#[test]
fn a_runner_that_died_in_its_pause_has_interrupted_no_run() {
    let project = Project::new();
    project.configure(&shell_agent("echo one"), &json!({"sleep_seconds": 3600}));
    project.todo(&["One"]);
    let running = project.start(&["run"]);
    eventually("the loop pauses", || project.state().paused_until);
    running.kill_9();
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: interrupted
    Last run id: 1
    Last exit code: 0
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 1
    Reason: The runner (pid <pid>) was gone in the pause between two runs.
    [exit 0]
    ");
    assert_eq!(project.of_runs("outcome"), ["succeeded"]);
    insta::assert_snapshot!(project.car(&["kill"]), @r"
    No active autorunner process found; cleared stale lock if any.
    [exit 0]
    ");
    assert_eq!(project.state().status, RunnerStatus::Idle);
}

#[test]
fn what_a_dead_runner_left_open_is_not_called_running_beside_a_new_run() {
    let (project, running, tree) = at_work(Tree::MEEK);
    running.kill_9();
    tree.until_gone();
    // Without the state nothing but the journal tells that the run is open.
    project.write("state.json", "{torn");
    let script = "echo new; until [ -e go ]; do sleep 0.05; done";
    project.configure(&shell_agent(script), &json!({}));
    let next = project.start(&["once"]);
    project.until_said(2, "new");
    assert_eq!(project.of_runs("outcome"), ["interrupted", "running"]);
    project.repo().write("go", "");
    next.wait().exits(0);
    assert_eq!(ends(&project, 1), [Outcome::Interrupted]);
}

#[test]
fn the_death_of_the_guard_leaves_no_agent_and_no_hanging_runner() {
    let (project, running, tree) = at_work(Tree::MEEK);
    let guard = project.state().agent.expect("the guard is known");
    car_agent::kill_now(guard);
    running.wait().exits(4);
    assert_eq!(tree.left(), [""; 0]);
    assert_eq!(ends(&project, 1), [Outcome::Failed]);
}
