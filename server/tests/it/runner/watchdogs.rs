//! Limits of time. Each test takes the second its limit is.

use car_domain::run::Outcome;
use car_domain::state::RunnerStatus;
use serde_json::{Value, json};

use crate::support::{Project, shell_agent};

const SILENT: &str = "echo hello; exec sleep 1000";
const CHATTY: &str = "while :; do echo hello; sleep 0.1; done";

fn with_limit(script: &str, runner: &Value) -> Project {
    let project = Project::new();
    project.configure(&shell_agent(script), runner);
    project.todo(&["One"]);
    project
}

#[test]
fn a_silent_agent_is_ended() {
    let project = with_limit(SILENT, &json!({"idle_timeout_seconds": 1}));
    insta::assert_snapshot!(project.car(&["run"]), @r"
    Run 1: No output for 1 s; the run was ended.
    ! run 1 One (sh)
    !   hello
    ! run 1 timed out in <span> No output for 1 s; the run was ended.
    [exit 4]
    ");
    let state = project.state();
    assert_eq!(
        (state.status, state.last_outcome, state.last_exit_code, state.last_signal),
        (RunnerStatus::Error, Some(Outcome::TimedOut), Some(143), Some(15))
    );
    assert_eq!(project.of_runs("outcome"), ["timed_out"]);
}

#[test]
fn a_run_that_takes_too_long_is_ended_although_it_speaks() {
    let limits = json!({"max_run_seconds": 1, "idle_timeout_seconds": 20});
    let project = with_limit(CHATTY, &limits);
    let shown = project.car(&["run"]).exits(4);
    assert_eq!(shown.stdout, "Run 1: The run took longer than 1 s.\n");
    assert_eq!(project.of_runs("outcome"), ["timed_out"]);
}

#[test]
fn the_time_of_the_loop_ends_a_run_without_fault() {
    let project = with_limit(CHATTY, &json!({"max_wallclock_seconds": 1}));
    let shown = project.car(&["run"]).exits(0);
    assert_eq!(shown.stdout, "The time for the whole loop is over. 1 run.\n");
    let state = project.state();
    assert_eq!((state.status, state.last_outcome), (RunnerStatus::Idle, Some(Outcome::Stopped)));
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: idle
    Last run id: 1
    Last exit code: 143
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 1
    Reason: The time for the whole loop was over.
    [exit 0]
    ");
}
