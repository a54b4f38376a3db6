//! The server itself.
//!
//! It runs on a thread and a runtime of its own, so a test may block its own runtime, for example
//! while it waits for a process that talks to this server.

use std::convert::Infallible;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::request::Request;
use super::routes::{Shared, router};
use super::script::Script;
use super::usage::ThreadUsage;

/// How long [`FakeModel::until_requests`] waits before it gives up on the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A model server on loopback; it stops when dropped.
#[derive(Debug)]
pub struct FakeModel {
    base_url: String,
    shared: Arc<Shared>,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeModel {
    /// Starts a server that answers as `script` says.
    ///
    /// # Panics
    ///
    /// When no loopback port can be bound.
    pub async fn start(script: impl Script) -> Self {
        let shared = Arc::new(Shared::new(Box::new(script)));
        let (stop, stopped) = oneshot::channel();
        let (bound, address) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the model server");
            runtime.block_on(async {
                let listener =
                    TcpListener::bind("127.0.0.1:0").await.expect("a loopback port for the model");
                let address = listener.local_addr().expect("the address of the model server");
                bound.send(address).expect("somebody waits for the model server");
                tokio::select! {
                    ended = axum::serve(listener, router(served)) => {
                        ended.expect("the model server runs until it is stopped");
                    }
                    _ = stopped => {}
                }
            });
        });
        let address = address.await.expect("the model server starts");
        let base_url = format!("http://{address}/v1");
        Self { base_url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The URL for a Codex model provider, `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The well-formed requests for an answer so far, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.ledger().requests.clone()
    }

    /// What the server reported to each thread so far, in the order of their first answers.
    ///
    /// Only answers that were sent to their end count, as with a real provider's report to Codex.
    #[must_use]
    pub fn usage_reported(&self) -> Vec<ThreadUsage> {
        self.shared.ledger().usage.clone()
    }

    /// Waits until `n_requests` well-formed requests have arrived.
    ///
    /// # Panics
    ///
    /// When that takes longer than 60 seconds.
    pub async fn until_requests(&self, n_requests: usize) {
        let mut arrivals = self.shared.n_requests.subscribe();
        let arrived = arrivals.wait_for(|arrived| *arrived >= n_requests);
        if tokio::time::timeout(PATIENCE, arrived).await.is_err() {
            panic!(
                "the model was asked {} times and not {n_requests} times within {PATIENCE:?}",
                self.requests().len()
            );
        }
    }

    /// Lets all answers go on that hang now.
    pub fn release(&self) {
        self.shared.releases.send_replace(());
    }

    /// What was wrong with the requests so far.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.ledger().violations.clone()
    }

    /// Stops the server and returns what was wrong with the requests.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        self.stop();
        self.violations()
    }

    /// Asserts that nothing was wrong with the requests so far.
    ///
    /// # Panics
    ///
    /// When something was; the message lists it.
    #[track_caller]
    pub fn assert_clean(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "the model was asked wrongly:\n{}", violations.join("\n"));
    }

    fn stop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the server thread has been printed already; the drop must not add one.
            let _ = thread.join();
        }
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.stop();
    }
}
