//! What a user may rely on: a checkpoint is the tree, byte for byte, and taking it leaves no trace.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use car_domain::run::CheckpointStage::{After, Before};
use proptest::prelude::*;

use super::{CheckpointName, Checkpoints, PatchForm, Renames};
use crate::testing::{commit, git, repository};
use crate::{Git, GitError};

/// A file as the system shows it: its kind, whether it can be executed, its bytes or its target.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    File { executable: bool, bytes: Vec<u8> },
    Link(PathBuf),
}

fn files(top: &Path) -> BTreeMap<PathBuf, Found> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(top.join(&dir)).expect("a directory") {
            let path = dir.join(entry.expect("an entry").file_name());
            let full = top.join(&path);
            let metadata = fs::symlink_metadata(&full).expect("metadata");
            if path == Path::new(".git") {
                continue;
            }
            if metadata.is_dir() {
                dirs.push(path);
            } else if metadata.is_symlink() {
                found.insert(path, Found::Link(fs::read_link(&full).expect("a link")));
            } else {
                let executable = metadata.permissions().mode() & 0o100 != 0;
                let bytes = fs::read(&full).expect("readable");
                found.insert(path, Found::File { executable, bytes });
            }
        }
    }
    found
}

async fn exported(checkpoints: &Checkpoints, commit: &str) -> BTreeMap<PathBuf, Found> {
    let dir = tempfile::tempdir().expect("temp dir");
    checkpoints.export(commit, &dir.path().join("new")).await.expect("exported");
    files(&dir.path().join("new"))
}

async fn take(checkpoints: &Checkpoints, run: u64) -> String {
    let taken = checkpoints.take(CheckpointName::Run(run, Before)).await.expect("taken");
    taken.commit
}

/// Names that trip programs up.
fn component() -> impl Strategy<Value = OsString> {
    let names: [&[u8]; 14] = [
        b"a",
        b"b",
        b"with space",
        "\u{fc}n\u{ef}c\u{f6}de \u{1f980}".as_bytes(),
        b"line\nbreak",
        b"tab\there",
        b"-dash",
        b"quote\"s'",
        b"back\\slash",
        b"*",
        b"git~1",
        b":(top)x",
        b"no utf-8 \xff\xfe",
        b"x.txt",
    ];
    prop::sample::select(names.to_vec()).prop_map(|name| OsString::from_vec(name.to_vec()))
}

