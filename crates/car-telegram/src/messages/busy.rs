//! Work for Codex, also while it is at work already: then a message joins the work, waits, or takes over.
//!
//! A message that is to join is a held turn first. It joins under its turn's name, so that after a crash it is known whether it
//! has; and if it has not, it waits as a turn of its own.

use std::sync::Arc;

use car_engine::config::{TelegramRole, TelegramWhileBusy};
use car_engine::{EngineError, now};
use car_store::{NewMessage, NewTurn, Place, TurnRow};

use crate::bot::Bot;
use crate::intake::Incoming;
use crate::lanes::Topic;
use crate::outbox::letter_to;
use crate::payload::{Button, Letter, Payload, Priority};
use crate::topic::Bound;
use crate::turn::Work;
use crate::{commands, workspace};

const JOINED: &str = "Added to the present work.";
const QUEUED: &str = "Queued: it comes after the present work.";
const TAKES_OVER: &str = "The present work is being stopped for this.";
/// How a turn that joined another one has ended.
const JOINED_OUTCOME: &str = "\"joined\"";

/// Takes work on: it waits for its turn, or joins the one that runs.
pub(crate) async fn submit(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    bound: &Bound,
    first: &Incoming,
    updates: &[i64],
    work: Work,
) -> Result<(), EngineError> {
    let place = topic.place;
    let is_busy = !bot.store.open_turns_of(place).await?.is_empty();
    let choice = match (is_busy, &work) {
        (false, _) => None,
        (true, Work::Prompt { .. }) => Some(bound.while_busy(bot.settings.bot())),
        // A review is nothing that could be added.
        (true, _) => Some(TelegramWhileBusy::Queue),
    };
    let notice = |text: &str| {
        let letter = Letter::plain(text).reply_to(Some(first.message_id)).silent();
        letter_to(place, format!("u:{}", first.update_id), letter, Priority::First)
    };
    let is_held = matches!(choice, Some(TelegramWhileBusy::Steer | TelegramWhileBusy::Ask));
    let messages: Vec<NewMessage> = match choice {
        Some(TelegramWhileBusy::Queue) => vec![notice(QUEUED)],
        Some(TelegramWhileBusy::Replace) => vec![notice(TAKES_OVER)],
        _ => Vec::new(),
    };
    let turn = new_turn(bot, place, first, &work, is_held);
    let id = bot.store.add_turn(&turn, updates, &messages, now()).await?;
    match choice {
        Some(TelegramWhileBusy::Replace) => drop(topic.stop().await?),
        Some(TelegramWhileBusy::Steer) => {
            if join(topic, &work, &turn.client_id).await {
                bot.store.end_turn(id, JOINED_OUTCOME, &[notice(JOINED)], now()).await?;
            } else {
                bot.store.release_turn(id).await?;
                let told = "Queued: it cannot be added to the present work.";
                bot.outbox.send(&[notice(told)], &[]).await?;
            }
        }
        Some(TelegramWhileBusy::Ask) => bot.outbox.send(&[question(place, id, first)], &[]).await?,
        Some(TelegramWhileBusy::Queue) | None => {}
    }
    bot.outbox.wake();
    topic.work.notify_one();
    Ok(())
}

fn new_turn(bot: &Bot, place: Place, from: &Incoming, work: &Work, is_held: bool) -> NewTurn {
    NewTurn {
        place,
        user_id: from.user.id,
        user_name: from.user.name.clone(),
        reply_to: Some(from.message_id),
        work: serde_json::to_string(work).unwrap_or_default(),
        is_held,
        client_id: format!("car-telegram-{}-{}-{}", bot.me.id, from.chat, from.update_id),
    }
}

/// What to do with a message while Codex works.
fn question(place: Place, turn: i64, first: &Incoming) -> NewMessage {
    let button = |text: &str, word: &str| Button::new(text, format!("w:{turn}:{word}"));
    let letter = Letter::plain(
        "Codex is at work. What shall I do with this message? I will do the same with the next \
         ones in this topic; /busy changes it.",
    )
    .reply_to(Some(first.message_id))
    .buttons(vec![
        vec![button("Add to the work", "steer")],
        vec![button("Do it afterwards", "queue")],
        vec![button("Stop the work for it", "replace")],
    ]);
    letter_to(place, question_key(turn), letter, Priority::First)
}

fn question_key(turn: i64) -> String {
    format!("busy:{turn}")
}

/// The question about a held turn is settled: it says so, without buttons.
fn settled(place: Place, turn: i64, told: &str) -> NewMessage {
    let edit = Payload::Edit { of: question_key(turn), letter: Letter::plain(told) };
    edit.to(place, format!("{}:done", question_key(turn)), Priority::First)
}

