//! What a user may rely on: a commit holds what the run did and nothing of theirs, and nothing of theirs is lost.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use car_domain::run::CheckpointStage::{After, Before};
use proptest::prelude::*;

use crate::checkpoint::Renames;
use crate::testing::{commit, git, repository};
use crate::{CheckpointName, Checkpoints, CommitRequest, Committed, Git, GitError};

/// A run: everything before it, what it does, what is committed of it.
struct Run {
    checkpoints: Checkpoints,
    root: PathBuf,
    before: String,
    own: crate::OwnChanges,
}

impl Run {
    async fn begin(root: &Path) -> Self {
        let checkpoints = Checkpoints::open(root).await.expect("opened");
        let own = checkpoints.own_changes().await.expect("a status");
        let taken = checkpoints.take(CheckpointName::Run(1, Before)).await.expect("taken");
        Self { checkpoints, root: root.to_path_buf(), before: taken.commit, own }
    }

    async fn after(&self) -> String {
        self.checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit
    }

    async fn commit(&self) -> Result<Committed, GitError> {
        let after = self.after().await;
        self.commit_up_to(&after).await
    }

    async fn commit_up_to(&self, after: &str) -> Result<Committed, GitError> {
        let (before, own) = (self.before.as_str(), &self.own);
        let request = CommitRequest { before, after, own, message: "#1 by the agent" };
        self.checkpoints.commit(request).await
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("dirs");
        fs::write(path, text).expect("write");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).expect("readable")
    }

    async fn git(&self, args: &[&'static str]) -> String {
        git(&self.root, args).await
    }

    async fn committed_files(&self) -> String {
        self.git(&["show", "--format=%s", "--name-status", "--no-renames", "HEAD"]).await
    }
}

/// A text of which the first and the last line are far apart.
fn text(first: &str, last: &str) -> String {
    format!("{first}\n{}{last}\n", "between\n".repeat(12))
}

fn left_out(committed: &Committed) -> Vec<(&str, &str)> {
    committed.left_out.iter().map(|(one, why)| (one.to_str().expect("text"), *why)).collect()
}

#[tokio::test]
async fn only_what_the_run_changed_is_committed_and_what_was_staged_stays_staged() {
    let (_dir, root) = repository().await;
    for name in ["edited", "deleted", "run", "script", "to-dir"] {
        fs::write(root.join(name), "as committed\n").expect("write");
    }
    commit(&root).await;
    fs::write(root.join("staged"), "of the user\n").expect("write");
    git(&root, &["add", "staged"]).await;
    fs::write(root.join("edited"), "by the user\n").expect("write");
    fs::write(root.join("untracked"), "of the user\n").expect("write");
    let run = Run::begin(&root).await;
    run.write("run", "by the run\n");
    run.write("new dir/new\nfile", "by the run\n");
    fs::remove_file(root.join("deleted")).expect("removed");
    fs::set_permissions(root.join("script"), fs::Permissions::from_mode(0o755)).expect("mode");
    symlink("run", root.join("link")).expect("link");
    fs::remove_file(root.join("to-dir")).expect("removed");
    run.write("to-dir/inside", "by the run\n");
    let committed = run.commit().await.expect("committed");
    assert_eq!(committed.commit, crate::head_id(&root).await);
    assert_eq!((committed.left_out, committed.notes), (vec![], vec![]));
    assert_eq!(committed.paths.len(), 7);
    assert_eq!(
        run.committed_files().await,
        "#1 by the agent\n\nD\tdeleted\nA\tlink\nA\t\"new dir/new\\nfile\"\nM\trun\nM\tscript\nD\tto-dir\nA\tto-dir/inside"
    );
    let status = run.git(&["status", "--porcelain"]).await;
    assert_eq!(status, " M edited\nA  staged\n?? untracked");
}

