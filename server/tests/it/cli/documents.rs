//! Documents on the command line.

use serde_json::Value;

use crate::support::Project;

fn versions(project: &Project, kind: &str) -> Vec<Value> {
    let list = project.car(&["docs", "history", kind, "--json"]).exits(0).json();
    list.as_array().expect("a list").clone()
}

#[test]
fn what_is_written_over_can_be_restored() {
    let project = Project::new();
    let before = project.read("SPEC.md");
    project.sh("echo new | $CAR docs write spec").exits(0);
    assert_eq!(project.read("SPEC.md"), "new\n");
    let versions = versions(&project, "spec");
    assert_eq!(versions.len(), 2, "{versions:?}");
    let first = versions[1]["version"].as_str().expect("text");
    assert_eq!(project.car(&["docs", "show", "spec", "--at", first]).exits(0).stdout, before);
    let diff = project.car(&["docs", "diff", "spec", first]).exits(0);
    assert!(diff.stdout.contains("\n+new\n"), "{diff}");
    project.car(&["docs", "restore", "spec", &first[..10]]).exits(0);
    assert_eq!(project.read("SPEC.md"), before);
}

#[test]
fn a_write_on_a_stale_version_is_refused_and_changes_nothing() {
    let project = Project::new();
    let seen = project.car(&["docs", "show", "todo", "--json"]).exits(0).json();
    let seen = seen["version"].as_str().expect("text").to_owned();
    project.write("TODO.md", "- [ ] edited meanwhile\n");
    let script = format!("echo mine | $CAR docs write todo --if-version {seen}");
    let refused = project.sh(&script).exits(1);
    assert!(refused.stderr.contains("has no version"), "unknown versions are refused: {refused}");
    project.car(&["docs", "history", "todo"]).exits(0);
    project.write("TODO.md", "- [ ] a\n");
    project.sh("echo '- [ ] b' | $CAR docs write todo").exits(0);
    let old = versions(&project, "todo")[1]["version"].as_str().expect("text").to_owned();
    let script = format!("echo mine | $CAR docs write todo --if-version {old}");
    let refused = project.sh(&script).exits(1);
    assert!(refused.stderr.contains("is not the version you have seen"), "{refused}");
    assert_eq!(project.read("TODO.md"), "- [ ] b\n");
}

#[test]
fn clearing_asks_for_a_word_and_is_undone_by_a_restore() {
    let project = Project::new();
    let before = project.read("TODO.md");
    project.sh("echo no | $CAR clear-docs").exits(1);
    project.sh("$CAR clear-docs </dev/null").exits(1);
    assert_eq!(project.read("TODO.md"), before);
    let shown = project.sh("echo clear | $CAR clear-docs").exits(0);
    assert!(shown.stdout.ends_with("Cleared TODO/PROGRESS/OPINIONS.\n"), "{shown}");
    assert_eq!(project.read("TODO.md"), "# TODO\n\n");
    let old = versions(&project, "todo")[1]["version"].as_str().expect("text").to_owned();
    project.car(&["docs", "restore", "todo", &old]).exits(0);
    assert_eq!(project.read("TODO.md"), before);
}

#[test]
fn an_editor_with_arguments_edits_the_document_and_the_history_sees_it() {
    let project = Project::new();
    let edit = "VISUAL=\"sh -c 'echo edited > \\$0'\" EDITOR=false $CAR edit SUMMARY";
    let shown = project.sh(edit).exits(0);
    assert!(shown.stdout.starts_with("Opening "), "{shown}");
    assert_eq!(project.read("SUMMARY.md"), "edited\n");
    assert_eq!(versions(&project, "summary").len(), 2);
    let shown = project.sh("VISUAL= EDITOR=no-such-editor $CAR edit todo").exits(1);
    assert!(shown.stderr.contains("hint: set VISUAL or EDITOR"), "{shown}");
    let shown = project.car(&["edit", "readme"]).exits(1);
    assert!(shown.stderr.contains("Invalid target; choose todo"), "{shown}");
}

#[test]
fn what_an_agent_writes_is_kept_under_the_runs_name() {
    let project = Project::with_agent(
        &crate::support::shell_agent("echo '- [x] a' > .codex-autorunner/TODO.md"),
        &["a"],
    );
    project.car(&["once"]).exits(0);
    let authors: Vec<_> =
        versions(&project, "todo").iter().map(|version| version["author"].clone()).collect();
    assert_eq!(authors, ["run 1", "outside"]);
}
