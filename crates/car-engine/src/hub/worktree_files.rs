//! What git does not put into a new worktree: ignored files such as `.env`, and the result of a setup command.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use car_agent::Program;
use serde::Serialize;

use crate::Repo;
use crate::files::write_atomic;
use crate::served::blocking;

/// Files that are copied at most; patterns are meant for settings, not for `node_modules`.
const MAX_FILES: usize = 1000;
/// Bytes that are copied at most.
const MAX_BYTES: u64 = 256 << 20;
/// Of the setup command's output, bytes kept of each stream.
const MAX_OUTPUT: usize = 4 << 20;

/// Files that were copied.
#[derive(Clone, Debug, Default)]
pub(super) struct Copied {
    pub(super) files: Vec<String>,
    pub(super) problems: Vec<String>,
}

/// How a setup command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SetupEnd {
    /// Whether it ended with exit code 0.
    pub ok: bool,
    /// Its exit code; absent when it did not end by itself.
    pub exit_code: Option<i32>,
    /// Where its output is.
    pub log: String,
    /// What went wrong, as a sentence.
    pub problem: Option<String>,
}

/// Copies what matches `patterns` in `base` and is not tracked there. What is in the worktree already stays.
pub(super) async fn copy(base: &Path, target: &Path, patterns: &[String]) -> Copied {
    let found = match car_git::untracked_matching(base, patterns, MAX_FILES).await {
        Ok(found) => found,
        Err(error) => {
            let problem = format!("the files of worktrees.copy are not copied: {error}");
            return Copied { files: Vec::new(), problems: vec![problem] };
        }
    };
    let (base, target) = (base.to_path_buf(), target.to_path_buf());
    let copied = blocking(move || {
        let (mut copied, mut left) = (Copied::default(), MAX_BYTES);
        for file in found {
            let name = file.to_string_lossy().into_owned();
            match copy_one(&base, &target, &file, &mut left) {
                Ok(true) => copied.files.push(name),
                Ok(false) => {}
                Err(error) => copied.problems.push(format!("{name} is not copied: {error}")),
            }
        }
        Ok(copied)
    })
    .await;
    copied.unwrap_or_else(|error| Copied { files: Vec::new(), problems: vec![error.to_string()] })
}

fn copy_one(base: &Path, target: &Path, file: &Path, left: &mut u64) -> io::Result<bool> {
    let (from, to) = (base.join(file), target.join(file));
    let meta = from.symlink_metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    if to.symlink_metadata().is_ok() {
        return Ok(false);
    }
    *left = left.checked_sub(meta.len()).ok_or_else(|| io::Error::other("it is too large"))?;
    if let Some(dir) = to.parent() {
        // A link in the repository must not lead the copy out of the worktree.
        let there = dir.ancestors().find(|dir| dir.exists()).unwrap_or(target);
        if !fs::canonicalize(there)?.starts_with(fs::canonicalize(target)?) {
            return Err(io::Error::other("a link on its path leads out of the worktree"));
        }
        fs::create_dir_all(dir)?;
    }
    fs::copy(from, to).map(|_| true)
}

/// Runs the setup command in the worktree with the worktree's own environment. Its output stays in a log.
pub(super) async fn set_up(worktree: &Repo, command: &str, timeout_seconds: u64) -> SetupEnd {
    let log = worktree.car_dir().join("worktree-setup.log");
    let mut program = Program::new("sh", worktree.root()).args(["-c", command]);
    program.env = worktree.env().for_child();
    program.env_remove = worktree.env().withheld_from_child();
    program.timeout = Duration::from_secs(timeout_seconds);
    program.max_output = MAX_OUTPUT;
    let (text, exit_code, problem) = match program.run().await {
        Ok(finished) => {
            let cut = if finished.is_cut { "\n[the rest was dropped]\n" } else { "" };
            let text = format!("{}{}{cut}", finished.stdout, finished.stderr);
            let problem = (!finished.is_success()).then(|| {
                let code = finished
                    .code
                    .map_or_else(|| "a signal".to_owned(), |it| format!("exit code {it}"));
                format!("the setup command ended with {code}; see {}", log.display())
            });
            (text, finished.code, problem)
        }
        Err(error) => {
            (format!("{error}\n"), None, Some(format!("the setup command failed: {error}")))
        }
    };
    let text = format!("$ {command}\n{text}");
    let written = write_atomic(&log, text.as_bytes());
    let problem =
        problem.or_else(|| Some(format!("its log cannot be written: {}", written.err()?)));
    SetupEnd {
        ok: exit_code == Some(0),
        exit_code,
        log: log.to_string_lossy().into_owned(),
        problem,
    }
}
