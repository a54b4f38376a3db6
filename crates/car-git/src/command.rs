//! One call of git.
//!
//! Git never asks, pages, translates or obeys the caller's own repository. In a call of ours no hook of the repository runs.
//! Time and memory are bounded, and nothing from outside is taken for an option. A dropped call ends git with its children.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::GitError;

/// Longest time of a call that says nothing else.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most of an answer that is taken as a whole, in bytes. Longer ones are read piece by piece.
const MAX_OUTPUT: usize = 8 << 20;
/// Most of git's own words about a failure that are kept, in bytes.
const MAX_MESSAGE: usize = 64 << 10;
/// How long the pipes of a git that has ended are listened to; a hook's background process may hold them for ever.
const AFTER_END: Duration = Duration::from_secs(2);
/// Longest record of a list, in bytes. Far above the longest path of any system.
const MAX_RECORD: usize = 1 << 20;

/// Variables by which an outer git, for example a hook's, would redirect ours.
const OUTER_GIT: [&str; 15] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// A call of git that is being put together.
#[derive(Clone, Debug)]
pub struct Git {
    dir: PathBuf,
    command: &'static str,
    /// `-c` settings.
    config: Vec<OsString>,
    args: Vec<OsString>,
    paths: Option<Vec<OsString>>,
    env: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    timeout: Duration,
    max_output: usize,
    /// The first argument that may not be passed on.
    refused: Option<String>,
}

/// What git answered, whatever its exit code.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// The beginning of standard error.
    pub stderr: String,
}

impl Git {
    /// A question: takes no lock, runs no hook, changes nothing.
    pub fn read(dir: &Path, command: &'static str) -> Self {
        Self::write(dir, command).env("GIT_OPTIONAL_LOCKS", "0")
    }

    /// A change of ours: the repository's hooks and file system monitor do not run.
    pub fn write(dir: &Path, command: &'static str) -> Self {
        Self::for_user(dir, command)
            .config("core.hooksPath=/dev/null")
            .config("core.fsmonitor=false")
    }

    /// A change in the user's name: hooks and signing as the user has set them up.
    pub fn for_user(dir: &Path, command: &'static str) -> Self {
        Self {
            dir: dir.to_path_buf(),
            command,
            config: vec!["core.quotepath=off".into()],
            args: Vec::new(),
            paths: None,
            env: Vec::new(),
            input: Vec::new(),
            timeout: TIMEOUT,
            max_output: MAX_OUTPUT,
            refused: None,
        }
    }

    /// Adds a setting for this call, `name=value`.
    #[must_use]
    pub fn config(mut self, setting: impl Into<OsString>) -> Self {
        self.config.push(setting.into());
        self
    }

    /// Adds arguments that we wrote ourselves.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a name that comes from outside (a branch, a URL, a commit). One that git would take for an option is refused.
    #[must_use]
    pub fn value(mut self, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        if value.is_empty() || value.as_bytes().starts_with(b"-") || value.as_bytes().contains(&0) {
            self.refused.get_or_insert_with(|| value.to_string_lossy().into_owned());
        }
        self.args.push(value.to_os_string());
        self
    }

