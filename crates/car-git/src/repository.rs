//! Simple questions about a repository: where it is, what is checked out, which files it tracks.

use std::path::{Path, PathBuf};

use crate::GitError;
use crate::command::{Git, path};

/// The nearest directory at or above `path` that holds a `.git` entry.
pub fn find_root(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|dir| dir.join(".git").exists()).map(Path::to_path_buf)
}

/// Name of the checked-out branch, read from git's files; `None` when detached or no repository.
pub fn branch(root: &Path) -> Option<String> {
    let dot_git = root.join(".git");
    let git_dir = match std::fs::read_to_string(&dot_git) {
        Ok(pointer) => root.join(pointer.trim().strip_prefix("gitdir:")?.trim()),
        Err(_) => dot_git,
    };
    let head = std::fs::read_to_string(git_dir.join("HEAD")).ok()?;
    head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned)
}

/// Abbreviated id of the checked-out commit; `None` before the first one.
pub async fn head(root: &Path) -> Option<String> {
    Git::read(root, "rev-parse").args(["--short", "--verify", "--quiet", "HEAD"]).text().await.ok()
}

/// Full id of the checked-out commit; `None` before the first one.
pub async fn head_id(root: &Path) -> Option<String> {
    commit_id(root, "HEAD").await
}

/// Full id of the commit that `name` (a branch, a tag, an id) means; `None` when there is none.
pub async fn commit_id(root: &Path, name: &str) -> Option<String> {
    let commit = format!("{name}^{{commit}}");
    Git::read(root, "rev-parse").args(["--verify", "--quiet"]).value(commit).text().await.ok()
}

/// The commit at which the checked-out branch left the main one, and that one's name. `None` when the main branch is checked
/// out or there is none.
pub async fn fork_point(root: &Path) -> Option<(String, String)> {
    let remote = Git::read(root, "symbolic-ref").args(["--quiet", "--short"]);
    let remote = remote.value("refs/remotes/origin/HEAD").text().await.ok();
    let candidates = remote.into_iter().chain(["main".to_owned(), "master".to_owned()]);
    let here = branch(root);
    for name in candidates {
        let is_here = |branch: &String| *branch == name || name == format!("origin/{branch}");
        if here.as_ref().is_some_and(is_here) {
            return None;
        }
        if commit_id(root, &name).await.is_none() {
            continue;
        }
        let fork = Git::read(root, "merge-base").value(name.as_str()).value("HEAD").text().await;
        return fork.ok().map(|commit| (commit, name));
    }
    None
}

/// The tree without files, as this repository names it.
///
/// # Errors
/// When it is no repository, or git gives no answer.
pub async fn empty_tree(root: &Path) -> Result<String, GitError> {
    Git::read(root, "hash-object").args(["-t", "tree"]).value("/dev/null").text().await
}

/// The tracked files, relative to the top of the working tree: the first `max` of them, and how many there are.
///
/// # Errors
/// When it is no repository, or git gives no answer.
pub async fn tracked_files(root: &Path, max: usize) -> Result<(Vec<PathBuf>, usize), GitError> {
    let (mut files, mut n_files) = (Vec::new(), 0);
    Git::read(root, "ls-files")
        .args(["-z", "--cached", "--full-name"])
        .records(|name| {
            n_files += 1;
            if files.len() < max {
                files.push(path(name));
            }
        })
        .await?;
    Ok((files, n_files))
}

/// Ids and subjects of the newest commits, the newest first; at most `max`.
///
/// # Errors
/// When there is no commit, or git gives no answer.
pub async fn recent_commits(root: &Path, max: usize) -> Result<Vec<(String, String)>, GitError> {
    let text = Git::read(root, "log")
        .args(["--format=%H %s".to_owned(), format!("--max-count={max}"), "--".to_owned()])
        .text()
        .await?;
    let pair = |line: &str| line.split_once(' ').map(|(id, subject)| (id.into(), subject.into()));
    Ok(text.lines().filter_map(pair).collect())
}

/// Makes `path` a repository. Its first branch is called `branch`, or what the user's configuration says.
///
/// # Errors
/// When git refuses.
pub async fn init(path: &Path, branch: Option<&str>) -> Result<(), GitError> {
    let branch = branch.map(|name| format!("--initial-branch={name}"));
    Git::write(path, "init").args(["--quiet"]).args(branch).done().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::repository;

    #[test]
    fn the_root_is_found_from_below() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir_all(dir.path().join("r/.git")).expect("dirs");
        std::fs::create_dir_all(dir.path().join("r/a/b")).expect("dirs");
        assert_eq!(find_root(&dir.path().join("r/a/b")), Some(dir.path().join("r")));
        assert_eq!(branch(dir.path()), None);
    }

    #[tokio::test]
    async fn commit_branch_and_files_are_told() {
        let (_dir, root) = repository().await;
        let (short, full) = (head(&root).await.expect("id"), head_id(&root).await.expect("id"));
        assert!(full.starts_with(&short) && full.len() == 40);
        assert_eq!(commit_id(&root, "main").await, Some(full));
        assert_eq!(commit_id(&root, "no-such-branch").await, None);
        assert_eq!(branch(&root).as_deref(), Some("main"));
        let commits = recent_commits(&root, 5).await.expect("a list");
        assert_eq!(commits, [(head_id(&root).await.expect("id"), "a commit".to_owned())]);
        assert_eq!(tracked_files(&root, 9).await.expect("a list"), (vec!["a".into()], 1));
        assert_eq!(tracked_files(&root, 0).await.expect("a list"), (Vec::new(), 1));
    }
}
