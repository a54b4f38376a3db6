//! Tokens used, read from the session files of the Codex CLI.
//!
//! Codex writes what each call of the model cost into a file per thread below its home. An index in the user's cache directory,
//! one for each Codex home and shared by all processes, holds what those files say; it can be deleted at any time and is read
//! anew. What must stay true: the index says exactly what one reading of all files would say, whatever was read when.

mod attribution;
mod lines;
mod query;
mod range;
mod reader;
mod refresh;
mod scan;
mod series;
mod session;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use car_store::{StoreError, UsageIndex};
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;

pub use range::UsageRange;
pub use refresh::{Refreshed, UsageProgress};

use crate::config::RootEnv;
use crate::served::blocking;
use crate::{EngineError, ErrorKind};

/// What was used under one Codex home.
pub struct TokenUsage {
    home: PathBuf,
    cache: PathBuf,
    index: OnceCell<UsageIndex>,
}

/// The Codex home of a root: `CODEX_HOME` of its environment, else `~/.codex`.
pub fn codex_home(env: &RootEnv) -> PathBuf {
    match env.var("CODEX_HOME") {
        Some(home) => expanded(&home, env),
        None => expanded("~/.codex", env),
    }
}

/// Where CAR keeps what it can make anew: `$XDG_CACHE_HOME/codex-autorunner` or `~/.cache/codex-autorunner`.
pub fn cache_dir(env: &RootEnv) -> PathBuf {
    let base = env.var("XDG_CACHE_HOME").filter(|dir| Path::new(dir).is_absolute());
    let base = base.map_or_else(|| expanded("~/.cache", env), PathBuf::from);
    base.join("codex-autorunner")
}

/// A Codex home as others may read it: below the owner's home it begins with `~`.
pub fn home_for_people(home: &Path, env: &RootEnv) -> String {
    let below = env.var("HOME").and_then(|own| Some(home.strip_prefix(own).ok()?.to_path_buf()));
    let shown = below.map_or_else(|| home.to_path_buf(), |below| Path::new("~").join(below));
    shown.to_string_lossy().into_owned()
}

fn expanded(path: &str, env: &RootEnv) -> PathBuf {
    let below = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (below, env.var("HOME")) {
        (Some(below), Some(home)) => Path::new(&home).join(below.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

impl TokenUsage {
    /// Looks at the Codex home `home`, with an index in the directory `cache`. Nothing is read or made yet.
    pub fn new(home: &Path, cache: &Path) -> Self {
        Self { home: home.to_path_buf(), cache: cache.to_path_buf(), index: OnceCell::new() }
    }

    /// The Codex home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Brings the index up to date. `progress` tells how far it is; after `cancel` it ends soon and keeps what it has.
    /// When another process is at it: waits for it if `wait`, else says so at once.
    ///
    /// # Errors
    /// When the index cannot be used. Session files that cannot be read are told in the result.
    pub async fn refresh(
        &self,
        wait: bool,
        progress: &watch::Sender<UsageProgress>,
        cancel: &CancellationToken,
    ) -> Result<Refreshed, EngineError> {
        self.make_cache_dir().await?;
        let lock = refresh::lock(&self.path().with_extension("lock"), wait).await?;
        let Some(_lock) = lock else { return Ok(Refreshed::Busy) };
        let index = self.index().await?;
        let refreshed = refresh::read_new(index, &self.home, progress, cancel).await;
        refreshed.map_err(|error| self.with_advice(error))
    }

    /// Number of records in the session files that could not be read.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn n_bad_records(&self) -> Result<u64, EngineError> {
        Ok(self.index().await?.n_bad().await?)
    }

    /// Closes the index.
    pub async fn close(self) {
        if let Some(index) = self.index.into_inner() {
            index.close().await;
        }
    }

    /// `usage-<hash of the home>.db`.
    fn path(&self) -> PathBuf {
        let home = attribution::resolved(&self.home);
        let hash = Sha256::digest(home.as_os_str().as_encoded_bytes());
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.cache.join(format!("usage-{hash}.db"))
    }

    async fn make_cache_dir(&self) -> Result<(), EngineError> {
        let dir = self.cache.clone();
        blocking(move || {
            std::fs::create_dir_all(&dir).map_err(|error| EngineError::file("make", &dir, error))
        })
        .await
    }

    async fn index(&self) -> Result<&UsageIndex, EngineError> {
        let open = || async {
            self.make_cache_dir().await?;
            UsageIndex::open(&self.path()).await.map_err(|error| self.unusable(error))
        };
        self.index.get_or_try_init(open).await
    }

    fn unusable(&self, error: StoreError) -> EngineError {
        let is_newer = matches!(error, StoreError::Newer { .. });
        let error = EngineError::new(ErrorKind::Other, "the index of token usage cannot be used")
            .with_source(error);
        if is_newer { error.with_hint("update CAR") } else { self.with_advice(error) }
    }

    fn with_advice(&self, error: EngineError) -> EngineError {
        let advice = format!(
            "delete {}: it is made anew from the session files of Codex",
            self.path().display()
        );
        error.with_hint(advice)
    }
}
