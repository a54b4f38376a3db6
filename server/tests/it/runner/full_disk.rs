//! A disk without room. A limit on the size of files stands for it: needs no rights, and strikes at the same byte each time.

use car_domain::run::Outcome;
use car_domain::state::RunnerStatus;
use serde_json::json;

use crate::support::{Project, scripted_agent, shell_agent};

#[test]
fn a_disk_that_fills_up_ends_the_run_with_a_clear_state() {
    let script = "echo before; head -c 1000000 /dev/zero | tr '\\0' x; echo; exec sleep 1000";
    let project = Project::with_agent(&shell_agent(script), &["One", "Two"]);
    // In blocks of 512 bytes; where they are of 1024, the line still does not fit.
    let shown = project.sh(r#"ulimit -f 128; trap "" XFSZ; exec "$CAR" run"#);
    insta::assert_snapshot!(shown, @r"
    Run 1: cannot write run-1.jsonl: File too large (os error 27); a limit on the size of files is in force (`ulimit -f`): raise it, then try again
    ! run 1 One (sh)
    !   before
    ! run 1 failed in <span> cannot write run-1.jsonl: File too large (os error 27); a limit on the size of files is in force (`ulimit -f`): raise it, then try again
    [exit 4]
    ");
    let state = project.state();
    assert_eq!(
        (state.status, state.last_outcome, state.runner_pid),
        (RunnerStatus::Error, Some(Outcome::Failed), None)
    );
    let journal = project.journal(1);
    let lines = project.read("runs/run-1.jsonl").lines().count();
    assert_eq!(journal.len(), lines, "no line is torn");
    let names: Vec<&str> = journal.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["run.started", "checkpoint", "output", "checkpoint", "run.finished"]);
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: error
    Last run id: 1
    Last exit code: 1
    Last start: <time>
    Last finish: <time>
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 2
    Reason: cannot write run-1.jsonl: File too large (os error 27); a limit on the size of files is in force (`ulimit -f`): raise it, then try again
    [exit 0]
    ");
    assert_eq!(project.of_runs("outcome"), ["failed"]);

    project.configure(&scripted_agent(), &json!({}));
    project.car(&["resume"]).exits(0);
    assert_eq!(project.of_runs("run"), ["1", "2", "3", "4"]);
}

#[test]
fn an_end_that_did_not_fit_into_the_journal_is_told_by_the_state_and_written_later() {
    let script = "while :; do echo a line that is far shorter than the end of a run; done";
    let project = Project::with_agent(&shell_agent(script), &["One"]);
    let shown = project.sh(r#"ulimit -f 32; trap "" XFSZ; exec "$CAR" run"#).exits(1);
    assert!(shown.stderr.contains("File too large"), "{shown}");
    assert!(!shown.stderr.contains('\u{1b}'), "no colours without a terminal: {shown}");
    let names = |project: &Project| -> Vec<&str> {
        project.journal(1).iter().map(|entry| entry.event.name()).collect()
    };
    assert_eq!(names(&project).last(), Some(&"output"));
    assert_eq!(project.of_runs("outcome"), ["failed"]);
    assert_eq!(project.state().status, RunnerStatus::Error);

    project.configure(&shell_agent("echo room again"), &json!({}));
    project.car(&["once"]).exits(0);
    assert_eq!(names(&project).last(), Some(&"run.finished"));
    assert_eq!(project.of_runs("outcome"), ["failed", "succeeded"]);
    let reasons = project.of_runs("reason");
    assert!(reasons[0].contains("File too large"), "{reasons:?}");
}

#[test]
fn a_disk_that_is_full_from_the_beginning_starts_no_agent_and_harms_nothing() {
    let project = Project::with_agent(&shell_agent("echo paid > paid"), &["One"]);
    let before = project.read("state.json");
    let shown = project.sh(r#"ulimit -f 0; trap "" XFSZ; exec "$CAR" run"#);
    insta::assert_snapshot!(shown, @r"
    ! error: cannot lock <repo>/.codex-autorunner/lock: File too large (os error 27)
    ! hint: a limit on the size of files is in force (`ulimit -f`): raise it, then try again
    [exit 1]
    ");
    assert_eq!(project.read("state.json"), before);
    assert_eq!(project.runs(), Vec::<serde_json::Value>::new());
    project.car(&["once"]).exits(0);
    assert_eq!(project.repo().read("paid"), "paid\n");
}

#[test]
#[cfg(target_os = "linux")]
fn an_agent_can_be_stopped_on_a_full_disk() {
    use crate::support::Tree;

    let project = Project::with_agent(&shell_agent(Tree::MEEK), &["One"]);
    let running = project.start(&["run"]);
    let tree = Tree::of(project.root());
    project.sh(r#"ulimit -f 0; trap "" XFSZ; exec "$CAR" stop --now"#).exits(0);
    assert_eq!(tree.left(), [""; 0]);
    running.wait().exits(130);
    assert_eq!(project.state().last_outcome, Some(Outcome::Stopped));
}

#[test]
#[cfg(target_os = "linux")]
fn text_logs_that_cannot_be_written_do_not_end_the_run() {
    let project = Project::new();
    let codex = shell_agent("echo said");
    let config = json!({"codex": codex, "log": {"path": "/dev/full"}});
    project.write("config.yml", &config.to_string());
    project.todo(&["One"]);
    project.car(&["once"]).exits(0);
    let names: Vec<&str> = project.journal(1).iter().map(|entry| entry.event.name()).collect();
    let expected = ["notice", "run.started", "checkpoint", "output", "checkpoint", "run.finished"];
    assert_eq!(names, expected);
}
