//! What the server does for somebody and finishes also when that somebody goes away.
//!
//! A client may lose its connection while an agent works for it. The work belongs to the server then: it goes on to its end, and
//! is ended cleanly only when the server ends.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Served;
use crate::{EngineError, ErrorKind};

/// All that is being done.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

/// Ends the work of `served` when `cancel` comes, and waits for its end.
pub(super) fn start(served: Arc<Served>, tracker: &TaskTracker, cancel: CancellationToken) {
    tracker.spawn(async move {
        cancel.cancelled().await;
        served.work.cancel.cancel();
        served.work.tasks.close();
        served.work.tasks.wait().await;
    });
}

impl Served {
    /// Begins a job at once. It gets a token that is cancelled when the server ends, and goes on when what is returned here is
    /// dropped.
    ///
    /// # Errors
    /// Those of the job.
    pub fn work<T, F>(
        &self,
        job: impl FnOnce(CancellationToken) -> F,
    ) -> impl Future<Output = Result<T, EngineError>> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let task = self.work.tasks.spawn(job(self.work.cancel.child_token()));
        async move {
            task.await.unwrap_or_else(|error| {
                let text = "a background task of the server ended unexpectedly";
                Err(EngineError::new(ErrorKind::Other, text).with_source(error))
            })
        }
    }
}