    /// Adds paths behind `--`. They are taken literally, never as patterns.
    #[must_use]
    pub fn paths<P: AsRef<OsStr>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        let paths = paths.into_iter().map(|path| path.as_ref().to_os_string());
        self.paths.get_or_insert_default().extend(paths);
        self
    }

    /// Sets a variable of git's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets what git reads on standard input; nothing otherwise.
    #[must_use]
    pub fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = bytes;
        self
    }

    /// Sets the longest time the call may take; 30 seconds otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the longest answer that is taken as a whole, in bytes; 8 MiB otherwise.
    #[must_use]
    pub fn max_output(mut self, bytes: usize) -> Self {
        self.max_output = bytes;
        self
    }

    /// Runs it and returns what it said, also when it failed.
    ///
    /// # Errors
    /// When there is no git, it takes too long, or its answer is too long.
    pub async fn answer(self) -> Result<Answer, GitError> {
        let (max, command) = (self.max_output, self.command);
        let (mut stdout, mut n_bytes, mut stderr) = (Vec::new(), 0, Vec::new());
        let mut keep = |piece: &[u8]| {
            n_bytes += piece.len();
            stdout.extend_from_slice(&piece[..piece.len().min(max - stdout.len())]);
        };
        let status = self.run(&mut keep, &mut |piece| keep_message(&mut stderr, piece)).await?;
        if n_bytes > max {
            return Err(GitError::TooMuch { command: command.to_owned(), max });
        }
        let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
        Ok(Answer { status, stdout, stderr })
    }

    /// Runs it and returns the bytes of its answer.
    ///
    /// # Errors
    /// When it fails, with git's own words.
    pub async fn bytes(self) -> Result<Vec<u8>, GitError> {
        let command = self.command;
        let answer = self.answer().await?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        Err(failed(command, answer.status, &answer.stderr, &answer.stdout))
    }

    /// Runs it and returns its answer as text without the last line break.
    ///
    /// # Errors
    /// When it fails, with git's own words.
    pub async fn text(self) -> Result<String, GitError> {
        let bytes = self.bytes().await?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    /// Runs it for its effect.
    ///
    /// # Errors
    /// When it fails, with git's own words.
    pub async fn done(self) -> Result<(), GitError> {
        self.bytes().await.map(drop)
    }

    /// Runs it and hands on its answer piece by piece, whatever its length.
    ///
    /// # Errors
    /// When it fails, with git's own words; what it had said by then was handed on.
    pub async fn pieces(self, mut sink: impl FnMut(&[u8]) + Send) -> Result<(), GitError> {
        let command = self.command;
        let mut stderr = Vec::new();
        let status = self.run(&mut sink, &mut |piece| keep_message(&mut stderr, piece)).await?;
        let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
        if status.success() { Ok(()) } else { Err(failed(command, status, &stderr, &[])) }
    }

    /// Runs it and hands on its answer record by record; each ends with a zero byte, which is not part of it.
    ///
    /// # Errors
    /// When it fails, with git's own words.
    pub async fn records(self, mut sink: impl FnMut(&[u8]) + Send) -> Result<(), GitError> {
        let mut rest: Vec<u8> = Vec::new();
        self.pieces(|piece| {
            let mut parts = piece.split(|byte| *byte == 0);
            let Some(first) = parts.next() else { return };
            let room = MAX_RECORD.saturating_sub(rest.len());
            rest.extend_from_slice(&first[..first.len().min(room)]);
            for part in parts {
                sink(&rest);
                rest.clear();
                rest.extend_from_slice(&part[..part.len().min(MAX_RECORD)]);
            }
        })
        .await
    }

    /// Runs it and hands on both of its streams as they come, for commands that report progress on standard error.
    ///
    /// # Errors
    /// When there is no git, an argument is refused, or it takes too long. That it failed shows in the exit status.
    pub async fn run(
        self,
        stdout: &mut (dyn FnMut(&[u8]) + Send),
        stderr: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<ExitStatus, GitError> {
        if let Some(argument) = self.refused {
            return Err(GitError::Refused { command: self.command.to_owned(), argument });
        }
        let mut child = self.prepared().spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if self.dir.is_dir() => GitError::Missing,
            _ => GitError::Run(error),
        })?;
        let mut group = Group(child.id());
        let ended =
            tokio::time::timeout(self.timeout, attend(&mut child, self.input, stdout, stderr));
        let Ok(status) = ended.await else {
            let command = self.command.to_owned();
            return Err(GitError::Timeout { command, limit: self.timeout });
        };
        group.0 = None; // What a hook left running is the user's.
        status.map_err(GitError::Run)
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new("git");
        for setting in &self.config {
            command.arg("-c").arg(setting);
        }
        if self.paths.is_some() {
            command.arg("--literal-pathspecs");
        }
        command.arg(self.command).args(&self.args);
        if let Some(paths) = &self.paths {
            command.arg("--").args(paths);
        }
        for name in OUTER_GIT {
            command.env_remove(name);
        }
        command
            .current_dir(&self.dir)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("LC_ALL", "C")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(if self.input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
}

/// A path as git writes it: bytes, not text.
pub(crate) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// Ends git and what it started when a call is given up.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(|pid| i32::try_from(pid).ok()) {
            // An empty group is no error: it ended by itself.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

async fn attend(
    child: &mut Child,
    input: Vec<u8>,
    stdout: &mut (dyn FnMut(&[u8]) + Send),
    stderr: &mut (dyn FnMut(&[u8]) + Send),
) -> io::Result<ExitStatus> {
    let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A git that does not want all of it says why on standard error.
            let _ = stdin.write_all(&input).await;
        }
        Ok(())
    };
    let streams = async { tokio::try_join!(write, hear(out, stdout), hear(err, stderr)).map(drop) };
    tokio::pin!(streams);
    tokio::select! {
        heard = &mut streams => {
            heard?;
            child.wait().await
        }
        status = child.wait() => {
            if let Ok(heard) = tokio::time::timeout(AFTER_END, streams).await {
                heard?;
            }
            status
        }
    }
}

