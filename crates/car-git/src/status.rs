//! What `git status` says: branch, its distance to upstream, and every file that is not as committed.

use std::path::{Path, PathBuf};

use crate::command::{Git, path};
use crate::{Answer, GitError};

/// The state of a working tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Full id of the checked-out commit; absent before the first one.
    pub commit: Option<String>,
    /// Checked-out branch; absent when detached.
    pub branch: Option<String>,
    /// The branch it follows, such as `origin/main`.
    pub upstream: Option<String>,
    /// Commits that upstream lacks and commits only upstream has; absent without upstream, or when that is gone.
    pub ahead_behind: Option<(u64, u64)>,
    /// Every file that differs from the last commit, in git's order. Ignored ones are not in it.
    pub files: Vec<FileStatus>,
}

/// A file that is not as committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// Where it is, relative to the top of the working tree. A directory that is a repository of its own ends with a slash.
    pub path: PathBuf,
    /// Where it was, for a rename or copy that is staged.
    pub from: Option<PathBuf>,
    /// How.
    pub state: FileState,
}

/// How a file differs from the last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Tracked: git's letter for the index against the commit and for the file against the index, `.` for no difference.
    Changed {
        /// Index against commit: `M`, `T`, `A`, `D`, `R`, `C` or `.`.
        index: char,
        /// File against index.
        tree: char,
    },
    /// Tracked with several versions, in the middle of a merge.
    Conflicted,
    /// Not tracked and not ignored.
    Untracked,
}

impl FileState {
    /// Whether something is staged for the next commit.
    pub fn is_staged(self) -> bool {
        match self {
            Self::Changed { index, .. } => index != '.',
            Self::Conflicted => true,
            Self::Untracked => false,
        }
    }
}

/// How a branch stands to the one it follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Whether it follows one that exists.
    pub has_upstream: bool,
    /// Commits that upstream lacks.
    pub ahead: u64,
    /// Commits only upstream has.
    pub behind: u64,
}

/// Which untracked files a status lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untracked {
    /// None.
    None,
    /// Directories of nothing but untracked files as one entry, as people see it.
    Directories,
    /// Each file.
    All,
}

/// The state of the working tree that `root` lies in.
///
/// # Errors
/// When it is no working tree, or git gives no answer.
pub async fn status(root: &Path, untracked: Untracked) -> Result<Status, GitError> {
    status_of(Git::read(root, "status"), untracked).await
}

/// [`status`] with a call that has bounds of its own.
pub(crate) async fn status_of(call: Git, untracked: Untracked) -> Result<Status, GitError> {
    let untracked = match untracked {
        Untracked::None => "--untracked-files=no",
        Untracked::Directories => "--untracked-files=normal",
        Untracked::All => "--untracked-files=all",
    };
    let mut reader = Reader::default();
    call.args(["--porcelain=v2", "-z", "--branch", "--ahead-behind", untracked])
        .records(|record| reader.take(record))
        .await?;
    Ok(reader.status)
}

/// Whether nothing is changed and no file is untracked. A git that gives no answer counts as not clean.
pub async fn is_clean(root: &Path) -> bool {
    matches!(status(root, Untracked::Directories).await, Ok(status) if status.files.is_empty())
}

/// How the checked-out branch stands to the one it follows.
///
/// # Errors
/// When git gives no answer.
pub async fn upstream(root: &Path) -> Result<Upstream, GitError> {
    let status = status(root, Untracked::None).await?;
    Ok(status.ahead_behind.map_or_else(Upstream::default, |(ahead, behind)| Upstream {
        has_upstream: true,
        ahead,
        behind,
    }))
}

/// `git status --porcelain` as text for people and prompts; at most `max` bytes, cut at a line's end.
///
/// # Errors
/// When git gives no answer.
pub async fn porcelain(root: &Path, max: usize) -> Result<String, GitError> {
    let mut text = Vec::new();
    let call = Git::read(root, "status").args(["--porcelain"]);
    call.pieces(|piece| text.extend_from_slice(&piece[..piece.len().min(max - text.len())]))
        .await?;
    let whole = if text.len() < max { text.len() } else { last_line_end(&text) };
    Ok(String::from_utf8_lossy(&text[..whole]).into_owned())
}

/// Whether git runs and `root` is in a working tree.
pub async fn is_available(root: &Path) -> bool {
    let answer = Git::read(root, "rev-parse").args(["--is-inside-work-tree"]).answer().await;
    matches!(answer, Ok(Answer { status, stdout, .. }) if status.success() && stdout.starts_with(b"true"))
}

pub(crate) fn last_line_end(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
}

#[derive(Default)]
struct Reader {
    status: Status,
    /// The last record was a rename, whose old name comes as a record of its own.
    awaits_origin: bool,
}

impl Reader {
    fn take(&mut self, record: &[u8]) {
        if self.awaits_origin {
            self.awaits_origin = false;
            if let Some(file) = self.status.files.last_mut() {
                file.from = Some(path(record));
            }
            return;
        }
        let Some((kind, rest)) = record.split_first() else { return };
        // Fields in front of the path: `XY sub mH mI mW hH hI`, with a rename's score or a conflict's third version.
        match kind {
            b'#' => self.header(&String::from_utf8_lossy(rest)),
            b'1' => self.tracked(rest, 7),
            b'2' => {
                self.tracked(rest, 8);
                self.awaits_origin = true;
            }
            b'u' => self.file(field(rest, 9), FileState::Conflicted),
            b'?' => self.file(rest.get(1..), FileState::Untracked),
            _ => {}
        }
    }

