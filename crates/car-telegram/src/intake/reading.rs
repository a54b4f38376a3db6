//! From Telegram's update to what the bot keeps.

use teloxide_core::types::{
    CallbackQuery, MaybeInaccessibleMessage, Message, MessageEntity, MessageEntityKind, Update,
    UpdateKind,
};

use super::command::{Addressed, parse};
use super::{Incoming, Media, MediaKind, Said, User, What};

/// Suffixes of files that are pictures, whatever their content type.
const IMAGES: [&str; 7] = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".heif"];
/// Characters kept of what is quoted.
const MAX_QUOTE: usize = 2000;

/// What an update is about.
pub(super) enum Read {
    /// Something somebody did.
    Incoming(Box<Incoming>),
    /// A group became a supergroup.
    Moved { from: i64, to: i64 },
    /// Nothing the bot looks at.
    Nothing,
}

/// Reads an update. `bot` is the bot's id and name.
pub(super) fn read(update: &Update, bot: (i64, &str)) -> Read {
    let update_id = i64::from(update.id.0);
    let incoming = match &update.kind {
        UpdateKind::Message(message) => {
            if let Some(to) = message.migrate_to_chat_id() {
                return Read::Moved { from: message.chat.id.0, to: to.0 };
            }
            said(message, bot).and_then(|said| of_message(update_id, message, What::Said(said)))
        }
        UpdateKind::EditedMessage(message) => {
            let text = message.text().or(message.caption()).unwrap_or_default().to_owned();
            of_message(update_id, message, What::Edited { text })
        }
        UpdateKind::CallbackQuery(query) => pressed(update_id, query),
        _ => None,
    };
    incoming.map_or(Read::Nothing, |incoming| Read::Incoming(Box::new(incoming)))
}

fn of_message(update_id: i64, message: &Message, what: What) -> Option<Incoming> {
    let from = message.from.as_ref().filter(|from| !from.is_bot)?;
    Some(Incoming {
        update_id,
        chat: message.chat.id.0,
        topic: topic(message),
        is_private: message.chat.is_private(),
        user: User { id: i64::try_from(from.id.0).ok()?, name: from.full_name() },
        message_id: i64::from(message.id.0),
        what,
    })
}

/// The topic. In groups without topics a chain of answers has a number, too, which means nothing.
fn topic(message: &Message) -> i64 {
    let thread = message.thread_id.filter(|_| message.is_topic_message);
    thread.map_or(0, |thread| i64::from(thread.0.0))
}

fn pressed(update_id: i64, query: &CallbackQuery) -> Option<Incoming> {
    let message = query.message.as_ref()?;
    let topic = match message {
        MaybeInaccessibleMessage::Regular(message) => topic(message),
        MaybeInaccessibleMessage::Inaccessible(_) => 0,
    };
    Some(Incoming {
        update_id,
        chat: message.chat().id.0,
        topic,
        is_private: message.chat().is_private(),
        user: User { id: i64::try_from(query.from.id.0).ok()?, name: query.from.full_name() },
        message_id: i64::from(message.id().0),
        what: What::Pressed { query: query.id.0.clone(), data: query.data.clone()? },
    })
}

