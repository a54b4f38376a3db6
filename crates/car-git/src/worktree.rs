//! Worktrees and branches.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::path;
use crate::{Git, GitError};

/// Checking out a large tree takes its time.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(600);

/// Where a new worktree begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// On a branch that is there.
    Branch(String),
    /// On a new branch from the checked-out commit.
    New(String),
    /// On a new branch that follows one of a remote, such as `origin/x`.
    Tracking(String, String),
}

/// The directories of all worktrees of the repository at `root`, itself first.
///
/// # Errors
/// When git gives no answer.
pub async fn worktrees(root: &Path) -> Result<Vec<PathBuf>, GitError> {
    let mut found = Vec::new();
    Git::read(root, "worktree")
        .args(["list", "--porcelain", "-z"])
        .records(|record| {
            if let Some(name) = record.strip_prefix(b"worktree ") {
                found.push(path(name));
            }
        })
        .await?;
    Ok(found)
}

/// Makes a worktree in `target`, which is not there yet.
///
/// # Errors
/// When git refuses, for example because the branch is checked out elsewhere.
pub async fn add_worktree(root: &Path, target: &Path, begin: &Begin) -> Result<(), GitError> {
    let git = Git::write(root, "worktree").args(["add", "--quiet"]).timeout(CHECKOUT_TIMEOUT);
    let git = match begin {
        Begin::Branch(branch) => git.args([target]).value(branch),
        Begin::New(branch) => git.args(["--no-track", "-b"]).value(branch).args([target]),
        Begin::Tracking(branch, start) => {
            git.args(["--track", "-b"]).value(branch).args([target]).value(start)
        }
    };
    git.done().await
}

/// Forgets worktrees whose directories are gone.
///
/// # Errors
/// When git gives no answer.
pub async fn prune_worktrees(root: &Path) -> Result<(), GitError> {
    Git::write(root, "worktree").args(["prune"]).done().await
}

/// Whether `name` can be the name of a branch.
pub async fn is_branch_name(root: &Path, name: &str) -> bool {
    let git = Git::read(root, "check-ref-format").args(["--branch"]).value(name);
    // `@{-1}` and the like are names for other branches, not names.
    git.text().await.is_ok_and(|answer| answer == name)
}

/// Whether there is a branch of this name.
pub async fn has_branch(root: &Path, name: &str) -> bool {
    crate::commit_id(root, &format!("refs/heads/{name}")).await.is_some()
}

/// Makes the branch `name` at `commit`.
///
/// # Errors
/// When there is one already, or no such commit.
pub async fn make_branch(root: &Path, name: &str, commit: &str) -> Result<(), GitError> {
    Git::write(root, "branch").args(["--no-track"]).value(name).value(commit).done().await
}

/// Deletes the branch `name`, whether it is merged or not.
///
/// # Errors
/// When there is none, or it is checked out somewhere.
pub async fn delete_branch(root: &Path, name: &str) -> Result<(), GitError> {
    Git::write(root, "branch").args(["--quiet", "--delete", "--force"]).value(name).done().await
}

/// How many stashes there are; all worktrees of a repository share them.
///
/// # Errors
/// When git gives no answer.
pub async fn n_stashes(root: &Path) -> Result<u64, GitError> {
    let mut n = 0;
    let call = Git::read(root, "stash").args(["list", "-z", "--format=%H"]);
    call.records(|_| n += 1).await?;
    Ok(n)
}

/// Untracked files, ignored ones as well, that match one of `patterns` (`*` stops at a slash, `**` does not); at most `max`.
///
/// # Errors
/// When git gives no answer.
pub async fn untracked_matching(
    root: &Path,
    patterns: &[String],
    max: usize,
) -> Result<Vec<PathBuf>, GitError> {
    let mut found = Vec::new();
    if patterns.is_empty() {
        return Ok(found);
    }
    let specs = patterns.iter().map(|pattern| format!(":(top,glob){pattern}"));
    Git::read(root, "ls-files")
        .args(["-z", "--others", "--full-name", "--"])
        .args(specs)
        .records(|name| {
            if found.len() < max {
                found.push(path(name));
            }
        })
        .await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{git, repository};

    #[tokio::test]
    async fn worktrees_come_and_go_with_their_branches() {
        let (dir, root) = repository().await;
        let target = dir.path().join("w");
        assert!(is_branch_name(&root, "feat/x").await);
        for bad in ["-x", "a..b", "a b", "@{-1}", ""] {
            assert!(!is_branch_name(&root, bad).await, "{bad}");
        }
        add_worktree(&root, &target, &Begin::New("feat/x".to_owned())).await.expect("added");
        assert!(has_branch(&root, "feat/x").await);
        assert_eq!(worktrees(&root).await.expect("a list").len(), 2);
        assert_eq!(crate::only_on(&target, Some("feat/x")).await.expect("a number"), 0);
        git(&target, &["commit", "--allow-empty", "--quiet", "-m", "x"]).await;
        assert_eq!(crate::only_on(&target, Some("feat/x")).await.expect("a number"), 1);
        delete_branch(&root, "feat/x").await.expect_err("checked out");
        std::fs::remove_dir_all(&target).expect("removed");
        prune_worktrees(&root).await.expect("pruned");
        delete_branch(&root, "feat/x").await.expect("deleted");
        assert_eq!(crate::unpushed(&root).await.expect("a number"), 1);
    }

    #[tokio::test]
    async fn untracked_files_are_found_by_patterns() {
        let (_dir, root) = repository().await;
        std::fs::write(root.join(".gitignore"), ".env*\n").expect("write");
        std::fs::create_dir(root.join("sub")).expect("dir");
        for name in [".env", ".env.local", "sub/.env", "other"] {
            std::fs::write(root.join(name), "x").expect("write");
        }
        let found = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|it| (*it).to_owned()).collect();
            let root = root.clone();
            async move { untracked_matching(&root, &patterns, 10).await }
        };
        assert_eq!(
            found(&[".env*"]).await.expect("found"),
            [PathBuf::from(".env"), ".env.local".into()]
        );
        assert_eq!(found(&["**/.env"]).await.expect("found").len(), 2);
        assert_eq!(found(&["../x", "/etc/*"]).await.unwrap_or_default(), Vec::<PathBuf>::new());
    }
}
