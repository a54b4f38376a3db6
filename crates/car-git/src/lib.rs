//! The git command line, asked carefully. The only crate that runs it.
//!
//! Every call goes through [`Git`], which keeps the rules. The rest are the questions and changes CAR needs.

mod checkpoint;
mod clone;
mod command;
mod commit;
mod diff;
mod error;
mod fingerprint;
mod publish;
mod remote;
mod repository;
mod status;
mod worktree;

pub use checkpoint::{
    Checkpoint, CheckpointName, Checkpoints, Difference, Entry, Move, PatchForm, Renames,
    StoredCheckpoint,
};
pub use clone::{CloneProgress, clone};
pub use command::{Answer, Git};
pub use commit::{CommitRequest, Committed, OwnChanges, commit_all};
pub use diff::{Change, name_status, stat};
pub use error::GitError;
pub use fingerprint::fingerprint;
pub use publish::{
    Push, Variables, commit_files, distance, is_ancestor, push, push_remote, rebase_on_remote,
    subjects, top,
};
pub use remote::{delete_remote_branch, only_on, remote_of, remotes, unpushed};
pub use repository::{
    branch, commit_id, empty_tree, find_root, fork_point, head, head_id, init, recent_commits,
    tracked_files,
};
pub use status::{
    FileState, FileStatus, Status, Untracked, Upstream, is_available, is_clean, porcelain, status,
    upstream,
};
pub use worktree::{
    Begin, add_worktree, delete_branch, has_branch, is_branch_name, make_branch, n_stashes,
    prune_worktrees, untracked_matching, worktrees,
};

#[cfg(test)]
mod testing {
    //! A small repository for this crate's own tests.

    use std::path::{Path, PathBuf};

    use crate::Git;

    /// A repository on `main` with one commit that holds the file `a`.
    pub(crate) async fn repository() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path().canonicalize().expect("path");
        crate::init(&root, Some("main")).await.expect("git init");
        for (name, value) in [("user.name", "Test"), ("user.email", "test@localhost")] {
            git(&root, &["config", name, value]).await;
        }
        std::fs::write(root.join("a"), "1").expect("write");
        commit(&root).await;
        (dir, root)
    }

    pub(crate) async fn commit(root: &Path) {
        crate::commit_all(root, "a commit", "Test").await.expect("commit");
    }

    /// Runs git as a person would.
    pub(crate) async fn git(root: &Path, args: &[&'static str]) -> String {
        let [command, args @ ..] = args else { panic!("no command") };
        Git::for_user(root, command).args(args.iter().copied()).text().await.expect("git")
    }
}
