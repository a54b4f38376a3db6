//! A place for sessions, and clients that wait for what they want to see.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use car_host::protocol::{HostFrame, InputFate};
use car_host::{Attach, Attachment, HostError, Session, Sessions, Size, Spec};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than anything takes on the most loaded machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn under_test() -> PathBuf {
    env!("CARGO_BIN_EXE_car-host-under-test").into()
}

/// A directory with sessions; they end with it.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) sessions: Sessions,
}

impl Drop for Place {
    fn drop(&mut self) {
        for session in self.sessions.list().unwrap_or_default() {
            if let (true, Some(host)) = (session.is_running(), session.record.host) {
                car_process::terminate(host);
            }
        }
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let sessions = Sessions::of(dir.path());
        Self { dir, sessions }
    }

    pub(crate) fn spec(&self, argv: &[&str]) -> Spec {
        Spec {
            host: vec![under_test().into()],
            repo: self.dir.path().to_owned(),
            kind: "test".into(),
            title: "a test".into(),
            argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
            cwd: self.dir.path().to_owned(),
            size: Size::default(),
            env: Vec::new(),
            env_remove: Vec::new(),
        }
    }

    pub(crate) async fn start(&self, argv: &[&str]) -> Session {
        self.sessions.start(&self.spec(argv)).await.expect("started")
    }

    pub(crate) async fn sh(&self, script: &str) -> Session {
        self.start(&["sh", "-c", script]).await
    }

    pub(crate) async fn with_env(&self, script: &str, env: &[(&str, &str)]) -> Session {
        let mut spec = self.spec(&["sh", "-c", script]);
        spec.env = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        spec.env_remove = vec![OsString::from("HOME")];
        self.sessions.start(&spec).await.expect("started")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// From the first byte on, acknowledging.
pub(crate) const FROM_START: Attach =
    Attach { from: Some(0), window: 256 << 10, lines: 0, answers: false };

/// A client that keeps what it is told.
pub(crate) struct Client {
    pub(crate) attachment: Attachment,
    pub(crate) output: Vec<u8>,
    /// Offset behind the last byte.
    pub(crate) at: u64,
    pub(crate) frames: Vec<HostFrame>,
}

impl Client {
    pub(crate) async fn attach(session: &Session, how: &Attach) -> Self {
        let attachment = session.attach(how).await.expect("attached");
        let at = how.from.unwrap_or_default();
        Self { attachment, output: Vec::new(), at, frames: Vec::new() }
    }

    /// The next frame, output appended and acknowledged; `None` when the host is gone.
    pub(crate) async fn step(&mut self) -> Option<HostFrame> {
        let next = timeout(LONG, self.attachment.next()).await.expect("in time");
        let frame = match next {
            Ok(frame) => frame?,
            Err(HostError::Io(_)) => return None,
            Err(error) => panic!("{error}"),
        };
        match &frame {
            HostFrame::Output { offset, bytes } => {
                assert_eq!(*offset, self.at, "bytes come in order, each once");
                self.at += bytes.len() as u64;
                self.output.extend_from_slice(bytes);
                // The host may be gone by now.
                let _ = self.attachment.sender.ack(self.at).await;
            }
            HostFrame::Snapshot { offset, bytes, .. } => {
                self.at = *offset;
                self.output.clone_from(bytes);
                self.frames.push(frame.clone());
            }
            other => self.frames.push(other.clone()),
        }
        Some(frame)
    }

    pub(crate) async fn until(&mut self, what: &str) {
        let mut seen = 0;
        while !self.output[seen..].windows(what.len()).any(|part| part == what.as_bytes()) {
            seen = self.output.len().saturating_sub(what.len());
            assert!(self.step().await.is_some(), "gone before {what:?}: {}", self.text());
            // A snapshot takes the place of everything before.
            seen = seen.min(self.output.len());
        }
    }

    pub(crate) async fn frame(&mut self, is_it: impl Fn(&HostFrame) -> bool) -> HostFrame {
        loop {
            if let Some(frame) = self.frames.iter().find(|frame| is_it(frame)) {
                return frame.clone();
            }
            assert!(self.step().await.is_some(), "gone before the frame: {:?}", self.frames);
        }
    }

    pub(crate) async fn exit(&mut self) -> car_host::Exit {
        match self.frame(|frame| matches!(frame, HostFrame::Exit(_))).await {
            HostFrame::Exit(exit) => exit,
            _ => unreachable!(),
        }
    }

    pub(crate) async fn input(&mut self, id: Option<[u8; 16]>, bytes: &[u8]) -> InputFate {
        let seq = self.attachment.sender.input(id, bytes).await.expect("sent");
        let is_it =
            |frame: &HostFrame| matches!(frame, HostFrame::InputAck { seq: it, .. } if *it == seq);
        match self.frame(is_it).await {
            HostFrame::InputAck { fate, .. } => fate,
            _ => unreachable!(),
        }
    }

    pub(crate) async fn key(&mut self, bytes: &[u8]) {
        assert_eq!(self.input(None, bytes).await, InputFate::Written);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// The pid a script wrote into `path`, once it has.
pub(crate) async fn pid_in(path: &Path) -> i32 {
    let look = async {
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let (true, Ok(pid)) = (text.ends_with('\n'), text.trim().parse()) {
                return pid;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, look).await.expect("written")
}

/// Resident memory of a process in KiB.
pub(crate) fn resident(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("alive");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("told");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Figures are part of what these tests are for.
pub(crate) fn figure(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "    {text}");
}
