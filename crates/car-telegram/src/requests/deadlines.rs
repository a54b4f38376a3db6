//! Nobody deciding means no: what waits too long is declined, after a reminder. A request that cannot be declined now holds up
//! no other.

use std::sync::Arc;
use std::time::Duration;

use car_domain::Timestamp;
use car_domain::conversation::{AgentRequest, Decision};
use car_engine::{EngineError, ErrorKind, now};
use car_store::{NewMessage, RequestRow};

use super::{NOBODY, answered_as, closed, expired, give, key};
use crate::bot::Bot;
use crate::payload::{Letter, Priority};
use crate::topic::Bound;
use crate::{outbox, workspace};

/// Longest pause between two looks at what expires.
const A_DAY: Duration = Duration::from_secs(24 * 3600);
/// Pause after something could not be done.
const RETRY: Duration = Duration::from_secs(5);

/// Reminds people of what waits, and declines what nobody decided in time.
pub(crate) async fn deadlines(bot: Arc<Bot>) {
    loop {
        let pause = match look(&bot).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "requests of the agent cannot be looked at");
                RETRY
            }
        };
        tokio::select! {
            () = bot.cancel.cancelled() => return,
            () = bot.requests_changed.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does what is due, and returns the time until something is.
async fn look(bot: &Arc<Bot>) -> Result<Duration, EngineError> {
    let mut pause = A_DAY;
    for row in bot.store.open_requests().await? {
        let next = match look_at(bot, &row).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, turn = row.turn, "a request of the agent cannot be declined");
                RETRY
            }
        };
        pause = pause.min(next);
    }
    Ok(pause.max(Duration::from_millis(10)))
}

/// Does what is due about one request, and returns the time until something is.
async fn look_at(bot: &Arc<Bot>, row: &RequestRow) -> Result<Duration, EngineError> {
    let left = Timestamp::from_millis(row.expires_at).since(now());
    if left.is_zero() {
        expire(bot, row).await?;
        return Ok(A_DAY);
    }
    let remind = bot.settings.bot().requests.remind_seconds;
    let before = Duration::from_secs(remind);
    if row.is_reminded || remind == 0 {
        return Ok(left);
    }
    if left > before {
        return Ok(left - before);
    }
    bot.outbox.send(&[reminder(bot, row, left).await?], &[]).await?;
    bot.store.reminded(&row.token).await?;
    Ok(left)
}

async fn reminder(bot: &Bot, row: &RequestRow, left: Duration) -> Result<NewMessage, EngineError> {
    let shown = bot.store.message(&key(&row.token)).await?.and_then(|shown| shown.message_id);
    let left = car_domain::format::coarse(left);
    let text = format!("Codex still waits for a decision; without one it is declined in {left}.");
    let name = format!("{}:reminder", key(&row.token));
    Ok(outbox::letter_to(row.place(), name, Letter::plain(text).reply_to(shown), Priority::First))
}

async fn expire(bot: &Arc<Bot>, row: &RequestRow) -> Result<(), EngineError> {
    let request = serde_json::from_str::<AgentRequest>(&row.request).ok();
    let offered = request.map(|request| request.offered).unwrap_or_default();
    let no = offered
        .iter()
        .find(|decision| **decision == Decision::Decline)
        .or_else(|| offered.iter().find(|decision| **decision == Decision::Cancel))
        .cloned();
    let given = match no {
        Some(decision) => give(bot, row, decision, NOBODY).await.map(Some),
        // A question cannot be declined; without an answer there is nothing to go on with.
        None => {
            let bound = Bound::read(&bot.store, row.place()).await?;
            let codex = bot.codexes.of(&workspace::of(bot, &bound).await?).await?;
            codex.interrupt(&row.codex_thread, &row.codex_turn).await.map(|()| None)
        }
    };
    match given {
        Ok(Some(answer)) => answered_as(bot, row, &answer).await,
        Ok(None) => expired(bot, row).await,
        // Decided otherwise in this very moment, or gone with its turn.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            tracing::info!(%error, "a request that expired does not wait any more");
            closed(bot, row).await
        }
        Err(error) => Err(error),
    }
}
