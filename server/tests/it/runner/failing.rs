//! Agents that fail or do not exist.

use car_domain::run::{Outcome, RunEvent};
use car_domain::state::RunnerStatus;
use serde_json::json;

use crate::support::{Project, scripted_agent, shell_agent};

#[test]
fn a_failed_run_ends_the_loop_with_4_and_its_last_words() {
    let script = "echo all is well; echo 'no credit left' >&2; exit 3";
    let project = Project::with_agent(&shell_agent(script), &["One", "Two"]);
    insta::assert_snapshot!(project.car(&["run"]), @r"
    Run 1: The agent ended with exit code 3: no credit left
    ! run 1 One (sh)
    !   all is well
    !   no credit left
    ! run 1 failed in <span> The agent ended with exit code 3: no credit left
    [exit 4]
    ");
    let state = project.state();
    assert_eq!(
        (state.status, state.last_exit_code, state.last_outcome),
        (RunnerStatus::Error, Some(3), Some(Outcome::Failed))
    );
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: error
    Last run id: 1
    Last exit code: 3
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 2
    Reason: The agent ended with exit code 3: no credit left
    [exit 0]
    ");
    assert!(project.read("runs/run-1.log").ends_with("=== run 1 end (code 3) ===\n"));

    project.configure(&scripted_agent(), &json!({}));
    project.car(&["resume"]).exits(0);
    assert_eq!(project.of_runs("run"), ["1", "2", "3", "4"]);
    assert_eq!(project.of_runs("outcome"), ["failed", "succeeded", "succeeded", "succeeded"]);
    assert_eq!(project.of_runs("exit_code"), ["3", "0", "0", "0"]);
}

#[test]
fn an_agent_that_does_not_exist_is_named() {
    let project = Project::with_agent(&json!({"binary": "no-such-agent"}), &["One"]);
    insta::assert_snapshot!(project.car(&["run"]), @r"
    Run 1: Codex binary not found: no-such-agent; set codex.binary, or install the Codex CLI
    ! run 1 One (no-such-agent)
    ! run 1 failed in <span> Codex binary not found: no-such-agent; set codex.binary, or install the Codex CLI
    [exit 4]
    ");
    let state = project.state();
    assert_eq!((state.status, state.last_exit_code), (RunnerStatus::Error, Some(1)));
    assert!(matches!(
        project.journal(1).last().map(|entry| &entry.event),
        Some(RunEvent::RunFinished { end, .. }) if end.outcome == Outcome::Failed
    ));
    insta::assert_snapshot!(project.car(&["log"]), @r"
    === run 1 start ===
    [<time>] run=1 FATAL: Codex binary not found: no-such-agent; set codex.binary, or install the Codex CLI
    === run 1 end (code 1) ===
    [exit 0]
    ");
}

#[test]
fn an_agent_that_cannot_be_executed_is_named() {
    let project = Project::new();
    project.repo().write("agent", "#!/no/such/interpreter\n");
    project.sh("chmod +x agent").exits(0);
    project.configure(&json!({"binary": "./agent", "args": []}), &json!({}));
    project.todo(&["One"]);
    insta::assert_snapshot!(project.car(&["once"]), @r"
    Run 1: The agent could not be started: cannot start <repo>/agent: No such file or directory (os error 2)
    ! run 1 One (agent)
    !   cannot start <repo>/agent: No such file or directory (os error 2)
    ! run 1 failed in <span> The agent could not be started: cannot start <repo>/agent: No such file or directory (os error 2)
    [exit 4]
    ");
}

#[test]
fn an_agent_ended_by_a_signal_is_told_so() {
    let project = Project::with_agent(&shell_agent("kill -ABRT $$"), &["One"]);
    insta::assert_snapshot!(project.car(&["once"]), @r"
    Run 1: The agent was ended by signal 6.
    ! run 1 One (sh)
    ! run 1 failed in <span> The agent was ended by signal 6.
    [exit 4]
    ");
    let state = project.state();
    assert_eq!((state.last_exit_code, state.last_signal), (Some(128 + 6), Some(6)));
    assert!(project.read("runs/run-1.log").ends_with("=== run 1 end (code 134) ===\n"));
}

#[test]
fn an_agent_that_does_not_read_its_prompt_is_no_trouble() {
    let project = Project::with_agent(&shell_agent("exec <&-; echo done"), &["One"]);
    let long = "x".repeat(1 << 20);
    project.write("SPEC.md", &long);
    project.car(&["once"]).exits(0);
    assert_eq!(project.of_runs("outcome"), ["succeeded"]);
}