#[tokio::test]
async fn of_a_file_both_changed_only_the_runs_part_is_committed() {
    let (_dir, root) = repository().await;
    fs::write(root.join("both"), text("1", "9")).expect("write");
    commit(&root).await;
    fs::write(root.join("both"), text("user", "9")).expect("write");
    let run = Run::begin(&root).await;
    run.write("both", &text("user", "run"));
    let committed = run.commit().await.expect("committed");
    assert_eq!(committed.paths, [PathBuf::from("both")]);
    assert_eq!(run.git(&["show", "HEAD:both"]).await, text("1", "run").trim_end());
    assert_eq!(run.read("both"), text("user", "run"));
    assert_eq!(run.git(&["status", "--porcelain"]).await, " M both");
}

#[tokio::test]
async fn a_staged_change_stays_on_top_of_the_runs_in_the_same_file() {
    let (_dir, root) = repository().await;
    fs::write(root.join("both"), text("1", "9")).expect("write");
    commit(&root).await;
    fs::write(root.join("both"), text("staged", "9")).expect("write");
    git(&root, &["add", "both"]).await;
    let run = Run::begin(&root).await;
    run.write("both", &text("staged", "run"));
    run.commit().await.expect("committed").commit.expect("a commit");
    assert_eq!(run.git(&["show", "HEAD:both"]).await, text("1", "run").trim_end());
    assert_eq!(run.git(&["show", ":both"]).await, text("staged", "run").trim_end());
    assert_eq!(run.git(&["status", "--porcelain"]).await, "M  both");
}

#[tokio::test]
async fn what_cannot_be_told_apart_is_left_out_and_named() {
    let (_dir, root) = repository().await;
    for name in ["lines", "gone", "binary"] {
        fs::write(root.join(name), "as committed\n").expect("write");
    }
    commit(&root).await;
    for name in ["lines", "gone", "untracked"] {
        fs::write(root.join(name), "by the user\n").expect("write");
    }
    fs::write(root.join("binary"), b"\0user").expect("write");
    let run = Run::begin(&root).await;
    for name in ["lines", "untracked", "clean"] {
        run.write(name, "by the run\n");
    }
    fs::write(root.join("binary"), b"\0run").expect("write");
    fs::remove_file(root.join("gone")).expect("removed");
    let after = run.after().await;
    run.write("late", "not seen\n");
    run.write("clean", "by a person, after the run\n");
    let committed = run.commit_up_to(&after).await.expect("no error");
    assert_eq!(committed.commit, None);
    assert_eq!(
        left_out(&committed),
        [
            ("binary", "the run's change cannot be told from yours"),
            ("clean", "it was changed again after the run"),
            ("gone", "it held changes of yours, and the run deleted it"),
            ("lines", "the run's change cannot be told from yours"),
            ("untracked", "it was there before the run, but in no commit"),
        ]
    );
    assert_eq!(run.read("untracked"), "by the run\n");
}

#[tokio::test]
async fn a_failing_hook_is_told_and_nothing_is_lost() {
    let (_dir, root) = repository().await;
    let hook = root.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().expect("a parent")).expect("dir");
    fs::write(&hook, "#!/bin/sh\necho 'the linter says no' >&2\nexit 1\n").expect("write");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("mode");
    fs::write(root.join("staged"), "").expect("write");
    git(&root, &["add", "staged"]).await;
    let run = Run::begin(&root).await;
    run.write("new", "by the run\n");
    let (head, index) =
        (crate::head_id(&root).await, fs::read(root.join(".git/index")).expect("an index"));
    let error = run.commit().await.expect_err("refused");
    assert_eq!(error.to_string(), "git commit failed: the linter says no");
    assert_eq!(crate::head_id(&root).await, head);
    assert_eq!(fs::read(root.join(".git/index")).expect("an index"), index);
    assert_eq!(run.read("new"), "by the run\n");
    // A hook that agrees has its say.
    fs::remove_file(hook).expect("removed");
    let hook = root.join(".git/hooks/commit-msg");
    fs::write(&hook, "#!/bin/sh\necho 'Seen-by: hook' >> \"$1\"\n").expect("write");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("mode");
    run.commit().await.expect("committed").commit.expect("a commit");
    let message = run.git(&["log", "-1", "--format=%B"]).await;
    assert_eq!(message.trim(), "#1 by the agent\nSeen-by: hook");
}

