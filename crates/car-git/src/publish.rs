//! What publishing a branch takes: which remote, what would go there, committing named files, pushing, taking in what others
//! pushed.
//!
//! All of it happens in the user's name, so hooks and signing are the user's. Nothing is ever forced.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Git, GitError};

/// Longest time of a commit, whose hooks may run every test there is.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Longest time of a push or a fetch.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Variables for git's children, such as hooks and credential helpers.
pub type Variables<'a> = &'a [(OsString, OsString)];

/// How a push ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// The remote has the branch as it is here.
    Done,
    /// The remote's branch has commits that this one lacks.
    Behind,
}

/// Top of the working tree that `root` lies in.
///
/// # Errors
/// When it is in none, or git gives no answer.
pub async fn top(root: &Path) -> Result<PathBuf, GitError> {
    let bytes = Git::read(root, "rev-parse").args(["--show-toplevel"]).bytes().await?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(PathBuf::from(OsString::from_vec(line.to_vec())))
}

/// The remote `branch` is pushed to: the one configured for it, else `origin`, else the only one.
///
/// # Errors
/// When git gives no answer.
pub async fn push_remote(root: &Path, branch: &str) -> Result<Option<String>, GitError> {
    let text = Git::read(root, "remote").text().await?;
    let remotes: Vec<&str> = text.lines().filter(|name| !name.is_empty()).collect();
    let keys = [
        format!("branch.{branch}.pushRemote"),
        "remote.pushDefault".to_owned(),
        format!("branch.{branch}.remote"),
    ];
    for key in keys {
        let set = Git::read(root, "config").args(["--get"]).value(&key).text().await;
        // A branch that follows another one here has the remote `.`, which is none.
        if let Some(set) = set.ok().filter(|set| remotes.contains(&set.as_str())) {
            return Ok(Some(set));
        }
    }
    let only = || remotes.first().filter(|_| remotes.len() == 1);
    let found = remotes.iter().find(|name| **name == "origin").or_else(only);
    Ok(found.map(|name| (*name).to_owned()))
}

/// Commits only `left` has and commits only `right` has.
///
/// # Errors
/// When one of them does not exist, or git gives no answer.
pub async fn distance(root: &Path, left: &str, right: &str) -> Result<(u64, u64), GitError> {
    let text = Git::read(root, "rev-list")
        .args(["--left-right", "--count"])
        .value(format!("{left}...{right}"))
        .text()
        .await?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(left)), Some(Ok(right))) => Ok((left, right)),
        _ => Err(GitError::Unexpected { command: "rev-list".to_owned(), answer: text }),
    }
}

