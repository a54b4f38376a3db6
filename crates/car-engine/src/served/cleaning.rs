//! The server's housekeeping: one task for the served root and every repository of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Served, blocking};
use crate::config;
use crate::housekeeping::{self, Cleaning};

/// The first round leaves the start of the server to those who wait for it.
const FIRST: Duration = Duration::from_secs(20);

/// Cleans every root of `served` shortly after the start and then at its interval, until `cancel`.
pub(super) fn start(served: Arc<Served>, tracker: &TaskTracker, cancel: CancellationToken) {
    tracker.spawn(async move {
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = round(&served, &cancel).await;
        }
    });
}

/// Cleans every root once, and returns the time until the next round.
async fn round(served: &Arc<Served>, cancel: &CancellationToken) -> Duration {
    let own = served.root().to_path_buf();
    let repos: BTreeSet<PathBuf> = served.roots().into_iter().map(|(_, root)| root).collect();
    let others = repos.into_iter().filter(|root| *root != own);
    for root in std::iter::once(own.clone()).chain(others) {
        let cleaning =
            Cleaning { dry_run: false, without_home: root != own, cancel: cancel.clone() };
        let cleaned = blocking(move || housekeeping::clean(&root, &cleaning)).await;
        if let Err(error) = cleaned {
            tracing::warn!(%error, "a root is not cleaned");
        }
    }
    let seconds = blocking(move || Ok(config::load(&own)?.housekeeping.interval_seconds)).await;
    Duration::from_secs(seconds.unwrap_or(3600).max(1))
}
