//! A repository of the Python original goes on where it was.

use car_domain::state::RunnerStatus;
use serde_json::Value;

use crate::support::{CAR, Project};

/// What the original's `init` writes: every default, spelled out.
const CONFIG: &str = include_str!("legacy/config.yml");
const STATE: &str = include_str!("legacy/state.json");
const RUN_LOG: &str = include_str!("legacy/run-1.log");

fn of_the_original() -> Project {
    let project = Project::bare();
    let arguments = "args: [scripted-agent, --json, --pace-ms, '0']";
    let agent = CONFIG
        .replace("binary: codex", &format!("binary: {CAR}"))
        .replace("args:\n  - --yolo\n  - exec\n  - --sandbox\n  - danger-full-access", arguments)
        .replace("sleep_seconds: 5", "sleep_seconds: 0");
    assert!(agent.contains(CAR) && agent.contains(arguments), "the fixture has both keys");
    project.write("config.yml", &agent);
    project.write(".gitignore", "*");
    project.write("state.json", &STATE.replace("{root}", &project.root().display().to_string()));
    project.write("state.json.lock", "");
    project.write("lock", "999999999\n");
    project.write("runs/run-1.log", RUN_LOG);
    project.write("codex-autorunner.log", RUN_LOG);
    project.write("TODO.md", "# TODO\n\n- [x] First\n- [ ] Second\n");
    for name in ["PROGRESS", "OPINIONS", "SPEC", "SUMMARY"] {
        project.write(&format!("{name}.md"), &format!("# {name}\n"));
    }
    project
}

#[test]
fn its_status_runs_and_log_are_shown() {
    let project = of_the_original();
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: idle
    Last run id: 1
    Last exit code: 0
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: 6f9619ff-8b86-4d01-b42d-00cf4fc964ff (status=active, last_seen=<time>)
    Outstanding TODO items: 1
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["runs"]), @r"
      RUN  OUTCOME      EXIT         TIME  TOKENS  CHANGED           WHAT
        1  succeeded       0         2:30       0
    [exit 0]
    ");
    assert_eq!(project.car(&["log"]).exits(0).stdout, RUN_LOG);
    let sessions = &project.state().other["sessions"];
    assert!(sessions.as_object().is_some_and(|map| map.len() == 2));
}

#[test]
fn its_loop_goes_on_with_the_next_run_and_its_sessions_survive() {
    let project = of_the_original();
    let before: Value = serde_json::from_str(&project.read("state.json")).expect("JSON");
    project.car(&["run"]).exits(0);
    assert_eq!(project.of_runs("run"), ["1", "2", "3"]);
    assert_eq!(project.of_runs("kind"), ["work", "work", "report"]);
    let after: Value = serde_json::from_str(&project.read("state.json")).expect("JSON");
    for key in ["sessions", "repo_to_session"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(project.state().status, RunnerStatus::Idle);
    assert!(project.read("codex-autorunner.log").starts_with(RUN_LOG), "the log is continued");
    assert_eq!(project.read("runs/run-1.log"), RUN_LOG);
}

#[test]
fn a_run_that_was_running_when_the_original_died_is_interrupted() {
    let project = of_the_original();
    let mut state: Value = serde_json::from_str(&project.read("state.json")).expect("JSON");
    state["status"] = "running".into();
    state["runner_pid"] = 999_999_999.into();
    state["last_exit_code"] = Value::Null;
    state["last_run_finished_at"] = Value::Null;
    project.write("state.json", &state.to_string());
    let cut = RUN_LOG.rfind("=== run 1 end").expect("a marker");
    project.write("runs/run-1.log", &RUN_LOG[..cut]);
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: interrupted
    Last run id: 1
    Last exit code: None
    Last start: <time>
    Last finish: None
    Runner pid: None
    Terminal session: 6f9619ff-8b86-4d01-b42d-00cf4fc964ff (status=active, last_seen=<time>)
    Outstanding TODO items: 1
    Reason: The runner (pid <pid>) was gone in run 1 before the agent ended.
    [exit 0]
    ");
    assert_eq!(project.of_runs("outcome"), ["interrupted"]);
    project.car(&["resume"]).exits(0);
    assert_eq!(project.of_runs("outcome"), ["interrupted", "succeeded", "succeeded"]);
}
