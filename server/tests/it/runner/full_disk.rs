//! A disk without room. A limit on the size of files stands for it where it fills up in the middle of a run; `/dev/full`
//! where it is full from the beginning.

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
    insta::assert_snapshot!(shown, @"");
    let state = project.state();
    assert_eq!(
        (state.status, state.last_outcome, state.runner_pid),
        (RunnerStatus::Error, Some(Outcome::Failed), None)
    );
    let journal = project.journal(1);
    let lines = project.read("runs/run-1.jsonl").lines().count();
    assert_eq!(journal.len(), lines, "no line is torn");
    let names: Vec<&str> = journal.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["run.started", "output", "run.finished"]);
    insta::assert_snapshot!(project.car(&["status"]), @"");
    assert_eq!(project.of_runs("outcome"), ["failed"]);

    project.configure(&scripted_agent(), &json!({}));
    project.car(&["resume"]).exits(0);
    assert_eq!(project.of_runs("run"), ["1", "2", "3", "4"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full_starts_no_agent() {
    let project = Project::with_agent(&shell_agent("echo paid >> paid"), &["One"]);
    std::fs::create_dir_all(project.path("runs")).expect("a directory");
    let journal = project.path("runs/run-1.jsonl");
    std::os::unix::fs::symlink("/dev/full", &journal).expect("a link");
    insta::assert_snapshot!(project.car(&["run"]), @"");
    assert!(!project.root().join("paid").exists(), "the agent did not start");
    insta::assert_snapshot!(project.car(&["status"]), @"");

    std::fs::remove_file(journal).expect("the link");
    project.configure(&scripted_agent(), &json!({}));
    project.car(&["resume"]).exits(0);
    assert_eq!(project.state().last_run_id, Some(3));
}
