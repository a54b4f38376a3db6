//! Starting a session: its directory, its record, and a host that outlives us.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use car_process::{
    Detached, DirError, Start, default_runtime_dir, fits_socket, private_dir, user_scope,
};

use crate::error::HostError;
use crate::session::{Record, Session, Sessions, Size, State, now};

/// How long a host may take to get ready; it needs a tenth of a second, on a loaded machine a few.
const PATIENCE: Duration = Duration::from_secs(30);
const ERRORS: &str = "host.log";

/// What to run in a terminal.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Command line that runs a host, e.g. `[car, host]`; the session's directory is added.
    pub host: Vec<OsString>,
    /// The repository the session belongs to.
    pub repo: PathBuf,
    /// What it is for.
    pub kind: String,
    /// What it is called until its program says otherwise.
    pub title: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where to start it.
    pub cwd: PathBuf,
    /// Size of the terminal.
    pub size: Size,
    /// Variables to set on top of the inherited environment.
    pub env: Vec<(OsString, OsString)>,
    /// Variables the program must not get, besides `CAR_*` and `CODEX_AUTORUNNER_*` that are
    /// named like secrets.
    pub env_remove: Vec<OsString>,
}

/// Whether a variable of this name holds a secret of CAR itself.
pub(crate) fn is_own_secret(name: &str) -> bool {
    let is_ours = ["CAR_", "CODEX_AUTORUNNER_"].iter().any(|prefix| name.starts_with(prefix));
    let secrets = ["TOKEN", "SECRET", "PASSWORD", "COOKIE", "KEY"];
    is_ours && secrets.iter().any(|word| name.contains(word))
}

/// Variables of this process that no program in a terminal may get.
pub(crate) fn own_secrets() -> impl Iterator<Item = OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| is_own_secret(&name.to_string_lossy()))
}

impl Sessions {
    /// Starts a session. When this returns, its program runs and its host listens.
    ///
    /// # Errors
    /// When the program, or the host, cannot be started; nothing is left behind then.
    pub async fn start(&self, spec: &Spec) -> Result<Session, HostError> {
        private_dir(self.dir())?;
        let id = uuid::Uuid::now_v7().to_string();
        let dir = private_dir(&self.dir().join(&id))?;
        let result = self.start_in(spec, &dir, id).await;
        if result.is_err() {
            // The reason is in the error.
            let _ = fs::remove_dir_all(&dir);
        }
        result
    }

    async fn start_in(&self, spec: &Spec, dir: &Path, id: String) -> Result<Session, HostError> {
        let record = Record {
            socket: socket(dir, &id)?,
            id,
            repo: spec.repo.clone(),
            kind: spec.kind.clone(),
            title: spec.title.clone(),
            argv: spec.argv.clone(),
            cwd: spec.cwd.clone(),
            size: spec.size.clamped(),
            created_at: now(),
            state: State::Starting,
            host: None,
            child: None,
            exit: None,
            ended_at: None,
        };
        record.write(dir)?;
        // In a scope of its own the host also survives the service that started it. A user manager that cannot make scopes,
        // as in a container, is no reason to go without a terminal.
        let scope = user_scope(&[]);
        let mut started = launch(spec, dir, scope.as_deref().unwrap_or_default()).await;
        if matches!(started, Err(HostError::Refused(_))) && scope.is_some() {
            started = launch(spec, dir, &[]).await;
        }
        started?;
        Session::open(dir.to_owned())
    }
}

async fn launch(spec: &Spec, dir: &Path, scope: &[OsString]) -> Result<(), HostError> {
    let path = dir.join(ERRORS);
    let errors = File::create(&path).map_err(HostError::file(&path))?;
    let program = [scope, &spec.host].concat();
    let mut detached = Detached::new(&program, &[dir.into()], &spec.cwd, errors, PATIENCE);
    // The host's own environment is clean, too: its child may look at its parent's.
    detached.env = spec.env.clone();
    detached.env_remove = spec.env_remove.iter().cloned().chain(own_secrets()).collect();
    match detached.start().await.map_err(HostError::file(&spec.cwd))? {
        Start::Ready(_) => Ok(()),
        Start::Refused => Err(HostError::Refused(last_words(&path))),
        Start::Silent => Err(HostError::Silent(PATIENCE.as_secs())),
    }
}

/// What a host that did not get ready said last.
fn last_words(path: &Path) -> String {
    let said = fs::read(path).unwrap_or_default();
    let said = String::from_utf8_lossy(&said[said.len().saturating_sub(4096)..]).into_owned();
    let error = said.lines().find_map(|line| line.strip_prefix("error: "));
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    error.or(last).unwrap_or("the terminal's host ended at once").to_owned()
}

/// Where the host listens: with its other files, or, where that path is too long for a socket, in the user's runtime directory.
fn socket(dir: &Path, id: &str) -> Result<PathBuf, DirError> {
    let usual = dir.join("host.sock");
    if fits_socket(&usual) {
        return Ok(usual);
    }
    let name = format!("terminal-{id}.sock");
    Ok(private_dir(&default_runtime_dir(&name))?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_ours_are_known_by_their_names() {
        for name in ["CAR_TOKEN", "CODEX_AUTORUNNER_TOKEN", "CAR_API_KEY", "CAR_COOKIE_SECRET"] {
            assert!(is_own_secret(name), "{name}");
        }
        for name in ["GITHUB_TOKEN", "CAR_LOG", "CARGO_REGISTRY_TOKEN", "OPENAI_API_KEY"] {
            assert!(!is_own_secret(name), "{name}");
        }
    }

    #[test]
    fn a_socket_whose_path_would_be_too_long_is_elsewhere() {
        let deep = PathBuf::from("/").join("x".repeat(100));
        let path = socket(&deep, "0190b3a0-0000-7000-8000-000000000000").expect("a place");
        assert!(fits_socket(&path) && !path.starts_with(&deep));
        assert_eq!(socket(Path::new("/a"), "id").expect("a place"), Path::new("/a/host.sock"));
    }
}
