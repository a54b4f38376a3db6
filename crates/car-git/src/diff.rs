//! Differences between two commits or trees.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::GitError;
use crate::command::{Git, path};
use crate::status::last_line_end;

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Git's letter: `A`, `M`, `D`, `T`, `R`, `C`, `U`.
    pub letter: char,
    /// Its path, relative to the top of the working tree.
    pub path: PathBuf,
    /// Its path before, when it was renamed or copied.
    pub from: Option<PathBuf>,
}

/// As `git diff --name-status` writes it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t", self.letter)?;
        if let Some(from) = &self.from {
            write!(f, "{}\t", from.display())?;
        }
        write!(f, "{}", self.path.display())
    }
}

/// The files that differ from commit `from` to commit `to`, renames found; at most `max` of them.
///
/// # Errors
/// When one of them does not exist, or git gives no answer.
pub async fn name_status(
    root: &Path,
    from: &str,
    to: &str,
    max: usize,
) -> Result<Vec<Change>, GitError> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut changes = Vec::new();
    Git::read(root, "diff-tree")
        .args(["-r", "-z", "--name-status", "--find-renames"])
        .value(from)
        .value(to)
        .records(|record| {
            fields.push(record.to_vec());
            let letter = fields.first().and_then(|first| first.first()).copied().unwrap_or(b'?');
            let wanted = if matches!(letter, b'R' | b'C') { 3 } else { 2 };
            if fields.len() < wanted {
                return;
            }
            if changes.len() < max {
                let from = (wanted == 3).then(|| path(&fields[1]));
                let path = path(&fields[wanted - 1]);
                changes.push(Change { letter: char::from(letter), path, from });
            }
            fields.clear();
        })
        .await?;
    Ok(changes)
}

/// `git diff --stat` of two commits as text; at most `max` bytes, cut at a line's end.
///
/// # Errors
/// When one of them does not exist, or git gives no answer.
pub async fn stat(root: &Path, from: &str, to: &str, max: usize) -> Result<String, GitError> {
    let mut text = Vec::new();
    Git::read(root, "diff-tree")
        .args(["-r", "--stat=100", "--find-renames", "--no-ext-diff", "--no-textconv"])
        .value(from)
        .value(to)
        .pieces(|piece| text.extend_from_slice(&piece[..piece.len().min(max - text.len())]))
        .await?;
    let whole = if text.len() < max { text.len() } else { last_line_end(&text) };
    Ok(String::from_utf8_lossy(&text[..whole]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{commit, git, repository};

    #[tokio::test]
    async fn what_differs_between_two_commits_is_listed_with_renames() {
        let (_dir, root) = repository().await;
        std::fs::write(root.join("long"), "a line\n".repeat(20)).expect("write");
        commit(&root).await;
        git(&root, &["mv", "long", "renamed"]).await;
        std::fs::write(root.join("a"), "2").expect("write");
        commit(&root).await;
        let changes = name_status(&root, "HEAD~1", "HEAD", 10).await.expect("a list");
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["M\ta", "R\tlong\trenamed"]);
        assert_eq!(name_status(&root, "HEAD~1", "HEAD", 1).await.expect("a list").len(), 1);
        assert!(
            stat(&root, "HEAD~1", "HEAD", 1000).await.expect("text").contains("2 files changed")
        );
        name_status(&root, "nothing", "HEAD", 1).await.expect_err("no such commit");
    }
}
