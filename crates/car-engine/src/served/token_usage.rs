//! Tokens used, for many who ask: one open index per Codex home, brought up to date for whoever asks.
//!
//! Reading gigabytes of session files for the first time takes longer than anybody wants to wait for an answer. So each question
//! reads for a moment, keeps what it has read, and says whether that was all.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Served;
use crate::EngineError;
use crate::config::RootEnv;
use crate::usage::{Refreshed, TokenUsage, UsageProgress, cache_dir, codex_home};

/// How long a question reads, or waits for another one that does.
const PATIENCE: Duration = Duration::from_secs(2);
/// For this long nobody looks at the session files again.
const FRESH: Duration = Duration::from_secs(2);

/// The indexes that are open, by Codex home. There are as many as the repositories have homes.
#[derive(Default)]
pub(super) struct UsageIndexes(Mutex<HashMap<PathBuf, Arc<UsageIndex>>>);

struct UsageIndex {
    usage: Arc<TokenUsage>,
    /// When all was read last. Held by the one who reads.
    read_at: tokio::sync::Mutex<Option<Instant>>,
}

/// What was used under a Codex home.
#[derive(Clone)]
pub struct UsageReading {
    /// To ask about it.
    pub usage: Arc<TokenUsage>,
    /// Whether everything is read; otherwise the numbers are those so far.
    pub is_ready: bool,
}

impl Served {
    /// What was used under the Codex home of `env`, read as far as that takes a moment.
    ///
    /// # Errors
    /// When the index cannot be used.
    pub async fn usage(&self, env: &RootEnv) -> Result<UsageReading, EngineError> {
        let index = self.usage.of(env);
        Ok(UsageReading { is_ready: index.read_on().await?, usage: index.usage.clone() })
    }
}

impl UsageIndexes {
    fn of(&self, env: &RootEnv) -> Arc<UsageIndex> {
        let home = codex_home(env);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let usage = Arc::new(TokenUsage::new(&home, &cache_dir(env)));
            Arc::new(UsageIndex { usage, read_at: tokio::sync::Mutex::default() })
        };
        open.entry(home.clone()).or_insert_with(new).clone()
    }
}

impl UsageIndex {
    /// Reads for a moment. Whether all is read now.
    async fn read_on(&self) -> Result<bool, EngineError> {
        let Ok(mut read_at) = timeout(PATIENCE, self.read_at.lock()).await else {
            return Ok(false);
        };
        if read_at.is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(true);
        }
        let cancel = CancellationToken::new();
        // Whoever asked may be gone before the end; the reading ends with them.
        let _ends = cancel.clone().drop_guard();
        let (progress, _) = watch::channel(UsageProgress::default());
        let mut reading = std::pin::pin!(self.usage.refresh(false, &progress, &cancel));
        let refreshed = match timeout(PATIENCE, &mut reading).await {
            Ok(refreshed) => refreshed,
            Err(_) => {
                cancel.cancel();
                reading.await
            }
        };
        match refreshed? {
            Refreshed::Ready { unreadable } => {
                for what in &unreadable {
                    tracing::debug!(what, "not counted, cannot be read");
                }
                *read_at = Some(Instant::now());
                Ok(true)
            }
            Refreshed::Busy | Refreshed::Cancelled => Ok(false),
        }
    }
}
