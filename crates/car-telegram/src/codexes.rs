//! Connections to Codex, one for each repository in use. The Codex server behind them is one for all.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use car_engine::config::{CAR_DIR, CONFIG_FILE};
use car_engine::conversation::{CodexSetup, Conversations};
use car_engine::{EngineError, Repo, blocking};

use crate::settings::Settings;

#[derive(Debug)]
struct Line {
    setup: CodexSetup,
    codex: Conversations,
    /// Held by everybody who uses it.
    lease: Arc<()>,
    used: u64,
}

/// A connection in use; it is not closed before this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Codex {
    codex: Conversations,
    _lease: Arc<()>,
}

impl Deref for Codex {
    type Target = Conversations;

    fn deref(&self) -> &Conversations {
        &self.codex
    }
}

#[derive(Debug, Default)]
struct Lines {
    all: HashMap<PathBuf, Line>,
    clock: u64,
}

impl Lines {
    /// The connection for a repository, and those that are to be closed: idle ones, and not while anybody waits for the lock.
    fn of(&mut self, path: PathBuf, setup: CodexSetup, max: usize) -> (Codex, Vec<Line>) {
        self.clock += 1;
        let is_idle = |line: &Line| Arc::strong_count(&line.lease) == 1;
        let mut retired = Vec::new();
        // A changed configuration holds from the next idle moment on.
        if self.all.get(&path).is_some_and(|line| line.setup != setup && is_idle(line)) {
            retired.extend(self.all.remove(&path));
        }
        if !self.all.contains_key(&path) && self.all.len() >= max {
            let idle = self.all.iter().filter(|(_, line)| is_idle(line));
            let oldest = idle.min_by_key(|(_, line)| line.used).map(|(path, _)| path.clone());
            retired.extend(oldest.and_then(|path| self.all.remove(&path)));
        }
        let line = self.all.entry(path).or_insert_with(|| Line {
            codex: Conversations::new(setup.clone()),
            setup,
            lease: Arc::new(()),
            used: 0,
        });
        line.used = self.clock;
        (Codex { codex: line.codex.clone(), _lease: Arc::clone(&line.lease) }, retired)
    }
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Codexes {
    lines: Mutex<Lines>,
    max: usize,
    /// Where servers have their directories, when not where it is usual.
    server_dir: Option<PathBuf>,
    root: PathBuf,
}

impl Codexes {
    pub(crate) fn new(settings: &Settings, server_dir: Option<PathBuf>) -> Self {
        let max = settings.bot().app_server.max_handles.and_then(|max| usize::try_from(max).ok());
        let max = max.filter(|max| *max > 0).unwrap_or(usize::MAX);
        Self { lines: Mutex::default(), max, server_dir, root: settings.root.clone() }
    }

    /// The connection for a repository. Nothing is started before it is used.
    pub(crate) async fn of(&self, workspace: &Path) -> Result<Codex, EngineError> {
        let (workspace, root) = (workspace.to_path_buf(), self.root.clone());
        let path = workspace.clone();
        let mut setup = blocking(move || setup(&workspace, &root)).await?;
        setup.server_dir.clone_from(&self.server_dir);
        let (codex, retired) = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.of(path, setup, self.max)
        };
        for line in retired {
            line.codex.close().await;
        }
        Ok(codex)
    }

    /// Closes all connections; turns go on in the Codex server.
    pub(crate) async fn close(&self) {
        let lines = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut lines.all)
        };
        for line in lines.into_values() {
            line.codex.close().await;
        }
    }
}

/// The Codex of a repository; a directory without a configuration of its own has the root's.
fn setup(workspace: &Path, root: &Path) -> Result<CodexSetup, EngineError> {
    if workspace.join(CAR_DIR).join(CONFIG_FILE).is_file()
        && let Ok(repo) = Repo::open(workspace)
    {
        return Ok(CodexSetup::of(&repo));
    }
    let (config, env) = car_engine::config::load_with_env(root)?;
    Ok(CodexSetup {
        env: env.for_child(),
        env_remove: env.withheld_from_child(),
        memory_max: config.codex.server_memory_mb.map(|mb| mb.saturating_mul(1 << 20)),
        ..CodexSetup::new(config.codex.binary.clone())
    })
}
