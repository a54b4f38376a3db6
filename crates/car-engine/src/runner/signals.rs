//! How a running loop hears that it should end.

use tokio::sync::watch;

/// What was asked of a running loop. Later values are stronger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopSource {
    /// Nothing.
    #[default]
    None,
    /// `car stop --now`: end the agent, no fault.
    Now,
    /// `car kill`: end the agent, the run counts as failed.
    Kill,
    /// Ctrl-C or TERM from elsewhere.
    Signal(i32),
}

impl StopSource {
    /// Whether the agent has to end now.
    pub fn is_stop(self) -> bool {
        self != Self::None
    }
}

/// Waits until something is asked; for ever when the asking side is gone.
pub(super) async fn asked(receiver: &mut watch::Receiver<StopSource>) -> StopSource {
    match receiver.wait_for(|source| source.is_stop()).await {
        Ok(source) => *source,
        Err(_) => std::future::pending().await,
    }
}
