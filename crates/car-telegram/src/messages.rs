//! What people say that is no command: answers to questions, shell commands, and above all work for Codex.

use std::sync::Arc;

use car_engine::config::{TelegramRole, TelegramTrigger, TelegramWhileBusy};
use car_engine::{EngineError, now};
use car_store::{NewMessage, NewTurn, Place};

use crate::bot::Bot;
use crate::intake::{Incoming, Media, MediaKind, What, command};
use crate::lanes::Topic;
use crate::outbox::letter_to;
use crate::payload::{Button, Letter, Payload, Priority};
use crate::topic::Bound;
use crate::turn::Work;
use crate::{commands, requests, workspace};

/// Handles what was said, in one part or several that belong together.
pub(crate) async fn said(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    parts: &[Incoming],
) -> Result<(), EngineError> {
    let (Some(first), updates) = (parts.first(), ids(parts)) else { return Ok(()) };
    let What::Said(said) = &first.what else { return Ok(()) };
    let bound = Bound::read(&bot.store, topic.place).await?;
    if command::is_stop_word(&said.text) && said.media.is_none() {
        commands::allowed(bot, first, TelegramRole::Operator).await?;
        return commands::interrupt(bot, topic, first).await;
    }
    if let Some(message) = said.answers
        && requests::answered(bot, first, message, &said.text).await?
    {
        return Ok(());
    }
    if said.text.starts_with('!') && said.media.is_none() {
        commands::allowed(bot, first, TelegramRole::Admin).await?;
        return commands::shell(bot, &bound, first, said.text[1..].trim()).await;
    }
    if said.is_unknown {
        let text = "I can read text, pictures, voice and files, but not this.";
        return bot.answer(first, Letter::plain(text)).await;
    }
    commands::allowed(bot, first, TelegramRole::Operator).await?;
    // Said at once, and not only when it is this message's turn.
    workspace::of(bot, &bound).await?;
    let media: Vec<Media> = parts.iter().filter_map(|part| media_of(part).cloned()).collect();
    if let Some(refusal) = refused(bot, &media) {
        bot.store.updates_done(&updates[1..]).await?;
        return bot.answer(first, Letter::plain(refusal)).await;
    }
    let texts: Vec<&str> = parts.iter().filter_map(text_of).filter(|t| !t.is_empty()).collect();
    let text = without_name(&texts.join("\n"), &bot.me.name);
    let work = Work::Prompt { text, media, quote: said.quote.clone() };
    submit(bot, topic, &bound, first, &updates, work).await
}

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
    let busy = !bot.store.open_turns_of(place).await?.is_empty();
    let choice = match (busy, &work) {
        (false, _) => None,
        (true, Work::Prompt { .. }) => Some(bound.while_busy(bot.settings.bot())),
        // A review is nothing that could be added.
        (true, _) => Some(TelegramWhileBusy::Queue),
    };
    let mut turn = NewTurn {
        place,
        user_id: first.user.id,
        user_name: first.user.name.clone(),
        reply_to: Some(first.message_id),
        work: serde_json::to_string(&work).unwrap_or_default(),
        is_held: false,
        client_id: format!("car-telegram-{}-{}-{}", bot.me.id, first.chat, first.update_id),
    };
    let notice = |text: &str| {
        let letter = Letter::plain(text).reply_to(Some(first.message_id)).silent();
        letter_to(place, format!("u:{}", first.update_id), letter, Priority::First)
    };
    let messages: Vec<NewMessage> = match choice {
        None => Vec::new(),
        Some(TelegramWhileBusy::Queue) => vec![notice("Queued: it comes after the present work.")],
        Some(TelegramWhileBusy::Steer) => {
            if steer(topic, &work).await {
                return bot.outbox.send(&[notice("Added to the present work.")], updates).await;
            }
            vec![notice("Queued: it cannot be added to the present work.")]
        }
        Some(TelegramWhileBusy::Replace) => {
            topic.stop().await?;
            vec![notice("The present work is being stopped for this.")]
        }
        Some(TelegramWhileBusy::Ask) => {
            turn.is_held = true;
            Vec::new()
        }
    };
    let id = bot.store.add_turn(&turn, updates, &messages, now()).await?;
    if turn.is_held {
        bot.outbox.send(&[question(place, id, first)], &[]).await?;
    }
    bot.outbox.wake();
    topic.work.notify_one();
    Ok(())
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
    letter_to(place, format!("busy:{turn}"), letter, Priority::First)
}

