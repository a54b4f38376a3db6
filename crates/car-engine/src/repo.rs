//! One initialised repository: its root, its configuration, and where its files are.

use std::path::{Path, PathBuf};

use crate::config::{self, CAR_DIR, CONFIG_FILE, Config, Mode, RootEnv};
use crate::{Docs, EngineError};

/// A repository with its effective configuration.
#[derive(Clone, Debug)]
pub struct Repo {
    root: PathBuf,
    config: Config,
    env: RootEnv,
}

impl Repo {
    /// Opens the repository whose root is exactly `root`.
    ///
    /// # Errors
    /// When its configuration is missing or wrong, or it is a hub.
    pub fn open(root: &Path) -> Result<Self, EngineError> {
        let (config, env) = config::load_with_env(root)?;
        if config.mode != Mode::Repo {
            return Err(EngineError::config(
                "This command must be run in repo mode (config.mode=repo).",
            )
            .with_hint(format!("{} is a hub; name a repository with --repo", root.display())));
        }
        Ok(Self { root: root.to_path_buf(), config, env })
    }

    /// Opens the repository that `start` lies in.
    ///
    /// # Errors
    /// When there is none, or its configuration is wrong.
    pub fn find(start: &Path) -> Result<Self, EngineError> {
        let root = find_root_config(start)?;
        if let Some(git_root) = car_git::find_root(start)
            && git_root != root
            && git_root.starts_with(&root)
        {
            return Err(EngineError::config(format!(
                "{} is not initialised for CAR",
                git_root.display()
            ))
            .with_hint("run `car init` in it first"));
        }
        Self::open(&root)
    }

    /// Directory that holds `.codex-autorunner`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Effective configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its environment: that of this process with the repository's `.env` on top.
    pub fn env(&self) -> &RootEnv {
        &self.env
    }

    /// Name for people: the root's directory name.
    pub fn name(&self) -> String {
        self.root
            .file_name()
            .map_or_else(|| "repository".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The work documents.
    pub fn docs(&self) -> Docs<'_> {
        Docs::new(self)
    }

    /// `.codex-autorunner`.
    pub fn car_dir(&self) -> PathBuf {
        self.root.join(CAR_DIR)
    }

    /// `state.json`.
    pub fn state_path(&self) -> PathBuf {
        self.car_dir().join("state.json")
    }

    /// `lock`.
    pub fn lock_path(&self) -> PathBuf {
        self.car_dir().join("lock")
    }

    /// `stop`, whose presence asks the loop to end.
    pub fn stop_path(&self) -> PathBuf {
        self.car_dir().join("stop")
    }

    /// What a detached runner says on standard error.
    pub fn runner_errors_path(&self) -> PathBuf {
        self.car_dir().join("runner-errors.log")
    }

    /// `runs/`.
    pub fn runs_dir(&self) -> PathBuf {
        self.car_dir().join("runs")
    }

    /// `runs/run-N.jsonl`.
    pub fn journal_path(&self, run: u64) -> PathBuf {
        self.runs_dir().join(format!("run-{run}.jsonl"))
    }

    /// `runs/run-N.log`; of a run of the original, where that left it.
    pub fn run_log_path(&self, run: u64) -> PathBuf {
        let own = self.runs_dir().join(format!("run-{run}.log"));
        match self.original_runs_dir().map(|dir| dir.join(format!("run-{run}.log"))) {
            Some(old) if !own.exists() && old.exists() => old,
            _ => own,
        }
    }

    /// Where the original keeps the logs of runs, when it is another place: `runs/` beside the log they share.
    pub(crate) fn original_runs_dir(&self) -> Option<PathBuf> {
        let dir = self.log_path().parent()?.join("runs");
        (dir != self.runs_dir() && dir.starts_with(&self.root)).then_some(dir)
    }

    /// The log all runs share.
    pub fn log_path(&self) -> PathBuf {
        self.root.join(&self.config.log.path)
    }
}

/// The nearest directory at or above `start` that holds a configuration.
///
/// # Errors
/// When there is none.
pub fn find_root_config(start: &Path) -> Result<PathBuf, EngineError> {
    let absolute = std::fs::canonicalize(start).map_err(|error| {
        let known = EngineError::file("look at", start, error);
        let hint = known.hint();
        known.with_hint(hint.unwrap_or_else(|| "name a directory that exists".to_owned()))
    })?;
    let dir =
        if absolute.is_dir() { absolute.as_path() } else { absolute.parent().unwrap_or(&absolute) };
    let found = dir.ancestors().find(|dir| dir.join(CAR_DIR).join(CONFIG_FILE).is_file());
    found.map(Path::to_path_buf).ok_or_else(|| {
        EngineError::config(format!(
            "Missing config file; expected to find {CAR_DIR}/{CONFIG_FILE} in {} or parents",
            dir.display()
        ))
        .with_hint("run `car init` in the repository first")
    })
}
