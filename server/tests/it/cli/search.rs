//! `car search` and `car runs show`.

use serde_json::json;

use crate::support::{Project, shell_agent};

/// A project with one run.
fn searched() -> Project {
    let script = "echo 'Connection refused by host'; echo 'rate limit reached'; \
                  sed -i 's/\\[ \\]/[x]/' .codex-autorunner/TODO.md";
    let project = Project::with_agent(&shell_agent(script), &["Find the rate limit"]);
    project.car(&["once"]).exits(0);
    project
}

#[test]
fn words_are_found_in_runs_and_documents() {
    let project = searched();
    insta::assert_snapshot!(project.car(&["search", "rate", "limit"]), @r"
    TODO:3  document  <time>
        - [x] Find the rate limit
    run 1 #4  output  <time>
        rate limit reached
    run 1 #6  todo.changed  <time>
        Find the rate limit
    run 1 #1  run.started  <time>
        Find the rate limit
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["search", "\"connection refused\"", "--run", "1"]), @r"
    run 1 #3  output  <time>
        Connection refused by host
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["search", "refus*", "--type", "document"]), @r"
    ! Nothing found.
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["search", "=>"]), @r#"
    ! error: There is nothing to search for.
    ! hint: give words, a "phrase" in quotes, or the beginning of a word and a *
    [exit 1]
    "#);
    let hits = project.car(&["search", "connection", "--json"]).exits(0).json();
    assert_eq!(hits[0]["run"], 1);
    assert_eq!(hits[0]["type"], "output");
    assert_eq!(hits[0]["snippet"], "Connection refused by host");
    assert_eq!(hits[0]["marks"], json!([[0, 10]]));
}

#[test]
fn one_run_can_be_read() {
    let project = searched();
    let shown = project.car(&["runs", "show", "1", "--type", "output"]).exits(0);
    assert!(shown.stdout.contains("Connection refused by host"), "{shown}");
    assert!(!shown.stdout.contains("run.started"), "{shown}");
    let run = project.car(&["runs", "show", "1", "--json", "--limit", "1"]).exits(0).json();
    assert_eq!(run["run"], 1);
    assert_eq!(run["outcome"], "succeeded");
    assert_eq!(run["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(run["events"][0]["type"], "run.finished");
    insta::assert_snapshot!(project.car(&["runs", "show", "9"]), @r"
    ! error: There is no run 9.
    ! hint: `car runs` lists them
    [exit 1]
    ");
    assert_eq!(project.of_runs("run"), ["1"]);
}