/// Subjects of the commits `to` has and `from` lacks, newest first; at most `max`.
///
/// # Errors
/// When one of them does not exist, or git gives no answer.
pub async fn subjects(
    root: &Path,
    from: &str,
    to: &str,
    max: usize,
) -> Result<Vec<String>, GitError> {
    let text = Git::read(root, "log")
        .args(["--format=%s".to_owned(), format!("--max-count={max}")])
        .value(format!("{from}..{to}"))
        .args(["--"])
        .text()
        .await?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Commits the files at `paths` (relative to `top`) as they are, with the message, and with whatever is staged already.
/// Returns the commit's full id.
///
/// # Errors
/// When git or one of the user's hooks refuses.
pub async fn commit_files<P: AsRef<Path>>(
    top: &Path,
    paths: &[P],
    message: &str,
    env: Variables<'_>,
) -> Result<String, GitError> {
    let mut list = Vec::new();
    for path in paths {
        list.extend_from_slice(path.as_ref().as_os_str().as_bytes());
        list.push(0);
    }
    if !list.is_empty() {
        Git::for_user(top, "add")
            .args(["--all", "--pathspec-from-file=-", "--pathspec-file-nul"])
            .env("GIT_LITERAL_PATHSPECS", "1")
            .input(list)
            .timeout(COMMIT_TIMEOUT)
            .done()
            .await?;
    }
    with(Git::for_user(top, "commit"), env)
        .args(["--quiet", "--cleanup=whitespace", "--file=-"])
        .input(format!("{message}\n").into_bytes())
        .timeout(COMMIT_TIMEOUT)
        .done()
        .await?;
    Git::read(top, "rev-parse").args(["--verify", "HEAD"]).text().await
}

/// Pushes `branch` to the branch of the same name at `remote`, which it follows from then on.
///
/// # Errors
/// When the remote or one of the user's hooks refuses for another reason than [`Push::Behind`].
pub async fn push(
    root: &Path,
    remote: &str,
    branch: &str,
    env: Variables<'_>,
) -> Result<Push, GitError> {
    let pushed = network(Git::for_user(root, "push"), env)
        .args(["--set-upstream"])
        .value(remote)
        .value(format!("refs/heads/{branch}:refs/heads/{branch}"))
        .done()
        .await;
    match pushed {
        Ok(()) => Ok(Push::Done),
        Err(GitError::Failed { message, .. })
            if message.contains("(fetch first)") || message.contains("(non-fast-forward)") =>
        {
            Ok(Push::Behind)
        }
        Err(error) => Err(error),
    }
}

/// Puts the commits of the checked-out branch on top of what `remote` has of `branch`. When that conflicts, everything is as
/// it was before.
///
/// # Errors
/// When the remote does not answer, or the commits conflict.
pub async fn rebase_on_remote(
    root: &Path,
    remote: &str,
    branch: &str,
    env: Variables<'_>,
) -> Result<(), GitError> {
    network(Git::for_user(root, "fetch"), env)
        .args(["--quiet", "--no-tags"])
        .value(remote)
        .value(format!("refs/heads/{branch}"))
        .done()
        .await?;
    let rebased = with(Git::for_user(root, "rebase"), env)
        .args(["--quiet", "FETCH_HEAD"])
        .timeout(COMMIT_TIMEOUT)
        .done()
        .await;
    if let Err(error) = rebased {
        Git::for_user(root, "rebase").args(["--abort"]).done().await?;
        return Err(error);
    }
    Ok(())
}

/// Whether every commit of `older` is in `newer`.
pub async fn is_ancestor(root: &Path, older: &str, newer: &str) -> bool {
    let asked = Git::read(root, "merge-base").args(["--is-ancestor"]).value(older).value(newer);
    asked.done().await.is_ok()
}

fn with(git: Git, env: Variables<'_>) -> Git {
    env.iter().fold(git, |git, (name, value)| git.env(name, value))
}

/// A call that talks to a remote and must not ask for a password.
fn network(git: Git, env: Variables<'_>) -> Git {
    let is_set = |name: &str| {
        std::env::var_os(name).is_some() || env.iter().any(|(set, _)| set.as_os_str() == name)
    };
    let mut git = with(git, env).timeout(NETWORK_TIMEOUT).env("GIT_TERMINAL_PROMPT", "0");
    if !is_set("GIT_SSH_COMMAND") && !is_set("GIT_SSH") {
        git = git.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
    }
    git
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{git, repository};

    /// A repository on the branch `work` with one commit that `main` lacks, and its remote.
    async fn published() -> (tempfile::TempDir, tempfile::TempDir, PathBuf) {
        let (dir, root) = repository().await;
        let remote = tempfile::tempdir().expect("temp dir");
        crate::init(remote.path(), Some("main")).await.expect("git init");
        Git::for_user(remote.path(), "config")
            .args(["core.bare", "true"])
            .done()
            .await
            .expect("bare");
        let url = remote.path().join(".git");
        Git::for_user(&root, "remote")
            .args(["add", "origin"])
            .args([url.as_os_str()])
            .done()
            .await
            .expect("remote");
        git(&root, &["push", "--quiet", "origin", "main"]).await;
        git(&root, &["switch", "--quiet", "--create", "work"]).await;
        std::fs::write(root.join("b"), "1").expect("write");
        commit_files(&root, &["b"], "Add b", &[]).await.expect("commit");
        (dir, remote, root)
    }

    #[tokio::test]
    async fn exactly_the_named_files_are_committed_whatever_their_names() {
        let (_dir, root) = repository().await;
        for name in ["-x", "*", "left", "ünd\nso"] {
            std::fs::write(root.join(name), "1").expect("write");
        }
        std::fs::remove_file(root.join("a")).expect("remove");
        let id = commit_files(&root, &["-x", "*", "ünd\nso", "a"], "--all\n\n#5 is kept", &[]);
        let id = id.await.expect("committed");
        assert_eq!(crate::head_id(&root).await, Some(id));
        let left = crate::status(&root, crate::Untracked::All).await.expect("status").files;
        assert_eq!(
            left.iter().map(|file| file.path.clone()).collect::<Vec<_>>(),
            [Path::new("left")]
        );
        assert_eq!(git(&root, &["log", "-1", "--format=%B"]).await.trim(), "--all\n\n#5 is kept");
    }

    #[tokio::test]
    async fn a_push_takes_in_what_others_pushed_and_forces_nothing() {
        let (_dir, remote, root) = published().await;
        assert_eq!(push_remote(&root, "work").await.expect("asked").as_deref(), Some("origin"));
        assert_eq!(distance(&root, "HEAD", "origin/main").await.expect("told"), (1, 0));
        assert_eq!(subjects(&root, "origin/main", "HEAD", 9).await.expect("told"), ["Add b"]);
        assert_eq!(push(&root, "origin", "work", &[]).await.expect("pushed"), Push::Done);

        let other = remote.path().join("other");
        let url = remote.path().join(".git");
        Git::for_user(remote.path(), "clone")
            .args(["--quiet", "--branch=work"])
            .args([url.as_os_str(), other.as_os_str()])
            .done()
            .await
            .expect("clone");
        for (name, value) in [("user.name", "Other"), ("user.email", "other@localhost")] {
            git(&other, &["config", name, value]).await;
        }
        std::fs::write(other.join("c"), "1").expect("write");
        commit_files(&other, &["c"], "Add c", &[]).await.expect("commit");
        push(&other, "origin", "work", &[]).await.expect("pushed");

        std::fs::write(root.join("d"), "1").expect("write");
        commit_files(&root, &["d"], "Add d", &[]).await.expect("commit");
        assert_eq!(push(&root, "origin", "work", &[]).await.expect("refused"), Push::Behind);
        rebase_on_remote(&root, "origin", "work", &[]).await.expect("no conflict");
        assert_eq!(push(&root, "origin", "work", &[]).await.expect("pushed"), Push::Done);
        assert_eq!(
            subjects(&root, "origin/main", "HEAD", 9).await.expect("told"),
            ["Add d", "Add c", "Add b"]
        );
    }

    #[tokio::test]
    async fn a_rebase_that_conflicts_leaves_everything_as_it_was() {
        let (_dir, _remote, root) = published().await;
        push(&root, "origin", "work", &[]).await.expect("pushed");
        git(&root, &["reset", "--quiet", "--hard", "HEAD~1"]).await;
        std::fs::write(root.join("b"), "another").expect("write");
        let mine = commit_files(&root, &["b"], "Add another b", &[]).await.expect("commit");
        assert!(rebase_on_remote(&root, "origin", "work", &[]).await.is_err());
        assert_eq!(crate::head_id(&root).await, Some(mine));
        assert_eq!(crate::branch(&root).as_deref(), Some("work"));
        assert!(crate::is_clean(&root).await);
    }
}
