//! Starting a process that outlives this one, and hearing from it that it got going.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What a detached process prints as its first line when it is ready.
pub const READY: &str = "ready";

/// How the start went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is at work under this pid.
    Ready(i32),
    /// It ended, or said something else; why is in its error output.
    Refused,
    /// It said nothing in time and was ended.
    Silent,
}

/// A process to start.
#[derive(Debug)]
pub struct Detached<'a> {
    /// Its command line.
    pub line: Vec<OsString>,
    /// Working directory.
    pub cwd: &'a Path,
    /// Variables to set on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// Variables of ours that it must not get.
    pub env_remove: Vec<OsString>,
    /// Where its error output goes.
    pub errors: File,
    /// How long it may take to get ready.
    pub patience: Duration,
}

impl<'a> Detached<'a> {
    /// `program` with `args` in `cwd`, with our environment.
    pub fn new(
        program: &[OsString],
        args: &[OsString],
        cwd: &'a Path,
        errors: File,
        patience: Duration,
    ) -> Self {
        let line = [program, args].concat();
        Self { line, cwd, env: Vec::new(), env_remove: Vec::new(), errors, patience }
    }

    /// Starts it and waits for its word. It is reaped when it ends, so that it never stays a zombie of ours; leaving our
    /// session is its own business.
    ///
    /// # Errors
    /// When it cannot be started at all.
    pub async fn start(self) -> io::Result<Start> {
        let mut parts = self.line.into_iter();
        let mut command = Command::new(parts.next().unwrap_or_default());
        command.args(parts).current_dir(self.cwd);
        for name in self.env_remove {
            command.env_remove(name);
        }
        let mut child = command
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.errors)
            .spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        let ready = tokio::time::timeout(self.patience, is_ready(&mut child)).await;
        if ready.is_err() {
            // It must not begin to work after its start was called a failure.
            child.start_kill()?;
        }
        // Ends with the child, or with us: then the system reaps it.
        tokio::spawn(async move { child.wait().await });
        Ok(match ready {
            Ok(true) => Start::Ready(pid),
            Ok(false) => Start::Refused,
            Err(_) => Start::Silent,
        })
    }
}

async fn is_ready(child: &mut Child) -> bool {
    let Some(stdout) = child.stdout.take() else { return false };
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line).await;
    read.is_ok() && line.trim() == READY
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn start(script: &str, patience: Duration) -> Start {
        let dir = tempfile::tempdir().expect("temp dir");
        let errors = File::create(dir.path().join("errors")).expect("file");
        let (program, args) = (["sh".into(), "-c".into()], [script.into()]);
        let detached = Detached::new(&program, &args, dir.path(), errors, patience);
        detached.start().await.expect("sh exists")
    }

    #[tokio::test]
    async fn readiness_is_told_by_the_process_itself() {
        let long = Duration::from_secs(30);
        assert!(matches!(start("echo ready", long).await, Start::Ready(pid) if pid > 0));
        assert_eq!(start("exit 1", long).await, Start::Refused);
        assert_eq!(start("exec sleep 600", Duration::from_millis(50)).await, Start::Silent);
    }
}
