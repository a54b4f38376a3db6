//! A turn that says nothing for too long is ended.

use std::time::Duration;

use car_domain::conversation::TurnStatus;
use car_domain::format::setting_seconds;
use tokio::time::{Instant, sleep, sleep_until};

use super::TurnEvent;
use super::board::Quiet;
use super::turn::TurnControl;

/// How long an interrupted turn may take to say that it ended; measured: 20 ms.
const END_PATIENCE: Duration = Duration::from_secs(30);

/// Watches a turn until it is over. While a person is being asked, silence is right.
pub(super) async fn watch(control: TurnControl, key: u64, limit: Duration) {
    let board = &control.conversations.inner.board;
    loop {
        match board.quiet_since(key) {
            Quiet::Over => return,
            Quiet::Waiting => sleep(limit).await,
            Quiet::Since(at) if at + limit <= Instant::now() => break,
            Quiet::Since(at) => sleep_until(at + limit).await,
        }
    }
    board.say(key, TurnEvent::Stalled(limit));
    let why = format!(
        "Nothing was heard from Codex for {}; the turn was ended.",
        setting_seconds(limit.as_secs())
    );
    if let Err(error) = control.interrupt().await {
        tracing::warn!(%error, "a silent turn cannot be interrupted");
    } else {
        board.explain(key, why.clone());
        sleep(END_PATIENCE).await;
    }
    // No effect when it has ended meanwhile.
    board.finish(key, TurnStatus::Interrupted, Some(why));
}