/// `None` for what Telegram itself says, such as that a topic was made.
fn said(message: &Message, (bot_id, bot_name): (i64, &str)) -> Option<Said> {
    let text = message.text().or(message.caption()).unwrap_or_default();
    let entities = message.entities().or(message.caption_entities()).unwrap_or_default();
    let media = media(message);
    let is_service = !matches!(message.kind, teloxide_core::types::MessageKind::Common(_));
    if is_service {
        return None;
    }
    let first = entities
        .iter()
        .find(|entity| entity.kind == MessageEntityKind::BotCommand && entity.offset == 0);
    let addressed = first.map_or(Addressed::None, |entity| parse(text, entity.length, bot_name));
    let (command, is_for_others) = match addressed {
        Addressed::Ours(command) => (Some(command), false),
        Addressed::Others => (None, true),
        Addressed::None => (None, false),
    };
    let answered = message.reply_to_message();
    let is_ours = |other: &&Message| {
        other.from.as_ref().is_some_and(|from| i64::try_from(from.id.0) == Ok(bot_id))
    };
    // In a topic every message answers the one that made the topic.
    let is_root = |other: &&Message| Some(other.id) == message.thread_id.map(|thread| thread.0);
    let quoted = message.quote().map(|quote| quote.text.clone()).or_else(|| {
        let other = answered.filter(|other| !is_ours(other) && !is_root(other))?;
        other.text().or(other.caption()).map(str::to_owned)
    });
    Some(Said {
        is_unknown: text.is_empty() && media.is_none(),
        names_bot: names(text, entities, bot_name),
        text: text.to_owned(),
        command,
        media,
        album: message.media_group_id().map(|group| group.0.clone()),
        answers: answered.filter(is_ours).map(|other| i64::from(other.id.0)),
        quote: quoted.map(|quote| car_domain::text::excerpt(&quote, MAX_QUOTE).text),
        is_for_others,
    })
}

fn names(text: &str, entities: &[MessageEntity], bot: &str) -> bool {
    let wide: Vec<u16> = text.encode_utf16().collect();
    entities.iter().filter(|entity| entity.kind == MessageEntityKind::Mention).any(|entity| {
        let end = entity.offset.saturating_add(entity.length);
        let name = wide.get(entity.offset..end).map(String::from_utf16_lossy).unwrap_or_default();
        name.trim_start_matches('@').eq_ignore_ascii_case(bot)
    })
}

fn media(message: &Message) -> Option<Media> {
    if let Some(photo) = message.photo() {
        // The largest that is offered.
        let best = photo.iter().max_by_key(|size| (size.file.size, size.width * size.height))?;
        return Some(Media {
            kind: MediaKind::Image,
            file_id: best.file.id.0.clone(),
            size: u64::from(best.file.size),
            name: None,
            mime: Some("image/jpeg".to_owned()),
        });
    }
    if let Some(voice) = message.voice() {
        return Some(Media {
            kind: MediaKind::Voice,
            file_id: voice.file.id.0.clone(),
            size: u64::from(voice.file.size),
            name: Some("voice.ogg".to_owned()),
            mime: voice.mime_type.as_ref().map(ToString::to_string),
        });
    }
    if let Some(audio) = message.audio() {
        return Some(Media {
            kind: MediaKind::Voice,
            file_id: audio.file.id.0.clone(),
            size: u64::from(audio.file.size),
            name: audio.file_name.clone(),
            mime: audio.mime_type.as_ref().map(ToString::to_string),
        });
    }
    if let Some(document) = message.document() {
        let mime = document.mime_type.as_ref().map(ToString::to_string);
        let name = document.file_name.clone().unwrap_or_default().to_lowercase();
        let is_image = mime.as_ref().is_some_and(|mime| mime.starts_with("image/"))
            || IMAGES.iter().any(|suffix| name.ends_with(suffix));
        return Some(Media {
            kind: if is_image { MediaKind::Image } else { MediaKind::File },
            file_id: document.file.id.0.clone(),
            size: u64::from(document.file.size),
            name: document.file_name.clone(),
            mime,
        });
    }
    let (file, name, mime) = if let Some(video) = message.video() {
        (&video.file, video.file_name.clone(), "video/mp4")
    } else if let Some(note) = message.video_note() {
        (&note.file, None, "video/mp4")
    } else {
        return None;
    };
    Some(Media {
        kind: MediaKind::File,
        file_id: file.id.0.clone(),
        size: u64::from(file.size),
        name: name.or_else(|| Some("video.mp4".to_owned())),
        mime: Some(mime.to_owned()),
    })
}