async fn hear(
    stream: Option<impl AsyncRead + Unpin>,
    sink: &mut (dyn FnMut(&[u8]) + Send),
) -> io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut piece = vec![0; 64 << 10];
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            n => sink(&piece[..n]),
        }
    }
}

fn keep_message(kept: &mut Vec<u8>, piece: &[u8]) {
    let room = MAX_MESSAGE - kept.len();
    kept.extend_from_slice(&piece[..piece.len().min(room)]);
}

fn failed(command: &str, status: ExitStatus, stderr: &str, stdout: &[u8]) -> GitError {
    let said = String::from_utf8_lossy(stdout);
    let message = [stderr, said.trim()].into_iter().find(|text| !text.is_empty());
    let message = message.map_or_else(|| status.to_string(), str::to_owned);
    GitError::Failed { command: command.to_owned(), code: status.code(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::repository;

    #[tokio::test]
    async fn a_name_from_outside_is_never_an_option() {
        let (_dir, root) = repository().await;
        for name in ["--upload-pack=touch x", "-f", ""] {
            let refused = Git::read(&root, "rev-parse").value(name).text().await;
            assert!(matches!(refused, Err(GitError::Refused { .. })), "{name}");
        }
        assert!(Git::read(&root, "rev-parse").value("HEAD").text().await.is_ok());
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_is_ended_and_named() {
        let (_dir, root) = repository().await;
        let slow = Git::write(&root, "wait")
            .config("alias.wait=!sleep 1000")
            .timeout(Duration::from_millis(200));
        let error = slow.text().await.expect_err("too long");
        assert!(matches!(error, GitError::Timeout { .. }));
        assert_eq!(error.to_string(), "git wait took longer than 0.2 s");
    }

    #[tokio::test]
    async fn an_answer_beyond_the_bound_is_an_error_and_never_half_an_answer() {
        let (_dir, root) = repository().await;
        let long = Git::read(&root, "log").args(["--format=%B%B%B%H"]).max_output(10);
        assert!(matches!(long.bytes().await, Err(GitError::TooMuch { .. })));
    }

    #[tokio::test]
    async fn records_come_whole_also_when_a_name_holds_a_line_break() {
        let (_dir, root) = repository().await;
        std::fs::write(root.join("b\nc"), "").expect("write");
        let mut names = Vec::new();
        Git::read(&root, "ls-files")
            .args(["-z", "--cached", "--others"])
            .records(|name| names.push(path(name)))
            .await
            .expect("listed");
        assert_eq!(names, [PathBuf::from("b\nc"), PathBuf::from("a")]);
    }
}