#[tokio::test]
async fn what_the_agent_committed_itself_is_not_committed_again() {
    let (_dir, root) = repository().await;
    fs::write(root.join("both"), text("1", "9")).expect("write");
    commit(&root).await;
    fs::write(root.join("both"), text("user", "9")).expect("write");
    let run = Run::begin(&root).await;
    run.write("a", "by the run\n");
    run.write("both", &text("user", "run"));
    commit(&root).await;
    let head = crate::head_id(&root).await;
    assert_eq!(run.commit().await.expect("fine"), Committed::default());
    assert_eq!(crate::head_id(&root).await, head);
    // What it staged but did not commit belongs to the run.
    run.write("a", "more\n");
    run.git(&["add", "a"]).await;
    run.write("a", "even more\n");
    run.commit().await.expect("committed").commit.expect("a commit");
    assert_eq!(run.git(&["show", "HEAD:a"]).await, "even more");
    assert_eq!(run.git(&["status", "--porcelain"]).await, "");
}

#[tokio::test]
async fn there_is_no_commit_without_a_branch_or_in_the_middle_of_a_merge() {
    let (_dir, root) = repository().await;
    let run = Run::begin(&root).await;
    run.write("new", "");
    run.git(&["checkout", "--quiet", "--detach"]).await;
    let refused = run.commit().await.expect_err("refused");
    assert_eq!(refused.to_string(), "no branch is checked out");
    run.git(&["checkout", "--quiet", "main"]).await;
    let head = crate::head_id(&root).await.expect("a commit");
    fs::write(root.join(".git/MERGE_HEAD"), head).expect("write");
    let refused = run.commit().await.expect_err("refused");
    assert_eq!(refused.to_string(), "a merge is under way");
    fs::remove_file(root.join(".git/MERGE_HEAD")).expect("removed");
    fs::write(root.join(".git/index.lock"), "").expect("write");
    assert!(matches!(run.commit().await, Err(GitError::NotNow(_))));
    fs::remove_file(root.join(".git/index.lock")).expect("removed");
    run.commit().await.expect("committed").commit.expect("a commit");
}

#[tokio::test]
async fn the_first_commit_of_a_repository_holds_only_the_runs_files() {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path().canonicalize().expect("path");
    crate::init(&root, Some("main")).await.expect("git init");
    for (name, value) in [("user.name", "Test"), ("user.email", "test@localhost")] {
        git(&root, &["config", name, value]).await;
    }
    fs::write(root.join("of the user"), "").expect("write");
    let run = Run::begin(&root).await;
    run.write("new", "by the run\n");
    let committed = run.commit().await.expect("committed");
    assert_eq!(committed.paths, [PathBuf::from("new")]);
    assert_eq!(run.git(&["status", "--porcelain"]).await, "?? \"of the user\"");
}

#[tokio::test]
async fn the_commit_goes_through_the_users_filters_and_line_endings() {
    let (_dir, root) = repository().await;
    git(&root, &["config", "core.autocrlf", "true"]).await;
    git(&root, &["config", "core.safecrlf", "true"]).await;
    git(&root, &["config", "filter.shout.clean", "tr a-z A-Z"]).await;
    fs::write(root.join(".gitattributes"), "*.loud filter=shout\n").expect("write");
    fs::write(root.join("both"), text("1", "9").replace('\n', "\r\n")).expect("write");
    Git::write(&root, "add").config("core.safecrlf=false").args(["."]).done().await.expect("added");
    git(&root, &["commit", "--quiet", "--message=crlf"]).await;
    fs::write(root.join("both"), text("user", "9").replace('\n', "\r\n")).expect("write");
    let run = Run::begin(&root).await;
    run.write("both", &text("user", "run").replace('\n', "\r\n"));
    run.write("new.loud", "by the run\n");
    let committed = run.commit().await.expect("committed");
    assert_eq!(committed.left_out, []);
    assert_eq!(run.git(&["show", "HEAD:both"]).await, text("1", "run").trim_end());
    assert_eq!(run.git(&["show", "HEAD:new.loud"]).await, "BY THE RUN");
    assert_eq!(run.git(&["status", "--porcelain"]).await, " M both");
}

