//! Cloning, with progress.

use std::path::Path;
use std::time::Duration;

use crate::remote::without_questions;
use crate::{Git, GitError};

/// Longest line of progress that is looked at, in bytes.
const MAX_LINE: usize = 4096;
/// Most of git's own words about a failure that are kept, in bytes; the last ones say why.
const MAX_MESSAGE: usize = 16 << 10;

/// How far a clone is, in one of its phases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloneProgress {
    /// The phase in git's words, such as `Receiving objects`.
    pub phase: String,
    /// Objects done.
    pub done: u64,
    /// Objects in all.
    pub total: u64,
}

/// Clones `url` into `target`, which is not there yet. Nobody is asked for a name or password.
///
/// A dropped or failed call may leave a part of the clone behind; the caller gives it a directory that is thrown away.
///
/// # Errors
/// When git fails, with its words but without credentials from the address; or when it takes longer than `timeout`.
pub async fn clone(
    url: &str,
    target: &Path,
    timeout: Duration,
    progress: &mut (dyn FnMut(CloneProgress) + Send),
) -> Result<(), GitError> {
    let dir = target.parent().unwrap_or(Path::new("/"));
    let git = Git::write(dir, "clone")
        .config("http.lowSpeedLimit=100")
        .config("http.lowSpeedTime=60")
        .args(["--progress", "--"])
        .value(url)
        .args([target])
        .timeout(timeout);
    let git = without_questions(git, dir).await;
    let (mut line, mut message) = (Vec::new(), Vec::new());
    let mut hear = |piece: &[u8]| {
        for byte in piece {
            if !matches!(byte, b'\r' | b'\n') {
                if line.len() < MAX_LINE {
                    line.push(*byte);
                }
                continue;
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            line.clear();
            match parse(&text) {
                Some(step) => progress(step),
                None => {
                    message.extend_from_slice(text.as_bytes());
                    message.push(b'\n');
                    let excess = message.len().saturating_sub(MAX_MESSAGE);
                    message.drain(..excess);
                }
            }
        }
    };
    let status = git.run(&mut |_| {}, &mut hear).await?;
    if status.success() {
        return Ok(());
    }
    message.extend_from_slice(&line);
    let message = String::from_utf8_lossy(&message);
    let message: Vec<&str> =
        message.lines().filter(|line| !line.starts_with("Cloning into")).collect();
    let message = without_credentials(url, message.join("\n").trim());
    Err(GitError::Failed { command: "clone".to_owned(), code: status.code(), message })
}

/// `Receiving objects:  45% (450/1000), 1.2 MiB | 1 MiB/s`, also with `remote: ` in front.
fn parse(line: &str) -> Option<CloneProgress> {
    let (phase, rest) = line.trim_start_matches("remote: ").split_once(':')?;
    let (_, numbers) = rest.split_once("% (")?;
    let (done, rest) = numbers.split_once('/')?;
    let (total, _) = rest.split_once(')')?;
    let (done, total) = (done.parse().ok()?, total.parse().ok()?);
    Some(CloneProgress { phase: phase.trim().to_owned(), done, total })
}

/// `text` without the name and password that stand in `url`.
fn without_credentials(url: &str, text: &str) -> String {
    let user = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'));
    match user {
        Some((user, _)) if !user.is_empty() => {
            let text = text.replace(&format!("{user}@"), "");
            match user.split_once(':') {
                Some((_, password)) if !password.is_empty() => text.replace(password, "…"),
                _ => text,
            }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::repository;

    #[test]
    fn progress_is_understood() {
        let line = "Receiving objects:  45% (450/1000), 1.20 MiB | 1.00 MiB/s";
        let phase = "Receiving objects".to_owned();
        assert_eq!(parse(line), Some(CloneProgress { phase, done: 450, total: 1000 }));
        assert_eq!(parse("remote: Counting objects: 100% (3/3), done.").expect("yes").total, 3);
        assert_eq!(parse("fatal: no"), None);
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let text =
            without_credentials("https://me:s3cret@h/x", "no 'https://me:s3cret@h/x' s3cret");
        assert_eq!(text, "no 'https://h/x' …");
    }

    #[tokio::test]
    async fn a_local_repository_is_cloned_and_an_option_is_none() {
        let (_dir, root) = repository().await;
        let to = tempfile::tempdir().expect("temp dir");
        let url = format!("file://{}", root.display());
        let mut n_steps = 0;
        let limit = Duration::from_secs(60);
        clone(&url, &to.path().join("x"), limit, &mut |_| n_steps += 1).await.expect("cloned");
        assert!(to.path().join("x/a").exists() && n_steps > 0);
        for bad in ["--upload-pack=touch /tmp/x", "-x", ""] {
            let error = clone(bad, &to.path().join("y"), limit, &mut |_| {}).await;
            assert!(matches!(error, Err(GitError::Refused { .. })), "{bad}");
        }
        let gone = clone("/no/such/repository", &to.path().join("y"), limit, &mut |_| {}).await;
        assert!(gone.expect_err("missing").to_string().contains("does not exist"));
    }
}