fn content() -> impl Strategy<Value = Found> {
    let bytes = prop_oneof![
        Just(Vec::new()),
        Just(b"one\r\ntwo\r\n".to_vec()),
        Just(b"one\r\ntwo\n$Id$\n".to_vec()),
        Just(b"\0\xff binary \r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    prop_oneof![
        4 => (any::<bool>(), bytes).prop_map(|(executable, bytes)| Found::File { executable, bytes }),
        1 => component().prop_map(|target| Found::Link(target.into())),
        1 => Just(Found::Link("no such/../file".into())),
    ]
}

type Tree = Vec<(Vec<OsString>, Found)>;

fn tree() -> impl Strategy<Value = Tree> {
    prop::collection::vec((prop::collection::vec(component(), 1..4), content()), 0..12)
}

/// Makes the working tree hold exactly what fits of `tree`, with attributes that make git convert and filter.
fn write(top: &Path, tree: &Tree) {
    for entry in fs::read_dir(top).expect("a directory").flatten() {
        if entry.file_name() == OsStr::new(".git") {
            continue;
        }
        let path = entry.path();
        if entry.file_type().expect("a kind").is_dir() {
            fs::remove_dir_all(path).expect("removed");
        } else {
            fs::remove_file(path).expect("removed");
        }
    }
    let attributes =
        "* text=auto eol=crlf ident filter=shout\nx.txt working-tree-encoding=UTF-16\n";
    fs::write(top.join(".gitattributes"), attributes).expect("write");
    for (path, content) in tree {
        let path = path.iter().fold(top.to_path_buf(), |path, name| path.join(name));
        let parent = path.parent().expect("a parent");
        let is_inside =
            fs::create_dir_all(parent).is_ok() && parent.canonicalize().expect("a path") == *parent;
        if !is_inside || fs::symlink_metadata(&path).is_ok() {
            continue; // Its place is taken by something drawn earlier.
        }
        match content {
            Found::Link(target) => symlink(target, &path).expect("link"),
            Found::File { executable, bytes } => {
                fs::write(&path, bytes).expect("write");
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_checkpoint_brings_every_tree_back_byte_for_byte(first in tree(), second in tree()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let (_dir, root) = repository().await;
            git(&root, &["config", "core.autocrlf", "true"]).await;
            git(&root, &["config", "filter.shout.clean", "touch .git/filtered; tr a-z A-Z"]).await;
            git(&root, &["config", "filter.shout.smudge", "touch .git/filtered; tr a-z A-Z"]).await;
            fs::write(root.join(".git/info/attributes"), "* filter=shout\n").expect("write");
            let checkpoints = Checkpoints::open(&root).await.expect("opened");
            write(&root, &first);
            let (before, first) = (take(&checkpoints, 1).await, files(&root));
            write(&root, &second);
            let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit;
            let second = files(&root);
            assert_eq!(exported(&checkpoints, &before).await, first);
            assert_eq!(exported(&checkpoints, &after).await, second);
            // Back and forth in the working tree itself, untouched by a converting git.
            let plan = checkpoints.plan(&after, &before, &after, None).await.expect("a plan");
            assert_eq!(plan.conflicts, Vec::<PathBuf>::new());
            checkpoints.carry_out(plan, &before).await.expect("undone");
            assert_eq!(files(&root), first);
            let undone = checkpoints.take(CheckpointName::Redo(1)).await.expect("taken").commit;
            let plan = checkpoints.plan(&before, &after, &undone, None).await.expect("a plan");
            checkpoints.carry_out(plan, &after).await.expect("redone");
            assert_eq!(files(&root), second);
            assert!(!root.join(".git/filtered").exists(), "a filter ran");
        });
    }
}

/// Everything a user could notice: HEAD, the index, and each file with its times.
async fn visible(root: &Path) -> (Option<String>, Vec<u8>, Vec<(PathBuf, i64, i64, u64)>) {
    let index = fs::read(root.join(".git/index")).expect("an index");
    let files = files(root).into_keys().map(|path| {
        let metadata = fs::symlink_metadata(root.join(&path)).expect("metadata");
        (path, metadata.mtime_nsec(), metadata.ctime_nsec(), metadata.ino())
    });
    (crate::head_id(root).await, index, files.collect())
}

#[tokio::test]
async fn taking_a_checkpoint_leaves_no_trace_and_runs_no_hook() {
    let (_dir, root) = repository().await;
    for hook in ["post-index-change", "reference-transaction", "post-commit", "pre-commit"] {
        let path = root.join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
        fs::write(&path, "#!/bin/sh\ntouch \"$(git rev-parse --git-dir)/hooked\"\n")
            .expect("write");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    fs::write(root.join("staged"), "staged").expect("write");
    Git::write(&root, "add").args(["staged"]).done().await.expect("staged");
    fs::write(root.join("staged"), "changed").expect("write");
    fs::write(root.join("untracked"), "").expect("write");
    fs::write(root.join(".git/index.lock"), "somebody else").expect("write");
    let before = visible(&root).await;
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let commit = take(&checkpoints, 1).await;
    assert_eq!(visible(&root).await, before);
    assert!(!root.join(".git/hooked").exists(), "a hook ran");
    assert_eq!(exported(&checkpoints, &commit).await, files(&root));
    let parent = crate::commit_id(&root, &format!("{commit}~1")).await;
    assert_eq!(parent, crate::head_id(&root).await);
}

#[tokio::test]
async fn ignored_files_stay_out_and_tracked_ones_stay_in() {
    let (_dir, root) = repository().await;
    fs::write(root.join(".gitignore"), "*.log\n").expect("write");
    fs::write(root.join(".git/info/exclude"), "secret\n").expect("write");
    for name in ["kept.log", "noise.log", "secret", "plain"] {
        fs::write(root.join(name), name).expect("write");
    }
    git(&root, &["add", "--force", "kept.log"]).await;
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let names = |tree: BTreeMap<PathBuf, Found>| -> Vec<String> {
        tree.into_keys().map(|path| path.display().to_string()).collect()
    };
    let commit = take(&checkpoints, 1).await;
    let expected = [".gitignore", "a", "kept.log", "plain"];
    assert_eq!(names(exported(&checkpoints, &commit).await), expected);
    // A rule the run adds does not make a file look deleted; the next run's checkpoint is without it.
    fs::write(root.join(".gitignore"), "*.log\nplain\n").expect("write");
    let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit;
    assert_eq!(names(exported(&checkpoints, &after).await), expected);
    let next = take(&checkpoints, 2).await;
    assert_eq!(names(exported(&checkpoints, &next).await), [".gitignore", "a", "kept.log"]);
}

#[tokio::test]
async fn repositories_inside_are_left_out_with_a_note() {
    let (_dir, root) = repository().await;
    let inner = root.join("vendor/inner");
    fs::create_dir_all(&inner).expect("dir");
    crate::init(&inner, None).await.expect("git init");
    fs::write(inner.join("file"), "").expect("write");
    fs::create_dir(root.join("empty")).expect("dir");
    crate::init(&root.join("empty"), None).await.expect("git init");
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let taken = checkpoints.take(CheckpointName::Run(1, Before)).await.expect("taken");
    assert_eq!(
        taken.notes,
        ["not in the checkpoint (a repository of its own): empty/, vendor/inner/"]
    );
    assert_eq!(exported(&checkpoints, &taken.commit).await.len(), 1);
    // The same for a submodule that git tracks.
    fs::remove_dir_all(root.join("empty")).expect("removed");
    crate::commit_all(&inner, "inner", "Test").await.expect("committed");
    git(&root, &["add", "vendor/inner"]).await;
    commit(&root).await;
    let taken = checkpoints.take(CheckpointName::Run(2, Before)).await.expect("taken");
    assert_eq!(taken.notes, ["not in the checkpoint (a repository of its own): vendor/inner/"]);
}

#[tokio::test]
async fn a_file_that_is_too_big_is_left_out_with_a_note_and_never_looks_deleted() {
    let (_dir, root) = repository().await;
    fs::write(root.join("growing"), "small").expect("write");
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let before = take(&checkpoints, 1).await;
    let file = fs::File::options().write(true).open(root.join("growing")).expect("opened");
    file.set_len(600 << 20).expect("a file with a hole");
    let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken");
    assert_eq!(after.notes, ["not in the checkpoint (larger than 512 MiB): growing"]);
    let count = checkpoints.count(&before, &after.commit).await.expect("counted");
    assert_eq!(count.files, 0);
}

#[tokio::test]
async fn an_unborn_and_a_detached_head_a_worktree_and_a_root_below_the_top_all_work() {
    let dir = tempfile::tempdir().expect("temp dir");
    let fresh = dir.path().canonicalize().expect("path");
    crate::init(&fresh, Some("main")).await.expect("git init");
    fs::write(fresh.join("first"), "1").expect("write");
    let unborn = Checkpoints::open(&fresh).await.expect("opened");
    let commit_before_any = take(&unborn, 1).await;
    assert_eq!(exported(&unborn, &commit_before_any).await.len(), 1);

    let (_dir, root) = repository().await;
    git(&root, &["checkout", "--quiet", "--detach"]).await;
    fs::create_dir(root.join("below")).expect("dir");
    fs::write(root.join("below/b"), "").expect("write");
    let linked = fresh.join("linked");
    let add = Git::for_user(&root, "worktree").args(["add", "--quiet"]);
    add.args([&linked]).args(["main"]).done().await.expect("a worktree");
    fs::write(linked.join("only here"), "").expect("write");
    for (place, n_files) in [(root.clone(), 2), (root.join("below"), 2), (linked.clone(), 2)] {
        let checkpoints = Checkpoints::open(&place).await.expect("opened");
        let commit = take(&checkpoints, 1).await;
        assert_eq!(exported(&checkpoints, &commit).await.len(), n_files, "{}", place.display());
        // Each counts its own runs, and none overwrites another's.
        let list = checkpoints.list().await.expect("a list");
        assert_eq!(list.iter().map(|one| one.commit.clone()).collect::<Vec<_>>(), [commit]);
    }
    let names = git(&root, &["for-each-ref", "--format=%(refname)", "refs/car"]).await;
    assert_eq!(names.lines().filter(|name| *name == "refs/car/runs/1/before").count(), 1);
    assert_eq!(names.lines().count(), 3);
}

#[tokio::test]
async fn checkpoints_survive_gc_and_the_oldest_can_be_given_up() {
    let (_dir, root) = repository().await;
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    for run in 1..=4 {
        fs::write(root.join("changing"), format!("{run}")).expect("write");
        take(&checkpoints, run).await;
        fs::write(root.join("after"), format!("{run}")).expect("write");
        checkpoints.take(CheckpointName::Run(run, After)).await.expect("taken");
    }
    checkpoints.take(CheckpointName::Undo(1)).await.expect("taken");
    let list = checkpoints.list().await.expect("a list");
    assert_eq!(list.len(), 9);
    assert_eq!(checkpoints.prune(2).await.expect("pruned"), 2);
    git(&root, &["gc", "--quiet", "--prune=now"]).await;
    let kept = checkpoints.list().await.expect("a list");
    assert_eq!(kept.iter().map(|one| one.name.run()).collect::<Vec<_>>(), [3, 3, 4, 4]);
    for stored in &kept {
        assert_eq!(exported(&checkpoints, &stored.commit).await.len(), 3);
    }
    assert!(!checkpoints.exists(&list[0].commit).await);
    // Also when everything is given up and collected under the index's feet.
    checkpoints.prune(0).await.expect("pruned");
    git(&root, &["gc", "--quiet", "--prune=now"]).await;
    let commit = take(&checkpoints, 5).await;
    assert_eq!(exported(&checkpoints, &commit).await, files(&root));
}

#[tokio::test]
async fn what_a_killed_git_left_behind_does_not_block_the_next_checkpoint() {
    let (_dir, root) = repository().await;
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    take(&checkpoints, 1).await;
    fs::write(root.join(".git/car/checkpoints/index.lock"), "").expect("write");
    fs::write(root.join(".git/car/checkpoints/index"), "damaged").expect("write");
    let commit = take(&checkpoints, 2).await;
    assert_eq!(exported(&checkpoints, &commit).await, files(&root));
}

#[tokio::test]
async fn of_two_checkpoints_at_once_the_second_waits_for_the_first() {
    let (_dir, root) = repository().await;
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let lock = checkpoints.ready().await.expect("free");
    let second = checkpoints.clone();
    let second = tokio::spawn(async move { take(&second, 1).await });
    tokio::task::yield_now().await;
    assert!(checkpoints.list().await.expect("a list").is_empty());
    drop(lock);
    let commit = second.await.expect("no panic");
    assert_eq!(exported(&checkpoints, &commit).await, files(&root));
}

#[tokio::test]
async fn a_repository_with_longer_ids_has_checkpoints_too() {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path().canonicalize().expect("path");
    Git::write(&root, "init")
        .args(["--quiet", "--object-format=sha256"])
        .done()
        .await
        .expect("init");
    fs::write(root.join("a"), "1").expect("write");
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let before = take(&checkpoints, 1).await;
    fs::remove_file(root.join("a")).expect("removed");
    let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit;
    assert_eq!(before.len(), 64);
    let count = checkpoints.count(&before, &after).await.expect("counted");
    assert_eq!(count.to_string(), "1 file +0 -1");
}

#[tokio::test]
async fn a_place_without_git_is_an_error_and_not_a_new_repository() {
    let dir = tempfile::tempdir().expect("temp dir");
    assert!(matches!(Checkpoints::open(dir.path()).await, Err(GitError::Failed { .. })));
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
}

#[tokio::test]
async fn differences_are_counted_listed_and_written() {
    let (_dir, root) = repository().await;
    fs::write(root.join("moved"), "line\n".repeat(30)).expect("write");
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let before = take(&checkpoints, 1).await;
    fs::create_dir(root.join("d")).expect("dir");
    fs::rename(root.join("moved"), root.join("d/n\u{e4}me\n")).expect("moved");
    fs::write(root.join("a"), "2\n").expect("write");
    fs::write(root.join("bin"), b"\0\x01").expect("write");
    let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit;
    let count = checkpoints.count(&before, &after).await.expect("counted");
    assert_eq!(count.to_string(), "4 files +31 -31");
    let list = checkpoints.compare(&before, &after, Renames::Found, &[]).await.expect("a list");
    let told: Vec<_> = list
        .iter()
        .map(|file| (file.letter, file.path.to_str().expect("text"), file.insertions))
        .collect();
    assert_eq!(told, [('M', "a", Some(1)), ('A', "bin", None), ('R', "d/n\u{e4}me\n", Some(0))]);
    assert_eq!(list[2].from.as_deref(), Some(Path::new("moved")));
    let mut patch = Vec::new();
    let only = [PathBuf::from("a")];
    checkpoints
        .patch(&before, &after, PatchForm::Unified, &only, |piece| patch.extend_from_slice(piece))
        .await
        .expect("written");
    let patch = String::from_utf8(patch).expect("text");
    assert!(patch.starts_with("diff --git a/a b/a\n") && patch.ends_with("+2\n"), "{patch}");
}

#[tokio::test]
async fn a_plan_names_what_changed_since_and_what_stands_in_the_way() {
    let (_dir, root) = repository().await;
    fs::write(root.join(".gitignore"), "ignored*\n").expect("write");
    for name in ["edited", "ignored-later", "dir", "untouched"] {
        fs::write(root.join(name), "before").expect("write");
    }
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    git(&root, &["add", "--force", "ignored-later"]).await;
    let before = take(&checkpoints, 1).await;
    fs::write(root.join("edited"), "by the run").expect("write");
    fs::remove_file(root.join("ignored-later")).expect("removed");
    fs::remove_file(root.join("dir")).expect("removed");
    let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit;
    fs::write(root.join("edited"), "by a person").expect("write");
    git(&root, &["rm", "--quiet", "--cached", "ignored-later"]).await;
    fs::write(root.join("ignored-later"), "by a person").expect("write");
    fs::create_dir(root.join("dir")).expect("dir");
    fs::write(root.join("dir/ignored"), "by a person").expect("write");
    let now = checkpoints.take(CheckpointName::Undo(1)).await.expect("taken").commit;
    let plan = checkpoints.plan(&after, &before, &now, None).await.expect("a plan");
    let all: [PathBuf; 3] = ["dir".into(), "edited".into(), "ignored-later".into()];
    assert_eq!(plan.conflicts, all);
    assert_eq!(plan.write, all);
}

#[tokio::test]
async fn a_link_in_place_of_a_directory_never_leads_a_checkpoint_outside() {
    let (_dir, root) = repository().await;
    let outside = tempfile::tempdir().expect("temp dir");
    fs::write(outside.path().join("f"), "theirs").expect("write");
    fs::create_dir(root.join("d")).expect("dir");
    fs::write(root.join("d/f"), "ours").expect("write");
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let before = take(&checkpoints, 1).await;
    fs::remove_dir_all(root.join("d")).expect("removed");
    symlink(outside.path(), root.join("d")).expect("link");
    let after = checkpoints.take(CheckpointName::Run(1, After)).await.expect("taken").commit;
    assert_eq!(exported(&checkpoints, &after).await, files(&root));
    let plan = checkpoints.plan(&after, &before, &after, None).await.expect("a plan");
    assert_eq!(plan.conflicts, Vec::<PathBuf>::new());
    checkpoints.carry_out(plan, &before).await.expect("undone");
    assert_eq!(fs::read_to_string(root.join("d/f")).expect("restored"), "ours");
    assert_eq!(fs::read_to_string(outside.path().join("f")).expect("there"), "theirs");
}

/// Prints what it measures; the bound is wide, for machines that do other things as well.
#[tokio::test]
async fn a_checkpoint_of_twenty_thousand_unchanged_files_takes_a_moment() {
    let (_dir, root) = repository().await;
    for dir in 0..200 {
        fs::create_dir(root.join(format!("d{dir}"))).expect("dir");
        for file in 0..100 {
            fs::write(root.join(format!("d{dir}/f{file}")), format!("{dir} {file}"))
                .expect("write");
        }
    }
    let checkpoints = Checkpoints::open(&root).await.expect("opened");
    let first = Instant::now();
    take(&checkpoints, 1).await;
    let first = first.elapsed();
    let second = Instant::now();
    take(&checkpoints, 2).await;
    let second = second.elapsed();
    let text = format!("20 000 files: first checkpoint {first:?}, next one {second:?}\n");
    std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).expect("written");
    assert!(second.as_secs() < 5, "{text}");
}