#[tokio::test]
async fn a_run_that_changed_nothing_makes_no_commit() {
    let (_dir, root) = repository().await;
    fs::write(root.join("a"), "by the user").expect("write");
    let run = Run::begin(&root).await;
    assert_eq!(run.commit().await.expect("fine"), Committed::default());
    assert_eq!(run.git(&["status", "--porcelain"]).await, " M a");
}

/// What a person or a run does to a file of twenty lines.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Nothing,
    Line(usize),
    StagedLine(usize),
    Delete,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        2 => Just(Edit::Nothing),
        3 => (0..20_usize).prop_map(Edit::Line),
        2 => (0..20_usize).prop_map(Edit::StagedLine),
        1 => Just(Edit::Delete),
    ]
}

fn lines(edits: &[(usize, &str)]) -> String {
    let line = |n: usize| match edits.iter().rev().find(|(at, _)| *at == n) {
        Some((_, who)) => format!("{who}\n"),
        None => format!("line {n}\n"),
    };
    (0..20).map(line).collect()
}

async fn make(run: &Run, name: &'static str, edit: Edit, who: &'static str) {
    let old = fs::read_to_string(run.root.join(name)).unwrap_or_default();
    match edit {
        Edit::Nothing => {}
        Edit::Delete => drop(fs::remove_file(run.root.join(name))),
        Edit::Line(at) | Edit::StagedLine(at) => {
            let line =
                |(n, line): (usize, &str)| if n == at { who.into() } else { line.to_owned() };
            let new: Vec<String> = old.lines().enumerate().map(line).collect();
            run.write(name, &(new.join("\n") + "\n"));
            if matches!(edit, Edit::StagedLine(_)) && who == "user" {
                run.git(&["add", name]).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_both_do_nothing_of_the_users_is_committed_or_lost(
        edits in prop::collection::vec((edit(), edit()), 4)
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            const NAMES: [&str; 4] = ["f0", "f1", "f2", "f3"];
            let (_dir, root) = repository().await;
            NAMES.iter().for_each(|name| fs::write(root.join(name), lines(&[])).expect("write"));
            commit(&root).await;
            let user = Run::begin(&root).await;
            for (name, (edit, _)) in NAMES.into_iter().zip(&edits) {
                make(&user, name, *edit, "user").await;
            }
            let run = Run::begin(&root).await;
            for (name, (_, edit)) in NAMES.into_iter().zip(&edits) {
                make(&run, name, *edit, "run").await;
            }
            let after = run.after().await;
            let before = run.git(&["diff", "--cached", "--name-only"]).await;
            let changed = run.checkpoints.compare(&run.before, &after, Renames::Split, &[]).await;
            let changed: Vec<PathBuf> =
                changed.expect("a list").into_iter().map(|file| file.path).collect();
            let committed = run.commit_up_to(&after).await.expect("no error");
            // The working tree is as it was.
            assert_eq!(run.checkpoints.tree().await.expect("a tree"), {
                let tree = Git::read(&root, "rev-parse").value(format!("{after}^{{tree}}"));
                tree.text().await.expect("an id")
            });
            // Only what the run changed is in the commit or left out, and nothing twice.
            let out: Vec<PathBuf> = committed.left_out.iter().map(|(path, _)| path.clone()).collect();
            let mut told = [committed.paths.clone(), out].concat();
            told.sort();
            assert_eq!(told, changed);
            for name in NAMES {
                let head = Git::read(&root, "show").args([format!("HEAD:{name}")]).text().await;
                assert!(!head.unwrap_or_default().contains("user"), "{name}: {edits:?}");
            }
            // What was staged is still staged, and nothing else is.
            assert_eq!(run.git(&["diff", "--cached", "--name-only"]).await, before);
            for (name, (edit, _)) in NAMES.into_iter().zip(&edits) {
                if matches!(edit, Edit::StagedLine(_)) {
                    let staged = Git::read(&root, "show").args([format!(":{name}")]).text().await;
                    assert!(staged.expect("staged").contains("user"), "{name}: {edits:?}");
                }
            }
        });
    }
}
