//! What people do.

use serde_json::{Value, json};

use super::world::{Message, Place, World};
use super::{BOT_ID, BOT_NAME, FakeTelegram};

/// A person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Telegram's id of them.
    pub id: i64,
    /// Their name.
    pub name: &'static str,
}

/// A picture that is sent.
#[derive(Clone, Copy, Debug)]
pub struct Photo<'a> {
    /// Its content.
    pub bytes: &'a [u8],
    /// What is written below.
    pub caption: Option<&'a str>,
    /// The album it belongs to.
    pub album: Option<&'a str>,
}

impl Person {
    fn json(self) -> Value {
        json!({ "id": self.id, "is_bot": false, "first_name": self.name, "username": self.name })
    }
}

/// The bot as it appears in messages.
pub(super) fn bot_json() -> Value {
    json!({ "id": BOT_ID, "is_bot": true, "first_name": "CAR", "username": BOT_NAME })
}

impl FakeTelegram {
    /// Somebody writes. Commands are marked as Telegram marks them. Returns the message's number.
    pub fn say(&self, place: Place, who: Person, text: &str) -> i64 {
        self.send(place, who, text, |message| {
            message["text"] = text.into();
            if let Some(entities) = entities(text) {
                message["entities"] = entities;
            }
        })
    }

    /// Somebody answers a message.
    pub fn reply(&self, place: Place, who: Person, to: i64, text: &str) -> i64 {
        let original = self.look(|world| world.messages.get(&(place.chat, to)).cloned());
        let original = original.expect("the message is there");
        let original = self.look(|world| json_of(world, &original));
        self.send(place, who, text, |message| {
            message["text"] = text.into();
            if let Some(entities) = entities(text) {
                message["entities"] = entities;
            }
            message["reply_to_message"] = original;
        })
    }

    /// Somebody edits what they wrote.
    pub fn edit(&self, place: Place, who: Person, id: i64, text: &str) {
        self.change(|world| {
            let message = world.messages.get_mut(&(place.chat, id)).expect("the message is there");
            message.text = text.to_owned();
            let mut json = frame(world, place, who, id);
            json["text"] = text.into();
            json["edit_date"] = 1_800_000_001.into();
            world.push_update("edited_message", json);
        });
    }

    /// Somebody sends a picture.
    pub fn send_photo(&self, place: Place, who: Person, photo: Photo<'_>) -> i64 {
        let file = self.keep(photo.bytes);
        self.send(place, who, photo.caption.unwrap_or_default(), |message| {
            let size = |id: String, width: u32| {
                json!({ "file_id": id, "file_unique_id": format!("u{id}"), "width": width,
                        "height": width, "file_size": photo.bytes.len() })
            };
            message["photo"] = json!([size(format!("{file}-small"), 90), size(file.clone(), 900)]);
            if let Some(caption) = photo.caption {
                set_caption(message, caption);
            }
            if let Some(album) = photo.album {
                message["media_group_id"] = album.into();
            }
        })
    }

    /// Somebody speaks.
    pub fn send_voice(&self, place: Place, who: Person, bytes: &[u8]) -> i64 {
        let file = self.keep(bytes);
        self.send(place, who, "", |message| {
            message["voice"] = json!({ "file_id": file, "file_unique_id": format!("u{file}"),
                "duration": 3, "mime_type": "audio/ogg", "file_size": bytes.len() });
        })
    }

    /// Somebody sends a file.
    pub fn send_file(
        &self,
        place: Place,
        who: Person,
        name: &str,
        bytes: &[u8],
        caption: Option<&str>,
    ) -> i64 {
        let file = self.keep(bytes);
        self.send(place, who, caption.unwrap_or_default(), |message| {
            message["document"] = json!({ "file_id": file, "file_unique_id": format!("u{file}"),
                "file_name": name, "mime_type": "text/plain", "file_size": bytes.len() });
            if let Some(caption) = caption {
                set_caption(message, caption);
            }
        })
    }

    /// Somebody sends a sticker.
    pub fn send_sticker(&self, place: Place, who: Person) -> i64 {
        let file = self.keep(b"a sticker");
        self.send(place, who, "", |message| {
            message["sticker"] = json!({ "file_id": file, "file_unique_id": format!("u{file}"),
                "type": "regular", "width": 512, "height": 512, "is_animated": false,
                "is_video": false });
        })
    }

    /// Somebody presses the button of this name below the bot's message.
    ///
    /// # Panics
    ///
    /// When there is no such button.
    #[track_caller]
    pub fn press(&self, message: &Message, who: Person, name: &str) {
        let current = self.look(|world| {
            world.messages.get(&(message.place.chat, message.id)).cloned().expect("it is there")
        });
        let data = current.button(name).unwrap_or_else(|| {
            panic!("no button {name:?} below {:?}: {:?}", current.text, current.buttons)
        });
        self.press_data(message, who, data);
    }

