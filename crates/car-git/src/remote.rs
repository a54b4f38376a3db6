//! Talking to remotes: never a question for a name or password, whoever would ask it.

use std::path::Path;

use crate::{Git, GitError};

/// How long a push may take.
const PUSH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);

/// `git`, without a way to ask anybody anything. Stored credentials and keys work as always.
pub(crate) async fn without_questions(git: Git, dir: &Path) -> Git {
    let git = git
        .config("credential.interactive=false")
        .config("core.askPass=true")
        .env("GIT_ASKPASS", "true")
        .env("SSH_ASKPASS", "true")
        .env("SSH_ASKPASS_REQUIRE", "never");
    // A program in GIT_SSH takes no options we could rely on; with a terminal closed to it, it cannot ask either.
    if std::env::var_os("GIT_SSH").is_some() && std::env::var_os("GIT_SSH_COMMAND").is_none() {
        return git;
    }
    let own = std::env::var("GIT_SSH_COMMAND").ok();
    let own = match own {
        Some(command) => command,
        None => {
            let set = Git::read(dir, "config").args(["--get", "core.sshCommand"]).text().await;
            set.ok().filter(|command| !command.is_empty()).unwrap_or_else(|| "ssh".to_owned())
        }
    };
    git.env("GIT_SSH_COMMAND", format!("{own} -o BatchMode=yes -o ConnectTimeout=30"))
}

/// Names of the remotes.
///
/// # Errors
/// When git gives no answer.
pub async fn remotes(root: &Path) -> Result<Vec<String>, GitError> {
    let text = Git::read(root, "remote").text().await?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The remote a branch follows, else `origin`.
pub async fn remote_of(root: &Path, branch: &str) -> String {
    let key = format!("branch.{branch}.remote");
    let set = Git::read(root, "config").args(["--get"]).value(key).text().await.ok();
    set.filter(|name| !name.is_empty() && name != ".").unwrap_or_else(|| "origin".to_owned())
}

/// Deletes a branch on a remote.
///
/// # Errors
/// When it cannot be reached or refuses.
pub async fn delete_remote_branch(root: &Path, remote: &str, branch: &str) -> Result<(), GitError> {
    let git = Git::write(root, "push").args(["--quiet", "--delete"]).value(remote);
    let git = git.value(format!("refs/heads/{branch}")).timeout(PUSH_TIMEOUT);
    without_questions(git, root).await.done().await
}

/// Commits of all branches and the checked-out commit that no remote has.
///
/// # Errors
/// When git gives no answer.
pub async fn unpushed(root: &Path) -> Result<u64, GitError> {
    let head = crate::head_id(root).await;
    count(
        Git::read(root, "rev-list")
            .args(["--count", "--branches"])
            .args(head)
            .args(["--not", "--remotes"]),
    )
    .await
}

/// Commits that only `branch` (or, without one, the checked-out commit) has: no other branch, no remote.
///
/// # Errors
/// When git gives no answer.
pub async fn only_on(root: &Path, branch: Option<&str>) -> Result<u64, GitError> {
    let tip = branch.map_or_else(|| "HEAD".to_owned(), |branch| format!("refs/heads/{branch}"));
    if crate::commit_id(root, &tip).await.is_none() {
        return Ok(0);
    }
    let others = branch.map(|branch| format!("--exclude={branch}"));
    count(
        Git::read(root, "rev-list")
            .args(["--count"])
            .value(tip)
            .args(["--not", "--remotes"])
            .args(others)
            .args(["--branches"]),
    )
    .await
}

async fn count(git: Git) -> Result<u64, GitError> {
    let answer = git.text().await?;
    answer
        .trim()
        .parse()
        .map_err(|_| GitError::Unexpected { command: "rev-list".to_owned(), answer })
}