    fn header(&mut self, text: &str) {
        let mut words = text.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let value = words.next().map(str::to_owned);
        match name {
            "branch.oid" => self.status.commit = value.filter(|id| id != "(initial)"),
            "branch.head" => self.status.branch = value.filter(|name| name != "(detached)"),
            "branch.upstream" => self.status.upstream = value,
            "branch.ab" => {
                let number = |word: Option<&str>| word?.get(1..)?.parse().ok();
                self.status.ahead_behind = number(value.as_deref()).zip(number(words.next()));
            }
            _ => {}
        }
    }

    fn tracked(&mut self, rest: &[u8], n_fields: usize) {
        let letter = |at: usize| rest.get(at).map_or('.', |byte| char::from(*byte));
        let state = FileState::Changed { index: letter(1), tree: letter(2) };
        self.file(field(rest, n_fields), state);
    }

    fn file(&mut self, name: Option<&[u8]>, state: FileState) {
        if let Some(name) = name {
            self.status.files.push(FileStatus { path: path(name), from: None, state });
        }
    }
}

/// What follows `n` fields, each led in by a space.
fn field(rest: &[u8], n: usize) -> Option<&[u8]> {
    rest.splitn(n + 2, |byte| *byte == b' ').nth(n + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{commit, git, repository};

    #[tokio::test]
    async fn every_kind_of_difference_is_told_with_odd_names() {
        let (_dir, root) = repository().await;
        for name in ["gone", "old name", "both"] {
            std::fs::write(root.join(name), format!("the text of {name}\n")).expect("write");
        }
        commit(&root).await;
        std::fs::write(root.join("a"), "changed").expect("write");
        std::fs::remove_file(root.join("gone")).expect("remove");
        git(&root, &["mv", "old name", "new\nnäme"]).await;
        std::fs::write(root.join("both"), "staged").expect("write");
        git(&root, &["add", "both"]).await;
        std::fs::write(root.join("both"), "and changed").expect("write");
        std::fs::create_dir(root.join("dir")).expect("dir");
        std::fs::write(root.join("dir/-new file"), "").expect("write");
        let status = status(&root, Untracked::All).await.expect("status");
        let file = |name: &str, index, tree| FileStatus {
            path: name.into(),
            from: None,
            state: FileState::Changed { index, tree },
        };
        let expected = vec![
            file("a", '.', 'M'),
            file("both", 'M', 'M'),
            file("gone", '.', 'D'),
            FileStatus { from: Some("old name".into()), ..file("new\nnäme", 'R', '.') },
            FileStatus { path: "dir/-new file".into(), from: None, state: FileState::Untracked },
        ];
        assert_eq!(status.files, expected);
        assert_eq!(status.branch.as_deref(), Some("main"));
        assert!(!is_clean(&root).await);
    }

    #[tokio::test]
    async fn a_branch_knows_how_far_it_is_from_its_upstream() {
        let (_dir, root) = repository().await;
        assert_eq!(upstream(&root).await.expect("upstream"), Upstream::default());
        git(&root, &["branch", "base"]).await;
        git(&root, &["branch", "--set-upstream-to=base"]).await;
        std::fs::write(root.join("b"), "").expect("write");
        commit(&root).await;
        let expected = Upstream { has_upstream: true, ahead: 1, behind: 0 };
        assert_eq!(upstream(&root).await.expect("upstream"), expected);
        git(&root, &["branch", "--delete", "--force", "base"]).await;
        assert_eq!(upstream(&root).await.expect("upstream"), Upstream::default());
    }

    #[tokio::test]
    async fn a_conflicted_file_is_told_as_one() {
        let (_dir, root) = repository().await;
        git(&root, &["checkout", "--quiet", "-b", "other"]).await;
        std::fs::write(root.join("a"), "theirs").expect("write");
        commit(&root).await;
        git(&root, &["checkout", "--quiet", "main"]).await;
        std::fs::write(root.join("a"), "ours").expect("write");
        commit(&root).await;
        Git::write(&root, "merge").args(["other"]).text().await.expect_err("a conflict");
        let status = status(&root, Untracked::All).await.expect("status");
        let expected = [FileStatus { path: "a".into(), from: None, state: FileState::Conflicted }];
        assert_eq!(status.files, expected);
    }

    #[tokio::test]
    async fn a_repository_without_commit_and_a_detached_head_have_a_status() {
        let dir = tempfile::tempdir().expect("temp dir");
        crate::init(dir.path(), Some("main")).await.expect("git init");
        let fresh = status(dir.path(), Untracked::All).await.expect("status");
        assert_eq!((fresh.commit, fresh.branch.as_deref()), (None, Some("main")));
        assert!(is_clean(dir.path()).await);
        let (_dir, root) = repository().await;
        git(&root, &["checkout", "--quiet", "--detach"]).await;
        assert_eq!(status(&root, Untracked::None).await.expect("status").branch, None);
    }
}
