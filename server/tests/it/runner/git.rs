//! Git around a run: what was there before, what the run changed, and the way back.

use car_domain::run::RunEvent;
use serde_json::json;

use crate::support::{Project, shell_agent};

/// A project whose agent runs this script once, with these settings of git.
fn project(script: &str, git: &serde_json::Value) -> Project {
    let project = Project::new();
    let runner = json!({"sleep_seconds": 0, "grace_seconds": 1});
    let config = json!({
        "version": 2, "mode": "repo", "codex": shell_agent(script), "runner": runner, "git": git,
    });
    project.write("config.yml", &config.to_string());
    project.todo(&["One"]);
    project
}

/// The agent of most tests: it edits a file, makes one and deletes one.
const BUSY: &str = "echo more >> README.md; mkdir -p new; echo fresh > 'new/a file'; rm old";

fn busy_project(git: &serde_json::Value) -> Project {
    let project = project(BUSY, git);
    project.repo().write("old", "old\n");
    project.repo().git(&["add", "old"]);
    project.repo().git(&["commit", "--quiet", "--message=Add old"]);
    project
}

#[test]
fn what_a_run_changed_is_counted_and_shown() {
    let project = busy_project(&json!({}));
    project.repo().write("mine", "untracked, and there before\n");
    project.car(&["once"]).exits(0);
    let run = &project.runs()[0];
    assert_eq!(run["changes"], json!({"files": 3, "insertions": 2, "deletions": 1}));
    assert_eq!(run["commit"], json!(null));
    insta::assert_snapshot!(project.car(&["diff", "1", "--stat"]), @r"
     README.md  | 1 +
     new/a file | 1 +
     old        | 1 -
     3 files changed, 2 insertions(+), 1 deletion(-)
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["diff", "1", "README.md"]), @r"
    diff --git a/README.md b/README.md
    index 6c78374..7a5d90a 100644
    --- a/README.md
    +++ b/README.md
    @@ -1 +1,2 @@
     # A repository for tests
    +more
    [exit 0]
    ");
    let below = project.car_in(&project.root().join("new"), &["diff", "1", ".", "--json"]);
    let shown = below.exits(0).json();
    assert_eq!(
        shown["files"],
        json!([{"path": "new/a file", "change": "added", "insertions": 1, "deletions": 0}])
    );
    insta::assert_snapshot!(project.car(&["diff", "7"]), @r"
    ! error: run 7 not found
    [exit 1]
    ");
    insta::assert_snapshot!(project.car(&["diff", "1", "../elsewhere"]), @r"
    ! error: ../elsewhere is outside the repository
    [exit 1]
    ");
}

#[test]
fn a_run_can_be_undone_and_that_taken_back() {
    let project = busy_project(&json!({}));
    project.repo().write("mine", "untracked\n");
    let before = project.repo().git(&["status", "--porcelain"]);
    project.car(&["once"]).exits(0);
    let after = project.repo().git(&["status", "--porcelain"]);
    insta::assert_snapshot!(project.car(&["undo", "1", "--dry-run"]), @r"
    restore README.md
    restore old
    delete new/a file
    ! 3 files would be put back. Nothing was touched.
    [exit 0]
    ");
    assert_eq!(project.repo().git(&["status", "--porcelain"]), after);
    insta::assert_snapshot!(project.car(&["undo", "1"]), @r"
    restore README.md
    restore old
    delete new/a file
    ! Run 1 is undone: 3 files as before it. `car redo 1` takes it back.
    [exit 0]
    ");
    assert_eq!(project.repo().git(&["status", "--porcelain"]), before);
    assert!(!project.root().join("new").exists());
    insta::assert_snapshot!(project.car(&["undo", "1"]), @r"
    ! Nothing to do: the files of run 1 are like that already.
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["redo", "1"]), @r"
    restore README.md
    restore new/a file
    delete old
    ! Run 1 is back: 3 files.
    [exit 0]
    ");
    assert_eq!(project.repo().git(&["status", "--porcelain"]), after);
    insta::assert_snapshot!(project.car(&["undo", "1", "--revert"]), @r"
    ! error: run 1 was not undone, or that was taken back already
    [exit 1]
    ");
}

#[test]
fn an_undo_that_would_lose_something_is_refused_and_touches_nothing() {
    let project = busy_project(&json!({}));
    project.car(&["once"]).exits(0);
    project.repo().write("README.md", "edited by a person\n");
    insta::assert_snapshot!(project.car(&["undo", "1"]), @r"
    ! error: Changed since: README.md. Nothing was touched.
    ! hint: `--force-later` overwrites them; they stay in a checkpoint
    [exit 1]
    ");
    assert_eq!(project.repo().read("new/a file"), "fresh\n");
    project.car(&["undo", "1", "--force-later"]).exits(0);
    assert_eq!(project.repo().read("README.md"), "# A repository for tests\n");
    project.car(&["redo", "1"]).exits(0);
    assert_eq!(project.repo().read("README.md"), "edited by a person\n");
}

#[test]
fn nothing_is_undone_while_the_loop_is_at_work() {
    let project = project("echo at work; sleep 1000", &json!({}));
    let running = project.start(&["run"]);
    project.until_said(1, "at work");
    insta::assert_snapshot!(project.car(&["undo", "1"]), @r"
    ! error: The loop is at work in this repository.
    ! hint: stop it with `car stop`, then try again
    [exit 1]
    ");
    project.car(&["kill"]).exits(0);
    running.wait();
    project.car(&["undo", "1"]).exits(0);
}

#[test]
fn a_checkpoint_can_be_brought_back_elsewhere_and_old_ones_given_up() {
    let project = busy_project(&json!({}));
    project.car(&["once"]).exits(0);
    let dir = tempfile::tempdir().expect("temp dir");
    let to = dir.path().join("copy");
    let to = to.to_str().expect("text");
    project.car(&["checkpoints", "restore", "1", "--before", "--to", to]).exits(0);
    assert_eq!(std::fs::read_to_string(format!("{to}/old")).expect("restored"), "old\n");
    project.car(&["checkpoints", "restore", "1", "--after", "--to", to]).exits(1);
    let list = project.car(&["checkpoints", "list", "--json"]).exits(0).json();
    let names: Vec<&str> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["runs/1/before", "runs/1/after"]);
    insta::assert_snapshot!(project.car(&["checkpoints", "prune", "--keep", "0"]), @r"
    Gave up the checkpoints of 1 run.
    [exit 0]
    ");
    project.car(&["checkpoints", "list"]).exits(0);
    let refs = project.repo().git(&["for-each-ref", "refs/car"]);
    assert_eq!(refs, "");
}

#[test]
fn auto_commit_commits_what_the_run_changed_and_nothing_else() {
    let project = busy_project(&json!({
        "auto_commit": true, "commit_message_template": "[codex] run #{run_id}",
    }));
    project.repo().write("staged", "of the user\n");
    project.repo().git(&["add", "staged"]);
    project.repo().write("untracked", "of the user\n");
    project.car(&["once"]).exits(0);
    let shown = project.repo().git(&["show", "--format=%s", "--name-status", "HEAD"]);
    assert_eq!(shown, "[codex] run #1\n\nM\tREADME.md\nA\tnew/a file\nD\told");
    let status = project.repo().git(&["status", "--porcelain"]);
    assert_eq!(status, "A  staged\n?? untracked");
    assert_eq!(project.of_runs("commit"), [project.repo().git(&["rev-parse", "HEAD"])]);
    let told = project.journal(1).into_iter().find_map(|entry| match entry.event {
        RunEvent::Committed { files, paths, left_out, .. } => Some((files, paths, left_out)),
        _ => None,
    });
    let paths = ["README.md", "new/a file", "old"].map(str::to_owned).to_vec();
    assert_eq!(told, Some((3, paths, vec![])));
}

#[test]
fn a_commit_that_is_refused_is_told_and_the_run_is_none_the_worse() {
    let project = project("echo more >> README.md", &json!({"auto_commit": true}));
    project.repo().git(&["checkout", "--quiet", "--detach"]);
    project.car(&["once"]).exits(0);
    assert_eq!(project.of_runs("outcome"), ["succeeded"]);
    let notices: Vec<String> = project
        .journal(1)
        .iter()
        .filter(|entry| entry.event.name() == "notice")
        .map(|entry| entry.event.text())
        .collect();
    assert_eq!(notices, ["What this run changed is not committed: no branch is checked out"]);
    // A run that fails is not committed at all.
    let project = self::project("echo more >> README.md; exit 3", &json!({"auto_commit": true}));
    let head = project.repo().git(&["rev-parse", "HEAD"]);
    project.car(&["once"]).exits(4);
    assert_eq!(project.repo().git(&["rev-parse", "HEAD"]), head);
    assert_eq!(project.runs()[0]["changes"]["files"], 1);
}

#[test]
fn without_git_or_with_checkpoints_off_a_run_works_all_the_same() {
    let project = project("echo more >> README.md", &json!({"checkpoints": false}));
    project.car(&["once"]).exits(0);
    assert_eq!(project.runs()[0]["changes"], json!(null));
    assert_eq!(project.repo().git(&["for-each-ref", "refs/car"]), "");
    insta::assert_snapshot!(project.car(&["diff", "1"]), @r"
    ! error: run 1 has no checkpoint
    ! hint: checkpoints are taken while `git.checkpoints` is on; the run's log says more
    [exit 1]
    ");
    let project = self::project("echo more >> README.md", &json!({}));
    let away = "mv .git .git-away && \"$CAR\" once; code=$?; mv .git-away .git; exit $code";
    project.sh(away).exits(0);
    let told = project.journal(1).iter().any(|entry| {
        entry.event.text().starts_with(
            "No checkpoint before this run: git rev-parse failed: fatal: not a git repository",
        )
    });
    assert!(told);
}

#[test]
fn a_run_without_end_is_compared_with_now_and_not_undone() {
    let project = project("echo more >> README.md; echo at work; sleep 1000", &json!({}));
    let running = project.start(&["run"]);
    project.until_said(1, "at work");
    running.kill_9();
    insta::assert_snapshot!(project.car(&["diff", "1", "--stat"]), @r"
     README.md | 1 +
     1 file changed, 1 insertion(+)
    ! Run 1 has no checkpoint after it; this is what differs between its start and now.
    [exit 0]
    ");
    insta::assert_snapshot!(project.car(&["undo", "1"]), @r"
    ! error: run 1 has no checkpoint after it: it was interrupted
    ! hint: `car checkpoints restore 1 --before --to DIR` brings the files back
    [exit 1]
    ");
}

#[test]
fn where_git_is_not_installed_a_run_works_all_the_same() {
    let project = project("echo more >> README.md", &json!({"auto_commit": true}));
    let bin = tempfile::tempdir().expect("temp dir");
    for name in ["sh", "cat", "sleep"] {
        let found = ["/bin", "/usr/bin"].map(|dir| std::path::Path::new(dir).join(name));
        let found = found.iter().find(|path| path.exists()).expect("a usual program");
        std::os::unix::fs::symlink(found, bin.path().join(name)).expect("link");
    }
    let project = project.env(vec![("PATH", bin.path().into())]);
    project.car(&["once"]).exits(0);
    let told = project.journal(1).into_iter().find(|entry| entry.event.name() == "notice");
    assert_eq!(
        told.expect("a notice").event.text(),
        "No checkpoint before this run: git is not installed; install git, or put it on PATH"
    );
}
