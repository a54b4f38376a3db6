//! The server's part in sending notifications: it empties the outbox of every repository in the background.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Served;
use crate::{notifications, now};

/// While another process sends, it may die with messages left; then somebody has to look again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// When nothing waits: until the next message wakes us.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) fn start(served: Arc<Served>, tracker: &TaskTracker, cancel: CancellationToken) {
    tracker.spawn(async move {
        while !cancel.is_cancelled() {
            let pause = send(&served, &cancel).await;
            tokio::select! {
                () = cancel.cancelled() => {}
                () = served.outbox_changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
}

/// Sends what is due everywhere, and returns the time until something is due again.
async fn send(served: &Served, cancel: &CancellationToken) -> Duration {
    let mut pause = A_DAY;
    for (id, root) in served.roots() {
        match notifications::deliver(&root, cancel).await {
            Ok(delivery) if delivery.is_busy => pause = pause.min(LOOK_AGAIN),
            Ok(delivery) => {
                let next =
                    delivery.next_at.map(|at| at.since(now()).max(Duration::from_millis(100)));
                pause = next.map_or(pause, |next| pause.min(next));
            }
            Err(error) => tracing::warn!(repo = id, %error, "notifications wait in the outbox"),
        }
    }
    pause
}
