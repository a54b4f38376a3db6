//! Programs that are no agents: run once, heard in bounded memory, ended for certain.
//!
//! For tools such as `gh` and for commands a person configured. Standard input holds what it is
//! given and ends, so nothing can wait for a prompt. The
//! program leads a process group of its own, which ends with it, in time or by KILL.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};

/// What to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// Name or path.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Variables to set on top of the inherited environment.
    pub env: Vec<(OsString, OsString)>,
    /// Variables to take away.
    pub env_remove: Vec<OsString>,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// Longest time it may take.
    pub timeout: Duration,
    /// Bytes kept of each of its two streams; what comes after is read and dropped.
    pub max_output: usize,
}

/// What a program left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output as text, bytes that are no UTF-8 replaced.
    pub stdout: String,
    /// Standard error as text.
    pub stderr: String,
    /// Whether something of the output was dropped.
    pub is_cut: bool,
}

impl Finished {
    /// Whether it ended with exit code 0.
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// A program that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is no such program.
    #[error("`{0}` is not installed")]
    Missing(String),
    /// It could not be started or heard.
    #[error("cannot run `{program}`")]
    Run {
        /// Its name.
        program: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("`{program}` took longer than {} s", timeout.as_secs())]
    Timeout {
        /// Its name.
        program: String,
        /// The time it had.
        timeout: Duration,
    },
}

impl Program {
    /// A program in `cwd` with the usual bounds: 30 seconds, 8 MiB of output.
    pub fn new(program: impl Into<OsString>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            cwd: cwd.into(),
            env: Vec::new(),
            env_remove: Vec::new(),
            input: Vec::new(),
            timeout: Duration::from_secs(30),
            max_output: 8 << 20,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it to its end. A dropped future ends the program.
    ///
    /// # Errors
    /// When it does not exist, cannot be started or takes too long. That it failed shows in [`Finished::code`].
    pub async fn run(self) -> Result<Finished, ProgramError> {
        let name = || self.program.to_string_lossy().into_owned();
        let failed = |source| ProgramError::Run { program: name(), source };
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .current_dir(&self.cwd)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(if self.input.is_empty() { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .without(&self.env_remove)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound if self.cwd.is_dir() => ProgramError::Missing(name()),
                _ => failed(error),
            })?;
        let group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()));
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let all = async {
            let (stdout, stderr, status, ()) = tokio::try_join!(
                kept(stdout, self.max_output),
                kept(stderr, self.max_output),
                child.wait(),
                fed(stdin, &self.input),
            )?;
            Ok((stdout, stderr, status))
        };
        let ended = tokio::time::timeout(self.timeout, all).await;
        drop(group);
        match ended {
            Ok(Ok(((stdout, out_cut), (stderr, err_cut), status))) => {
                Ok(Finished { code: status.code(), stdout, stderr, is_cut: out_cut || err_cut })
            }
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(ProgramError::Timeout { program: name(), timeout: self.timeout }),
        }
    }
}

/// Ends a process group when it goes out of scope, so that nothing the program started survives it.
pub(crate) struct Group(pub(crate) Option<i32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // An empty group is the usual case and no error.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Taking variables away in a chain of calls.
pub(crate) trait Without {
    fn without(&mut self, names: &[OsString]) -> &mut Self;
}

impl Without for Command {
    fn without(&mut self, names: &[OsString]) -> &mut Self {
        for name in names {
            self.env_remove(name);
        }
        self
    }
}

/// Hands over all of `input` and ends it. A program that does not want it says so itself.
async fn fed(stdin: Option<ChildStdin>, input: &[u8]) -> io::Result<()> {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(input).await;
    }
    Ok(())
}

/// The first `max` bytes of a stream, which is read to its end, and whether there were more.
async fn kept(stream: Option<impl AsyncRead + Unpin>, max: usize) -> io::Result<(String, bool)> {
    let Some(mut stream) = stream else { return Ok((String::new(), false)) };
    let mut bytes = Vec::new();
    (&mut stream).take(max as u64).read_to_end(&mut bytes).await?;
    let dropped = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), dropped > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program::new("sh", std::env::temp_dir()).args(["-c", script])
    }

    #[tokio::test]
    async fn both_streams_and_the_exit_code_are_told() {
        let finished = sh("echo out; echo err >&2; exit 3").run().await.expect("it ran");
        let expected = Finished {
            code: Some(3),
            stdout: "out\n".into(),
            stderr: "err\n".into(),
            is_cut: false,
        };
        assert_eq!(finished, expected);
    }

    #[tokio::test]
    async fn output_beyond_the_bound_is_dropped_and_the_program_still_ends() {
        let mut program = sh("head -c 1000000 /dev/zero | tr '\\0' x");
        program.max_output = 10;
        let finished = program.run().await.expect("it ran");
        assert_eq!((finished.stdout.as_str(), finished.is_cut), ("xxxxxxxxxx", true));
    }

    #[tokio::test]
    async fn it_reads_all_of_its_input_and_then_the_end() {
        let mut program = sh("wc -c");
        program.input = vec![b'x'; 1 << 20];
        assert_eq!(program.run().await.expect("it ran").stdout.trim(), "1048576");
        let mut deaf = sh("exec true");
        deaf.input = vec![b'x'; 1 << 20];
        assert!(deaf.run().await.expect("it ran").is_success());
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_ended_with_everything_it_started() {
        let dir = tempfile::tempdir().expect("temp dir");
        let pid = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let mut program = sh(&script);
        program.timeout = Duration::from_millis(300);
        let error = program.run().await.expect_err("too long");
        assert!(matches!(error, ProgramError::Timeout { .. }));
        let pid: i32 = std::fs::read_to_string(pid).expect("written").trim().parse().expect("pid");
        let process = crate::process_id(pid);
        if let Some(process) = process {
            assert!(crate::wait_until_gone(process, Duration::from_secs(5)).await);
        }
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = Program::new("no-such-program", "/").run().await.expect_err("missing");
        assert_eq!(error.to_string(), "`no-such-program` is not installed");
    }
}
