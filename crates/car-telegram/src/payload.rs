//! Messages as the outbox keeps them.

use car_store::{NewMessage, Place};
use serde::{Deserialize, Serialize};

use crate::render;

/// A button below a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Button {
    /// What stands on it.
    pub(crate) text: String,
    /// What comes back when it is pressed; at most 64 bytes.
    pub(crate) data: String,
}

impl Button {
    pub(crate) fn new(text: impl Into<String>, data: impl Into<String>) -> Self {
        Self { text: text.into(), data: data.into() }
    }
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Payload {
    /// A new message.
    Text(Letter),
    /// A message of ours is changed.
    Edit {
        /// The name under which it was sent.
        of: String,
        /// What it says from now on.
        #[serde(flatten)]
        letter: Letter,
    },
    /// A file.
    File {
        /// Its name.
        name: String,
        /// What stands below it; never empty, so that it can be found again.
        caption: String,
        /// What is in it.
        content: Content,
        /// The message it answers.
        #[serde(default)]
        reply_to: Option<i64>,
    },
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// This text.
    Text(String),
    /// What is in this file when it is sent. It is moved to `sent` afterwards.
    Path {
        /// The file.
        path: String,
        /// Where it is put when it was sent.
        sent: String,
    },
}

/// The words of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// Telegram's HTML.
    pub(crate) html: Option<String>,
    /// The same without markup.
    pub(crate) plain: String,
    /// The message it answers.
    #[serde(default)]
    pub(crate) reply_to: Option<i64>,
    /// Buttons below, row by row.
    #[serde(default)]
    pub(crate) buttons: Vec<Vec<Button>>,
    /// Whether it comes without a sound.
    #[serde(default)]
    pub(crate) is_silent: bool,
}

impl Letter {
    /// Plain words of ours.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { plain: text.into(), ..Self::default() }
    }

    /// Words of ours in Markdown. Too long for one message, they are cut; answers of the agent are split instead.
    pub(crate) fn markdown(text: &str) -> Self {
        let mut parts = render::markdown(text).into_iter();
        let first = parts.find_map(|part| match part {
            render::Part::Text { html, plain } => Some((html, plain)),
            render::Part::File { .. } => None,
        });
        let (html, plain) = first.unwrap_or_else(|| (String::new(), text.to_owned()));
        Self { html: (!html.is_empty()).then_some(html), plain, ..Self::default() }
    }

    pub(crate) fn reply_to(self, message: Option<i64>) -> Self {
        Self { reply_to: message, ..self }
    }

    pub(crate) fn buttons(self, buttons: Vec<Vec<Button>>) -> Self {
        Self { buttons, ..self }
    }

    pub(crate) fn silent(self) -> Self {
        Self { is_silent: true, ..self }
    }
}

/// Order in the outbox: what people wait for with a finger on a button goes before long answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Questions of the agent, answers to commands.
    First,
    /// Answers, files.
    Usual,
}

impl Payload {
    /// A part of a text in Markdown.
    pub(crate) fn of_part(part: render::Part, reply_to: Option<i64>) -> Self {
        match part {
            render::Part::Text { html, plain } => {
                let letter = Letter { html: Some(html), ..Letter::plain(plain) };
                Self::Text(letter.reply_to(reply_to))
            }
            render::Part::File { name, text } => {
                Self::File { caption: name.clone(), name, content: Content::Text(text), reply_to }
            }
        }
    }

    /// The message under the name `key`, for a place.
    pub(crate) fn to(
        &self,
        place: Place,
        key: impl Into<String>,
        priority: Priority,
    ) -> NewMessage {
        let priority = match priority {
            Priority::First => 0,
            Priority::Usual => 1,
        };
        let payload = serde_json::to_string(self).unwrap_or_default();
        NewMessage { place, key: key.into(), payload, priority }
    }
}
