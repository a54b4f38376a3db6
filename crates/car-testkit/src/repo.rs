//! A git repository that is gone after the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process;

/// The variables by which an outer git, for example a hook's, would redirect ours.
const OUTER_GIT: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// A temporary directory with a real repository: branch `main`, one commit, nobody's configuration.
///
/// Author and date of commits made through [`TempRepo::git`] are fixed, so commit ids repeat.
#[derive(Debug)]
pub struct TempRepo {
    path: PathBuf,
    /// Removes the directory when dropped.
    _dir: TempDir,
}

impl TempRepo {
    /// Makes a repository that holds a `README.md`.
    ///
    /// # Panics
    ///
    /// When the directory cannot be made or git fails.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default would hide the work it does")]
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("car-repo-").expect("a temporary directory");
        // Some systems reach their temporary directory through a link, and git names the target.
        let path = dir.path().canonicalize().expect("the path of the temporary directory");
        let repo = Self { path, _dir: dir };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        // For commits made by others in this repository, the code under test among them.
        repo.git(&["config", "user.name", "Test"]);
        repo.git(&["config", "user.email", "test@example.invalid"]);
        repo.git(&["config", "commit.gpgsign", "false"]);
        repo.write("README.md", "# A repository for tests\n");
        repo.git(&["add", "."]);
        repo.git(&["commit", "--quiet", "--message=Begin"]);
        repo
    }

    /// The top directory, without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file and makes the directories above it.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub fn write(&self, rel: &str, text: &str) {
        let path = self.path.join(rel);
        let written = fs::create_dir_all(path.parent().expect("a file lies in a directory"))
            .and_then(|()| fs::write(&path, text));
        written.unwrap_or_else(|error| panic!("cannot write {rel}: {error}"));
    }

    /// Reads a file.
    ///
    /// # Panics
    ///
    /// When that fails.
    #[must_use]
    pub fn read(&self, rel: &str) -> String {
        fs::read_to_string(self.path.join(rel))
            .unwrap_or_else(|error| panic!("cannot read {rel}: {error}"))
    }

    /// Runs git here and returns its standard output without the last line break.
    ///
    /// # Panics
    ///
    /// When git fails; the message holds its standard error.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(args).current_dir(&self.path);
        for name in OUTER_GIT {
            command.env_remove(name);
        }
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z");
        let finished = process::run(&mut command, "");
        assert_eq!(finished.code, Some(0), "git {args:?} failed:\n{}", finished.stderr);
        finished.stdout.trim_end().to_owned()
    }
}