/// Somebody said what to do with a message.
pub(crate) async fn busy_choice(
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
    let mut told = match choice {
        TelegramWhileBusy::Replace => "The present work is being stopped for it.",
        _ => "Queued: it comes after the present work.",
    };
    let is_steered = match (choice, work) {
        (TelegramWhileBusy::Steer, Some(work)) => steer(&topic, &work).await,
        _ => false,
    };
    if is_steered {
        told = "Added to the present work.";
    } else {
        if choice == TelegramWhileBusy::Replace {
            topic.stop().await?;
        }
        bot.store.release_turn(turn).await?;
        topic.work.notify_one();
    }
    let letter = Letter::plain(format!("{told} /busy changes what I do."));
    let edit = Payload::Edit { of: format!("busy:{turn}"), letter };
    let edit = edit.to(place, format!("busy:{turn}:done"), Priority::First);
    if is_steered {
        // Its answer is that of the turn it joined.
        bot.store.end_turn(turn, "\"steered\"", &[edit], now()).await?;
        bot.outbox.wake();
    } else {
        bot.outbox.send(&[edit], &[]).await?;
    }
    Ok(told.to_owned())
}

/// Adds work to the turn that runs; `false` when that cannot be.
async fn steer(topic: &Topic, work: &Work) -> bool {
    let Work::Prompt { text, media, quote } = work else { return false };
    if !media.is_empty() {
        return false;
    }
    let Some(control) = topic.running().and_then(|running| running.control) else { return false };
    let text = crate::turn::with_quote(text, quote.as_deref());
    match control.steer(&text).await {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "a message could not be added to the running turn");
            false
        }
    }
}

/// Somebody changed a message: when Codex works on exactly that one, it begins anew.
pub(crate) async fn edited(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    incoming: &Incoming,
    text: &str,
) -> Result<(), EngineError> {
    let running = topic.running().filter(|turn| turn.reply_to == Some(incoming.message_id));
    if running.is_none() || text.trim().is_empty() {
        return Ok(bot.store.updates_done(&[incoming.update_id]).await?);
    }
    commands::allowed(bot, incoming, TelegramRole::Operator).await?;
    topic.stop().await?;
    let text = format!("I have changed my last message. It says now:\n\n{text}");
    let work = Work::Prompt { text, media: Vec::new(), quote: None };
    let turn = NewTurn {
        place: topic.place,
        user_id: incoming.user.id,
        user_name: incoming.user.name.clone(),
        reply_to: Some(incoming.message_id),
        work: serde_json::to_string(&work).unwrap_or_default(),
        is_held: false,
        client_id: format!("car-telegram-{}-{}-{}", bot.me.id, incoming.chat, incoming.update_id),
    };
    bot.store.add_turn(&turn, &[incoming.update_id], &[], now()).await?;
    topic.work.notify_one();
    Ok(())
}

/// Whether a message of a group is for the bot. Commands for it and presses always are.
pub(crate) async fn is_for_us(
    bot: &Bot,
    place: Place,
    incoming: &Incoming,
) -> Result<bool, EngineError> {
    let What::Said(said) = &incoming.what else { return Ok(true) };
    if said.is_for_others {
        return Ok(false);
    }
    if incoming.is_private || said.command.is_some() {
        return Ok(true);
    }
    let answers = said.answers.is_some();
    let bound = Bound::read(&bot.store, place).await?;
    Ok(match bound.trigger(bot.settings.bot()) {
        TelegramTrigger::All => true,
        TelegramTrigger::Mention => said.names_bot || answers,
        TelegramTrigger::Reply => answers,
        TelegramTrigger::Commands => command::is_stop_word(&said.text),
    })
}

/// Why files are not taken.
fn refused(bot: &Bot, media: &[Media]) -> Option<String> {
    let config = &bot.settings.bot().media;
    media.iter().find_map(|media| {
        let (is_on, max, what) = match media.kind {
            MediaKind::Image => (config.images, config.max_image_bytes, "Pictures"),
            MediaKind::Voice => (config.voice, config.max_voice_bytes, "Voice notes"),
            MediaKind::File => (config.files, config.max_file_bytes, "Files"),
        };
        if !config.enabled || !is_on {
            return Some(format!("{what} are turned off."));
        }
        (media.size > max).then(|| {
            let max = car_domain::format::bytes(max);
            format!(
                "{what} may have at most {max}; this has {}.",
                car_domain::format::bytes(media.size)
            )
        })
    })
}

fn ids(parts: &[Incoming]) -> Vec<i64> {
    parts.iter().map(|part| part.update_id).collect()
}

fn text_of(part: &Incoming) -> Option<&str> {
    match &part.what {
        What::Said(said) => Some(said.text.as_str()),
        _ => None,
    }
}

fn media_of(part: &Incoming) -> Option<&Media> {
    match &part.what {
        What::Said(said) => said.media.as_ref(),
        _ => None,
    }
}

/// The text without the bot's name at its beginning.
fn without_name(text: &str, bot: &str) -> String {
    let name = format!("@{bot}");
    let is_named = text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(&name));
    if is_named { text[name.len()..].trim_start().to_owned() } else { text.to_owned() }
}
