//! What buttons carry, and what pressing them does.
//!
//! `r:<name>:<question>:<choice>` decides about a request, `s:<turn>` stops a turn, `w:<turn>:<word>` says what to do with a
//! message that came while Codex worked, `p:<name>:<choice>` chooses from a list.

use std::sync::Arc;

use car_engine::EngineError;
use car_engine::config::{TelegramRole, TelegramWhileBusy};

use crate::bot::Bot;
use crate::intake::Incoming;
use crate::{commands, messages, pickers, requests};

const UNKNOWN: &str = "This button does not work any more.";

/// Handles a press. Whoever pressed always hears something.
pub(crate) async fn pressed(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    query: &str,
    data: &str,
) -> Result<(), EngineError> {
    let parts: Vec<&str> = data.split(':').collect();
    let told = match parts[..] {
        ["r", token, at, choice] => match (at.parse(), choice.parse()) {
            (Ok(at), Ok(choice)) => requests::pressed(bot, incoming, token, at, choice).await?,
            _ => UNKNOWN.to_owned(),
        },
        ["s", turn] => stop(bot, incoming, turn).await?,
        ["w", turn, word] => {
            let choice = match word {
                "steer" => Some(TelegramWhileBusy::Steer),
                "queue" => Some(TelegramWhileBusy::Queue),
                "replace" => Some(TelegramWhileBusy::Replace),
                _ => None,
            };
            match (turn.parse(), choice) {
                (Ok(turn), Some(choice)) => messages::chosen(bot, incoming, turn, choice).await?,
                _ => UNKNOWN.to_owned(),
            }
        }
        ["p", token, choice] => pickers::pressed(bot, incoming, token, choice).await?,
        _ => UNKNOWN.to_owned(),
    };
    bot.store.updates_done(&[incoming.update_id]).await?;
    // A press of long ago cannot be answered any more; what it did is done.
    let _ = bot
        .telegram
        .toast(query, Some(&told).filter(|told| !told.is_empty()).map(String::as_str))
        .await;
    Ok(())
}

/// Stops exactly the turn whose card the button is on.
async fn stop(bot: &Arc<Bot>, incoming: &Incoming, turn: &str) -> Result<String, EngineError> {
    commands::allowed(bot, incoming, TelegramRole::Operator).await?;
    let turn: i64 = turn.parse().unwrap_or(-1);
    let row = bot.store.turn(turn).await?.filter(|row| row.chat == incoming.chat);
    let Some(row) = row else { return Ok(UNKNOWN.to_owned()) };
    let topic = bot.topic(row.place());
    if topic.running().is_none_or(|running| running.turn != turn) {
        return Ok("It is not at work any more.".to_owned());
    }
    topic.stop().await?;
    let user = (incoming.user.id, incoming.user.name.as_str());
    bot.store.record(user, row.place(), "stopped", "", car_engine::now()).await?;
    Ok("Stopping.".to_owned())
}
