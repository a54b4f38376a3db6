//! Questions to git. The only crate that runs it, always without prompts, pagers, locks for reading, or translated texts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// Longest time any question may take.
const TIMEOUT: Duration = Duration::from_secs(20); // Also named in GitError::Timeout.

/// Git did not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be run.
    #[error("cannot run git")]
    Run(#[source] io::Error),
    /// It took too long.
    #[error("git {0} took longer than 20 s")]
    Timeout(String),
    /// It refused; carries its words.
    #[error("git {command} failed: {message}")]
    Failed {
        /// First words of the command line.
        command: String,
        /// What git said.
        message: String,
    },
}

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
    text(root, &["rev-parse", "--short", "HEAD"]).await.ok()
}

/// Makes `path` a repository. Its first branch is called `branch`, or what the user's configuration says.
///
/// # Errors
/// When git refuses.
pub async fn init(path: &Path, branch: Option<&str>) -> Result<(), GitError> {
    let branch = branch.map(|name| format!("--initial-branch={name}"));
    let args = ["init", "--quiet"].into_iter().chain(branch.as_deref());
    text(path, &args.collect::<Vec<_>>()).await.map(drop)
}

/// Stages everything and commits it.
///
/// # Errors
/// When git refuses, also when there is nothing to commit.
pub async fn commit_all(root: &Path, message: &str, author: &str) -> Result<(), GitError> {
    text(root, &["add", "--all"]).await?;
    let email = format!("{}@localhost", author.to_lowercase());
    let (name, email) = (format!("user.name={author}"), format!("user.email={email}"));
    text(
        root,
        &["-c", &name, "-c", &email, "commit", "--quiet", "--no-verify", "--message", message],
    )
    .await
    .map(drop)
}

/// A number that changes when the commit, the index or a tracked file changes, or a file appears or goes.
///
/// # Errors
/// When git does not answer in time.
pub async fn fingerprint(root: &Path) -> Result<u64, GitError> {
    let mut hasher = DefaultHasher::new();
    let questions: [&[&str]; 3] = [
        &["rev-parse", "HEAD"],
        &["status", "--porcelain=v2", "-z", "--untracked-files=all"],
        &["diff", "--no-ext-diff", "--no-textconv", "--binary"],
    ];
    for question in questions {
        let output = run(root, question).await?;
        output.stdout.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

async fn text(root: &Path, args: &[&str]) -> Result<String, GitError> {
    let output = run(root, args).await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(GitError::Failed {
        command: args.first().copied().unwrap_or_default().to_owned(),
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

async fn run(root: &Path, args: &[&str]) -> Result<Output, GitError> {
    let output = Command::new("git")
        .args(["-c", "core.quotepath=off"])
        .args(args)
        .current_dir(root)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let Ok(output) = tokio::time::timeout(TIMEOUT, output).await else {
        return Err(GitError::Timeout(args.first().copied().unwrap_or_default().to_owned()));
    };
    output.map_err(GitError::Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fingerprint_sees_edits_and_new_files_and_nothing_else() {
        let dir = tempfile::tempdir().expect("temp dir");
        let root = dir.path();
        init(root, None).await.expect("git init");
        std::fs::write(root.join("a"), "1").expect("write");
        commit_all(root, "first", "Test").await.expect("commit");
        let first = fingerprint(root).await.expect("fingerprint");
        assert_eq!(fingerprint(root).await.expect("fingerprint"), first);
        std::fs::write(root.join("a"), "2").expect("write");
        let edited = fingerprint(root).await.expect("fingerprint");
        assert_ne!(edited, first);
        std::fs::write(root.join("b"), "").expect("write");
        assert_ne!(fingerprint(root).await.expect("fingerprint"), edited);
        assert!(head(root).await.is_some());
        assert!(branch(root).is_some());
    }

    #[test]
    fn the_root_is_found_from_below() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir_all(dir.path().join("r/.git")).expect("dirs");
        std::fs::create_dir_all(dir.path().join("r/a/b")).expect("dirs");
        assert_eq!(find_root(&dir.path().join("r/a/b")), Some(dir.path().join("r")));
        assert_eq!(branch(dir.path()), None);
    }
}