    /// A program presses a button that need not be there.
    pub fn press_data(&self, message: &Message, who: Person, data: &str) {
        self.change(|world| {
            let id = format!("cb{}", world.next_update);
            let shown = json_of(world, message);
            world.open_callbacks.insert(id.clone());
            let json = json!({ "id": id, "from": who.json(), "message": shown,
                               "chat_instance": "1", "data": data });
            world.push_update("callback_query", json);
        });
    }

    fn keep(&self, bytes: &[u8]) -> String {
        self.change(|world| {
            world.n_files += 1;
            let id = format!("file{}", world.n_files);
            world.files.insert(id.clone(), bytes.to_vec());
            id
        })
    }

    fn send(&self, place: Place, who: Person, text: &str, fill: impl FnOnce(&mut Value)) -> i64 {
        self.change(|world| {
            let id = world.next_id(place.chat);
            let message = Message {
                place,
                id,
                from: who.id,
                text: text.to_owned(),
                source: text.to_owned(),
                buttons: Vec::new(),
                document: None,
                reply_to: None,
                n_edits: 0,
                is_silent: false,
            };
            world.messages.insert((place.chat, id), message);
            let mut json = frame(world, place, who, id);
            fill(&mut json);
            world.push_update("message", json);
            id
        })
    }
}

impl World {
    pub(crate) fn push_update(&mut self, kind: &str, content: Value) {
        if self.next_update == 0 {
            self.next_update = 1000;
        }
        let id = self.next_update;
        self.next_update += 1;
        let mut update = json!({ "update_id": id });
        update[kind] = content;
        self.updates.push_back((id, update));
    }

    /// An update of a kind that is younger than the bot.
    pub fn push_unknown(&mut self) {
        self.push_update("something_new", json!({ "id": "x", "what": ["nobody", "knows"] }));
    }

    /// The numbers of later updates begin here, as Telegram's do after a quiet week.
    pub fn renumber_updates(&mut self, next: i64) {
        self.next_update = next;
    }

    /// Tells the bot, as Telegram does, that its chat has become another one.
    pub fn tell_migration(&mut self, who: Person, from: i64, to: i64) {
        let id = self.next_id(from);
        let mut json = frame(self, Place { chat: from, topic: 0 }, who, id);
        json["migrate_to_chat_id"] = to.into();
        self.push_update("message", json);
    }

    /// The bot's chat becomes a supergroup of another id.
    pub fn migrate(&mut self, from: i64, to: i64) {
        self.add_forum(to, &[]);
        if let Some(chat) = self.chats.get_mut(&to) {
            chat.topics = None;
        }
        if let Some(chat) = self.chats.get_mut(&from) {
            chat.migrated_to = Some(to);
        }
    }
}

fn frame(world: &World, place: Place, who: Person, id: i64) -> Value {
    let mut json = json!({ "message_id": id, "date": 1_800_000_000, "from": who.json(),
                           "chat": chat_json(world, place.chat) });
    if place.topic != 0 {
        json["message_thread_id"] = place.topic.into();
        json["is_topic_message"] = true.into();
    }
    json
}

pub(super) fn chat_json(world: &World, id: i64) -> Value {
    let chat = &world.chats[&id];
    let mut json = json!({ "id": id, "type": chat.kind });
    match chat.kind {
        "private" => json["first_name"] = "Somebody".into(),
        _ => json["title"] = "A group".into(),
    }
    if chat.topics.is_some() {
        json["is_forum"] = true.into();
    }
    json
}

/// A message as the Bot API tells it.
pub(super) fn json_of(world: &World, message: &Message) -> Value {
    let from = match message.from {
        BOT_ID => bot_json(),
        id => json!({ "id": id, "is_bot": false, "first_name": "Somebody" }),
    };
    let mut json = json!({ "message_id": message.id, "date": 1_800_000_000, "from": from,
                           "chat": chat_json(world, message.place.chat) });
    match &message.document {
        Some((name, bytes)) => {
            json["document"] = json!({ "file_id": "sent", "file_unique_id": "usent",
                                       "file_name": name, "file_size": bytes.len() });
            json["caption"] = message.text.clone().into();
        }
        None => json["text"] = message.text.clone().into(),
    }
    if message.place.topic != 0 {
        json["message_thread_id"] = message.place.topic.into();
        json["is_topic_message"] = true.into();
    }
    json
}

fn set_caption(message: &mut Value, caption: &str) {
    message["caption"] = caption.into();
    if let Some(entities) = entities(caption) {
        message["caption_entities"] = entities;
    }
}

/// A command at the beginning, and mentions, in UTF-16 units.
fn entities(text: &str) -> Option<Value> {
    let mut all = Vec::new();
    let length = |text: &str| text.encode_utf16().count();
    if text.starts_with('/') {
        let word = text.split_whitespace().next().unwrap_or_default();
        all.push(json!({ "type": "bot_command", "offset": 0, "length": length(word) }));
    }
    for (at, _) in text.match_indices('@').filter(|(at, _)| *at == 0 || text[..*at].ends_with(' '))
    {
        let name: String = text[at..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '@')
            .collect();
        all.push(
            json!({ "type": "mention", "offset": length(&text[..at]), "length": length(&name) }),
        );
    }
    (!all.is_empty()).then(|| Value::Array(all))
}
