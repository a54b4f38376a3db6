//! A model, a Codex that talks to it, and a directory to work in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use car_domain::conversation::{AgentRequest, TurnOutcome};
use car_domain::run::RunEvent;
use car_engine::conversation::{
    ApprovalPolicy, CodexSetup, Conversations, Turn, TurnEvent, TurnRequest,
};
use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, Script};
use car_testkit::repo::TempRepo;
use tempfile::TempDir;

/// How long a test waits for anything before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Setting {
    pub(super) model: FakeModel,
    pub(super) repo: TempRepo,
    home: CodexHome,
    servers: TempDir,
    binary: PathBuf,
}

impl Setting {
    pub(super) async fn new(script: impl Script) -> Self {
        let model = FakeModel::start(script).await;
        let home = CodexHome::new(model.base_url());
        let servers = TempDir::with_prefix("car-run-").expect("a temporary directory");
        let binary = codex::binary();
        Self { model, repo: TempRepo::new(), home, servers, binary }
    }

    /// Uses a Codex that cannot listen on a socket.
    pub(super) fn with_old_codex(mut self) -> Self {
        let path = self.servers.path().join("codex");
        let real = self.binary.display();
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in *\" --listen \"*)\n  \
             echo \"error: unexpected argument '--listen' found\" >&2; exit 2;;\nesac\n\
             exec {real} \"$@\"\n"
        );
        fs::write(&path, script).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("executable");
        self.binary = path;
        self
    }

    pub(super) fn setup(&self) -> CodexSetup {
        CodexSetup {
            env: self.home.env().into_iter().map(|(name, value)| (name.into(), value)).collect(),
            server_dir: Some(self.servers.path().to_path_buf()),
            ..CodexSetup::new(self.binary.display().to_string())
        }
    }

    /// What one process has; call it again for another one.
    pub(super) fn door(&self) -> Conversations {
        Conversations::new(self.setup())
    }

    pub(super) fn request(&self, prompt: &str) -> TurnRequest {
        TurnRequest::new(self.root(), prompt)
    }

    /// A turn that asks before it leaves its read-only sandbox.
    pub(super) fn asking(&self, prompt: &str) -> TurnRequest {
        TurnRequest { approvals: ApprovalPolicy::OnRequest, ..self.request(prompt) }
    }

    pub(super) fn root(&self) -> &Path {
        self.repo.path()
    }
}

impl Drop for Setting {
    /// The server would outlive the test, as it is meant to.
    fn drop(&mut self) {
        let Ok(entries) = fs::read_dir(self.servers.path()) else { return };
        for entry in entries.flatten() {
            let Ok(text) = fs::read(entry.path().join("server.json")) else { continue };
            let server: serde_json::Value = serde_json::from_slice(&text).expect("a record");
            let pid = server["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            let pid = nix::unistd::Pid::from_raw(pid.expect("a pid"));
            let _ = nix::sys::signal::killpg(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// The next event, or the end of the test.
pub(super) async fn next(turn: &mut Turn) -> TurnEvent {
    let next = tokio::time::timeout(PATIENCE, turn.next()).await;
    next.expect("the turn says something").expect("the turn is not over")
}

/// Reads on until `found` takes an event.
pub(super) async fn until<T>(turn: &mut Turn, found: impl Fn(TurnEvent) -> Option<T>) -> T {
    let mut before = Vec::new();
    loop {
        let event = next(turn).await;
        if let TurnEvent::Finished(outcome) = &event
            && found(event.clone()).is_none()
        {
            panic!("the turn ended: {outcome:?} after {before:#?}");
        }
        before.push(event.clone());
        if let Some(found) = found(event) {
            return found;
        }
    }
}

/// What the agent asks next.
pub(super) async fn asked(turn: &mut Turn) -> AgentRequest {
    let request = |event| match event {
        TurnEvent::Requested(request) => Some(request),
        _ => None,
    };
    until(turn, request).await
}

/// Everything up to the end.
pub(super) async fn all(turn: &mut Turn) -> (Vec<TurnEvent>, TurnOutcome) {
    let mut events = Vec::new();
    loop {
        match next(turn).await {
            TurnEvent::Finished(outcome) => return (events, outcome),
            event => events.push(event),
        }
    }
}

/// How the turn ends.
pub(super) async fn outcome(turn: &mut Turn) -> TurnOutcome {
    all(turn).await.1
}

/// The steps among the events, as a journal would hold them.
pub(super) fn steps(events: &[TurnEvent]) -> Vec<RunEvent> {
    events.iter().filter_map(TurnEvent::step).collect()
}
