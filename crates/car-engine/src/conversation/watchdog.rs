//! A turn that says nothing for too long is ended.

use std::sync::{Arc, Weak};
use std::time::Duration;

use car_domain::conversation::TurnStatus;
use car_domain::format::setting_seconds;
use tokio::time::{Instant, sleep, sleep_until};

use super::board::Quiet;
use super::conversations::Inner;
use super::{Conversations, TurnEvent};

/// How long an interrupted turn may take to say that it ended; measured: 20 ms.
const END_PATIENCE: Duration = Duration::from_secs(30);

/// A turn under watch. It does not keep the connection: when nobody else does, nobody follows the turn.
pub(super) struct Watched {
    pub(super) inner: Weak<Inner>,
    pub(super) thread_id: String,
    pub(super) turn_id: String,
    pub(super) key: u64,
}

impl Watched {
    /// Watches until the turn is over or has been silent for `limit`. While a person is being asked, silence is right.
    pub(super) async fn watch(self, limit: Duration) {
        loop {
            let Some(inner) = self.inner.upgrade() else { return };
            let quiet = inner.board.quiet_since(self.key);
            match quiet {
                Quiet::Over => return,
                Quiet::Since(at) if at + limit <= Instant::now() => {
                    return self.end(inner, limit).await;
                }
                _ => drop(inner),
            }
            match quiet {
                Quiet::Since(at) => sleep_until(at + limit).await,
                Quiet::Waiting | Quiet::Over => sleep(limit).await,
            }
        }
    }

    async fn end(&self, inner: Arc<Inner>, limit: Duration) {
        let board = &inner.board;
        board.say(self.key, TurnEvent::Stalled(limit));
        let why = format!(
            "Nothing was heard from Codex for {}; the turn was ended.",
            setting_seconds(limit.as_secs())
        );
        board.explain(self.key, why.clone());
        let conversations = Conversations { inner: Arc::clone(&inner) };
        match conversations.interrupt(&self.thread_id, &self.turn_id).await {
            Ok(()) => sleep(END_PATIENCE).await,
            Err(error) => tracing::warn!(%error, "a silent turn cannot be interrupted"),
        }
        // No effect when it has ended meanwhile.
        board.finish(self.key, TurnStatus::Interrupted, Some(why));
    }
}
