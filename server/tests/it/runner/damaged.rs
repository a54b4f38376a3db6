//! Files that are gone or broken: the index can be made anew, the state is put aside.

use car_domain::run::Outcome;
use car_domain::state::RunnerStatus;

use crate::support::{Project, scripted_agent, shell_agent};

#[test]
fn the_index_is_made_anew_from_the_journals() {
    let project = Project::with_agent(&scripted_agent(), &["Alpha", "Beta"]);
    project.car(&["run"]).exits(0);
    let before = project.runs();
    assert_eq!(before.len(), 3);
    for name in ["car.db", "car.db-wal", "car.db-shm"] {
        // The companions exist only while the database is open.
        let _ = std::fs::remove_file(project.path(name));
    }
    let n_events: usize = (1..=3).map(|run| project.journal(run).len()).sum();
    let shown = project.car(&["index", "rebuild"]).exits(0);
    assert_eq!(shown.stdout, format!("Indexed 3 runs with {n_events} events.\n"));
    assert_eq!(project.runs(), before);
    project.car(&["index", "rebuild"]).exits(0);
    assert_eq!(project.runs(), before, "rebuilding what is whole changes nothing");
}

#[test]
fn a_damaged_index_does_not_stop_the_loop() {
    let project = Project::with_agent(&scripted_agent(), &["Alpha"]);
    project.write("car.db", &"no database\n".repeat(500));
    project.car(&["run"]).exits(0);
    let shown = project.car(&["runs"]).exits(1);
    assert!(shown.stderr.contains("car.db cannot be opened as a database"), "{shown}");
    assert!(shown.stderr.contains("then run `car index rebuild`"), "{shown}");
    std::fs::remove_file(project.path("car.db")).expect("the damaged index");
    assert_eq!(project.of_runs("kind"), ["work", "report"]);
}

#[test]
fn a_damaged_state_is_told_put_aside_and_started_anew() {
    let project = Project::with_agent(&shell_agent("echo one"), &["One"]);
    project.car(&["once"]).exits(0);
    project.car(&["once"]).exits(0);
    let torn = &project.read("state.json")[..40];
    project.write("state.json", torn);
    insta::assert_snapshot!(project.car(&["status"]), @r"
    Repo: <repo>
    Status: idle
    Last run id: None
    Last exit code: None
    Last start: None
    Last finish: None
    Runner pid: None
    Terminal session: none
    Outstanding TODO items: 1
    Reason: state.json is damaged; the next start puts it aside.
    [exit 0]
    ");
    assert_eq!(project.read("state.json"), torn, "looking changes nothing");

    project.car(&["once"]).exits(0);
    assert_eq!(project.of_runs("run"), ["1", "2", "3"]);
    let state = project.state();
    assert_eq!(
        (state.status, state.last_run_id, state.last_outcome),
        (RunnerStatus::Idle, Some(3), Some(Outcome::Succeeded))
    );
    let entries = std::fs::read_dir(project.path("")).expect("a directory").flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let aside: Vec<String> = names.filter(|name| name.starts_with("state.json.corrupt-")).collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(project.read(&aside[0]), torn);
}

#[test]
fn a_state_that_is_gone_does_not_repeat_numbers() {
    let project = Project::with_agent(&shell_agent("echo one"), &["One"]);
    project.car(&["once"]).exits(0);
    std::fs::remove_file(project.path("state.json")).expect("the state");
    project.car(&["status"]).exits(0);
    project.car(&["once"]).exits(0);
    assert_eq!(project.of_runs("run"), ["1", "2"]);
}

#[test]
fn a_torn_last_line_of_a_journal_hides_no_other() {
    let project = Project::with_agent(&shell_agent("echo one"), &["One"]);
    project.car(&["once"]).exits(0);
    let whole = project.read("runs/run-1.jsonl");
    let at = whole.trim_end().rfind('\n').expect("several lines") + 20;
    project.write("runs/run-1.jsonl", &whole[..at]);
    assert_eq!(project.of_runs("item"), ["One"]);
    assert_eq!(project.of_runs("outcome"), ["succeeded"], "the state tells it");
    project.car(&["once"]).exits(0);
    assert_eq!(project.of_runs("outcome"), ["succeeded", "succeeded"]);
    let names: Vec<&str> = project.journal(1).iter().map(|entry| entry.event.name()).collect();
    let expected = ["run.started", "checkpoint", "output", "checkpoint", "run.finished"];
    assert_eq!(names, expected, "the end is written again");
}
