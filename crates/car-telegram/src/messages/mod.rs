//! What people say that is no command: answers to questions, shell commands, and above all work for Codex.

mod busy;

use std::sync::Arc;

use car_engine::EngineError;
use car_engine::config::{TelegramRole, TelegramTrigger};
use car_store::Place;

use crate::bot::Bot;
use crate::intake::{Incoming, Media, MediaKind, What, command};
use crate::lanes::Topic;
use crate::payload::Letter;
use crate::topic::Bound;
use crate::turn::Work;
use crate::{commands, requests, workspace};
pub(crate) use busy::{chosen, edited, held_begins, submit};

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