/// Somebody said what to do with a message.
pub(crate) async fn chosen(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    turn: i64,
    choice: TelegramWhileBusy,
) -> Result<String, EngineError> {
    commands::allowed(bot, incoming, TelegramRole::Operator).await?;
    let row = bot.store.turn(turn).await?.filter(|row| row.chat == incoming.chat);
    let Some(row) = row.filter(|row| row.state == "held") else {
        return Ok("It is at work or done already.".to_owned());
    };
    let place = row.place();
    let topic = bot.topic(place);
    let mut bound = Bound::read(&bot.store, place).await?;
    bound.settings.while_busy = Some(choice);
    bound.keep(&bot.store).await?;
    let work: Option<Work> = serde_json::from_str(&row.work).ok();
    let has_joined = match (choice, work) {
        (TelegramWhileBusy::Steer, Some(work)) => join(&topic, &work, &row.client_id).await,
        _ => false,
    };
    let told = match choice {
        _ if has_joined => JOINED,
        TelegramWhileBusy::Replace => TAKES_OVER,
        _ => QUEUED,
    };
    let edit = settled(place, turn, &format!("{told} /busy changes what I do."));
    if has_joined {
        // Its answer is that of the turn it joined.
        bot.store.end_turn(turn, JOINED_OUTCOME, &[edit], now()).await?;
        bot.outbox.wake();
        return Ok(told.to_owned());
    }
    bot.store.release_turn(turn).await?;
    if choice == TelegramWhileBusy::Replace {
        topic.stop().await?;
    }
    topic.work.notify_one();
    bot.outbox.send(&[edit], &[]).await?;
    Ok(told.to_owned())
}

/// A held turn is next: nobody chose in time, or the bot ended in between. `true` when it has joined another turn before; then
/// nothing is left to do.
pub(crate) async fn held_begins(bot: &Arc<Bot>, row: &TurnRow) -> Result<bool, EngineError> {
    let has_joined = has_joined(bot, row).await.unwrap_or_else(|error| {
        tracing::warn!(%error, turn = row.id, "it cannot be told whether a message has joined a turn");
        false
    });
    let edit =
        settled(row.place(), row.id, if has_joined { JOINED } else { "It is its turn now." });
    if has_joined {
        bot.store.end_turn(row.id, JOINED_OUTCOME, &[edit], now()).await?;
        bot.outbox.wake();
    } else {
        bot.outbox.send(&[edit], &[]).await?;
    }
    Ok(has_joined)
}

async fn has_joined(bot: &Bot, row: &TurnRow) -> Result<bool, EngineError> {
    let bound = Bound::read(&bot.store, row.place()).await?;
    let Some(thread) = &bound.codex_thread else { return Ok(false) };
    let codex = bot.codexes.of(&workspace::of(bot, &bound).await?).await?;
    codex.has_message(thread, &row.client_id).await
}

/// Adds work to the turn that runs, under a name of ours; `false` when that cannot be.
async fn join(topic: &Topic, work: &Work, client_id: &str) -> bool {
    let Work::Prompt { text, media, quote } = work else { return false };
    if !media.is_empty() {
        return false;
    }
    let Some(control) = topic.running().and_then(|running| running.control) else { return false };
    let text = crate::turn::with_quote(text, quote.as_deref());
    match control.steer(&text, Some(client_id)).await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "a message could not be added to the running turn");
            false
        }
    }
}

/// Somebody changed a message: the turn that answers it begins anew, or begins with what the message says now.
pub(crate) async fn edited(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    incoming: &Incoming,
    text: &str,
) -> Result<(), EngineError> {
    let open = bot.store.open_turns_of(topic.place).await?;
    let answering = open.iter().rfind(|turn| turn.reply_to == Some(incoming.message_id));
    let Some(answering) = answering.filter(|_| !text.trim().is_empty()) else {
        return Ok(bot.store.updates_done(&[incoming.update_id]).await?);
    };
    commands::allowed(bot, incoming, TelegramRole::Operator).await?;
    let changed = format!("I have changed my last message. It says now:\n\n{text}");
    if let Ok(Work::Prompt { text: before, media, quote }) = serde_json::from_str(&answering.work) {
        let work = Work::Prompt { text: format!("{before}\n\n{changed}"), media, quote };
        let work = serde_json::to_string(&work).unwrap_or_default();
        let is_waiting = bot.store.rework_turn(answering.id, &work).await?;
        // Asked afterwards: a turn is read when it is known to be at work.
        if is_waiting && !is_at_work(topic, answering) {
            return Ok(bot.store.updates_done(&[incoming.update_id]).await?);
        }
    }
    let work = Work::Prompt { text: changed, media: Vec::new(), quote: None };
    let turn = new_turn(bot, topic.place, incoming, &work, false);
    bot.store.add_turn(&turn, &[incoming.update_id], &[], now()).await?;
    if is_at_work(topic, answering) {
        topic.stop().await?;
    }
    topic.work.notify_one();
    Ok(())
}

fn is_at_work(topic: &Topic, turn: &TurnRow) -> bool {
    topic.running().is_some_and(|running| running.turn == turn.id)
}
