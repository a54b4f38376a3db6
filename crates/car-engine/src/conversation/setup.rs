//! Which Codex to talk to, and how to reach its server.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use car_agent::app_server::{ServerSpec, default_server_dir};
use car_agent::{find_program, search_path};
use serde_json::{Map, Value};

use crate::{EngineError, ErrorKind, Repo};

/// Name of the variable that chooses Codex's home.
const CODEX_HOME: &str = "CODEX_HOME";

/// Which Codex to talk to, and what it runs with.
#[derive(Clone, PartialEq, Eq)]
pub struct CodexSetup {
    /// The program as configured: a name or a path.
    pub binary: String,
    /// Environment of the root, on top of ours. `CODEX_HOME` chooses the server; everything else reaches only the commands
    /// the agent runs in threads of this setup, because the server is shared by all roots.
    pub env: Vec<(OsString, OsString)>,
    /// Variables of ours that Codex must not get.
    pub env_remove: Vec<OsString>,
    /// Most memory the server and what it starts may use, in bytes, where the system can limit that.
    pub memory_max: Option<u64>,
    /// Where servers have their directories; `None` for what is usual.
    pub server_dir: Option<PathBuf>,
    /// Configuration of Codex on top of the user's, with dotted names.
    pub config: Map<String, Value>,
}

impl CodexSetup {
    /// `binary` with nothing special.
    pub fn new(binary: impl Into<String>) -> Self {
        Self {
            binary: binary.into(),
            env: Vec::new(),
            env_remove: Vec::new(),
            memory_max: None,
            server_dir: None,
            config: Map::new(),
        }
    }

    /// As `repo` is configured, with the environment of its root.
    pub fn of(repo: &Repo) -> Self {
        Self {
            env: repo.env().for_child(),
            env_remove: repo.env().withheld_from_child(),
            memory_max: repo.config().codex.server_memory_mb.map(|mb| mb.saturating_mul(1 << 20)),
            ..Self::new(repo.config().codex.binary.clone())
        }
    }

    /// Codex's home: that of the root, else ours, else `~/.codex`.
    pub fn codex_home(&self) -> Option<PathBuf> {
        let own =
            self.env.iter().find(|(name, _)| name == CODEX_HOME).map(|(_, home)| home.clone());
        let home = own.or_else(|| std::env::var_os(CODEX_HOME)).filter(|home| !home.is_empty());
        home.map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".codex")))
    }

    /// The server of this setup.
    pub(super) fn spec(&self) -> Result<ServerSpec, EngineError> {
        let search = search_path(std::env::var_os("PATH").as_deref());
        let binary = find_program(&self.binary, &search).ok_or_else(|| {
            EngineError::new(ErrorKind::Agent, format!("Codex binary not found: {}", self.binary))
                .with_hint("set codex.binary, or install the Codex CLI")
        })?;
        let codex_home = self.codex_home().ok_or_else(|| {
            EngineError::new(ErrorKind::Agent, "there is no home directory for Codex")
                .with_hint("set HOME or CODEX_HOME")
        })?;
        std::fs::create_dir_all(&codex_home)
            .map_err(|error| EngineError::file("create", &codex_home, error))?;
        let dir = self.server_dir.clone().unwrap_or_else(default_server_dir);
        let env = vec![("PATH".into(), search)];
        let (env_remove, memory_max) = (self.env_remove.clone(), self.memory_max);
        Ok(ServerSpec { binary, codex_home, env, env_remove, memory_max, dir })
    }

    /// What a thread of this setup is started with: its configuration, and the root's variables for the agent's commands.
    pub(super) fn thread_config(&self) -> Map<String, Value> {
        let mut config = self.config.clone();
        let text = |value: &OsStr| value.to_str().map(str::to_owned);
        let vars: Map<String, Value> = self
            .env
            .iter()
            .filter(|(name, _)| name != CODEX_HOME)
            .filter_map(|(name, value)| Some((text(name)?, Value::from(text(value)?))))
            .collect();
        if !vars.is_empty() {
            config.insert("shell_environment_policy.set".to_owned(), Value::Object(vars));
        }
        config
    }

    /// The directory a server of our own is started in.
    pub(super) fn fallback_cwd(spec: &ServerSpec) -> &Path {
        &spec.codex_home
    }
}

/// Names only: a value must not reach a log through somebody's `{:?}`.
impl std::fmt::Debug for CodexSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("CodexSetup").field("binary", &self.binary).field("env", &names).finish()
    }
}
