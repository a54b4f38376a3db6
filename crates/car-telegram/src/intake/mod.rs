//! What comes from Telegram: read, admitted, stored, confirmed, and only then looked at.

pub(crate) mod admission;
pub(crate) mod command;
mod poll;
mod reading;

use car_store::Place;
use serde::{Deserialize, Serialize};

pub(crate) use command::Command;
pub(crate) use poll::run;

/// Something somebody did. This is how it is kept, too; its shape only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incoming {
    /// Telegram's number of it.
    pub(crate) update_id: i64,
    /// The chat.
    pub(crate) chat: i64,
    /// The topic in it; 0 for none.
    pub(crate) topic: i64,
    /// Whether it is the chat of one person with the bot.
    pub(crate) is_private: bool,
    /// Who.
    pub(crate) user: User,
    /// The message it is about.
    pub(crate) message_id: i64,
    /// What.
    pub(crate) what: What,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    /// Telegram's id of them.
    pub(crate) id: i64,
    /// Their name, for people.
    pub(crate) name: String,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// They wrote.
    Said(Said),
    /// They changed what they had written.
    Edited {
        /// What it says now.
        text: String,
    },
    /// They pressed a button.
    Pressed {
        /// Telegram's name of the press.
        query: String,
        /// What the button carries.
        data: String,
    },
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    /// The text, or what stands below the file.
    pub(crate) text: String,
    /// The command it is.
    pub(crate) command: Option<Command>,
    /// The file it brings.
    pub(crate) media: Option<Media>,
    /// The album it belongs to.
    pub(crate) album: Option<String>,
    /// Whether it names the bot.
    pub(crate) names_bot: bool,
    /// The bot's message it answers.
    pub(crate) answers: Option<i64>,
    /// What it quotes of others.
    pub(crate) quote: Option<String>,
    /// Whether it is something the bot cannot read, such as a sticker.
    pub(crate) is_unknown: bool,
    /// Whether it is a command for another bot.
    pub(crate) is_for_others: bool,
}

/// A file somebody sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Media {
    /// What kind.
    pub(crate) kind: MediaKind,
    /// Telegram's name of it.
    pub(crate) file_id: String,
    /// Its bytes, as Telegram says.
    pub(crate) size: u64,
    /// The name its sender gave it.
    pub(crate) name: Option<String>,
    /// Its content type.
    pub(crate) mime: Option<String>,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MediaKind {
    /// A picture.
    Image,
    /// Speech.
    Voice,
    /// Anything else.
    File,
}

impl Incoming {
    /// Where it happened.
    pub(crate) fn place(&self) -> Place {
        Place { chat: self.chat, topic: self.topic }
    }
}
