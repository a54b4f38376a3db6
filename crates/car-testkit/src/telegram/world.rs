//! What Telegram knows: chats, topics, messages, updates that wait, faults to come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;

use serde_json::Value;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `retry_after` in seconds.
    TooMany(u32),
    /// Refuses with this status and text.
    Refuse(u16, &'static str),
    /// The connection is cut before anything is done.
    CutBefore,
    /// It is done, but the answer is lost.
    CutAfter,
}

/// Where: a chat, and a topic of it or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The chat.
    pub chat: i64,
    /// The topic; 0 for none.
    pub topic: i64,
}

/// A chat.
#[derive(Clone, Debug)]
pub struct Chat {
    /// `private`, `group` or `supergroup`.
    pub kind: &'static str,
    /// Its topics; `None` when it has none.
    pub topics: Option<BTreeSet<i64>>,
    /// Whether the bot may not write there any more.
    pub is_blocked: bool,
    /// The chat it has become.
    pub migrated_to: Option<i64>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Where.
    pub place: Place,
    /// Its number in the chat.
    pub id: i64,
    /// Who wrote it; the bot's own are [`super::BOT_ID`].
    pub from: i64,
    /// The text as a person sees it, or the caption.
    pub text: String,
    /// The text as it was sent.
    pub source: String,
    /// Names and data of the buttons, row by row.
    pub buttons: Vec<Vec<(String, String)>>,
    /// Name and content of the attached file.
    pub document: Option<(String, Vec<u8>)>,
    /// The message it answers.
    pub reply_to: Option<i64>,
    /// How often it was edited.
    pub n_edits: usize,
    /// Whether it was sent without a sound.
    pub is_silent: bool,
}

impl Message {
    /// Whether the bot wrote it.
    #[must_use]
    pub fn is_bots(&self) -> bool {
        self.from == super::BOT_ID
    }

    /// Data of the button of this name.
    #[must_use]
    pub fn button(&self, name: &str) -> Option<&str> {
        self.buttons.iter().flatten().find(|(text, _)| text == name).map(|(_, data)| data.as_str())
    }
}

/// A request with a random fault, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) state: u64,
    /// Faults per thousand requests: 429, cut before, cut after.
    pub(crate) per_mille: [u64; 3],
}

/// Everything.
#[derive(Debug, Default)]
pub struct World {
    /// By id.
    pub chats: BTreeMap<i64, Chat>,
    /// By chat and number.
    pub messages: BTreeMap<(i64, i64), Message>,
    /// Toasts: the text and whether it is an alert.
    pub toasts: Vec<String>,
    /// Callback queries nobody has answered yet.
    pub(crate) open_callbacks: BTreeSet<String>,
    /// Chats in which the bot has shown that it is writing.
    pub n_actions: usize,
    /// The commands of each scope.
    pub commands: BTreeMap<String, Value>,
    /// Files people sent, by file id.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Updates that are not confirmed yet.
    pub(crate) updates: VecDeque<(i64, Value)>,
    pub(crate) next_update: i64,
    next_ids: BTreeMap<i64, i64>,
    /// Faults to come, by method.
    pub(crate) faults: BTreeMap<String, VecDeque<Fault>>,
    pub(crate) weather: Weather,
    /// Number of the newest long poll; an older one is ended by it.
    pub(crate) poll: u64,
    /// Requests by method.
    pub requests: BTreeMap<String, usize>,
    /// How many requests went wrong by chance: 429, cut before, cut after.
    pub n_faults: [usize; 3],
    /// What was asked wrongly.
    pub violations: Vec<String>,
    pub(crate) n_files: usize,
}

impl World {
    /// Adds a private chat with the person of the same id.
    pub fn add_private(&mut self, id: i64) -> Place {
        self.add(id, "private", None)
    }

    /// Adds a group without topics.
    pub fn add_group(&mut self, id: i64) -> Place {
        self.add(id, "group", None)
    }

    /// Adds a supergroup with these topics.
    pub fn add_forum(&mut self, id: i64, topics: &[i64]) -> Place {
        self.add(id, "supergroup", Some(topics.iter().copied().collect()))
    }

    /// A topic is deleted with all its messages.
    pub fn delete_topic(&mut self, place: Place) {
        if let Some(topics) = self.chats.get_mut(&place.chat).and_then(|chat| chat.topics.as_mut())
        {
            topics.remove(&place.topic);
        }
        self.messages.retain(|_, message| message.place != place);
    }

    fn add(&mut self, id: i64, kind: &'static str, topics: Option<BTreeSet<i64>>) -> Place {
        let chat = Chat { kind, topics, is_blocked: false, migrated_to: None };
        self.chats.insert(id, chat);
        Place { chat: id, topic: 0 }
    }

    /// The next requests of `method` go wrong like this.
    pub fn fail(&mut self, method: &str, faults: &[Fault]) {
        self.faults.entry(method.to_lowercase()).or_default().extend(faults);
    }

    /// From now on so many of a thousand requests get 429, are cut before, are cut after they are done.
    pub fn set_weather(&mut self, seed: u64, per_mille: [u64; 3]) {
        self.weather = Weather { state: seed | 1, per_mille };
    }

    /// The next message number of a chat. Supergroups count for themselves, all others together.
    pub(crate) fn next_id(&mut self, chat: i64) -> i64 {
        let is_own = self.chats.get(&chat).is_some_and(|chat| chat.kind == "supergroup");
        let next = self.next_ids.entry(if is_own { chat } else { 0 }).or_insert(0);
        *next += 1;
        *next
    }

    /// The messages of a place, the oldest first.
    #[must_use]
    pub fn in_place(&self, place: Place) -> Vec<&Message> {
        self.messages.values().filter(|message| message.place == place).collect()
    }

    /// The bot's messages of a place, the oldest first.
    #[must_use]
    pub fn of_bot(&self, place: Place) -> Vec<&Message> {
        self.in_place(place).into_iter().filter(|message| message.is_bots()).collect()
    }

    /// The newest message of the bot in a place whose text contains this.
    #[must_use]
    pub fn said(&self, place: Place, words: &str) -> Option<Message> {
        self.of_bot(place).into_iter().rfind(|message| message.text.contains(words)).cloned()
    }

    pub(crate) fn transcript(&self) -> String {
        let mut out = String::new();
        for message in self.messages.values() {
            let Message { place, id, text, buttons, document, .. } = message;
            let who = if message.is_bots() { "bot" } else { "person" };
            let names: Vec<&str> = buttons.iter().flatten().map(|(name, _)| &**name).collect();
            let file = document.as_ref().map(|(name, _)| name);
            let _ = writeln!(out, "{place:?} {id} {who}: {text:?} {names:?} {file:?}");
        }
        let _ = writeln!(out, "requests: {:?}\nviolations: {:?}", self.requests, self.violations);
        out
    }

    /// What goes wrong with the next request of `method`.
    pub(crate) fn next_fault(&mut self, method: &str) -> Option<Fault> {
        if let Some(fault) = self.faults.get_mut(method).and_then(VecDeque::pop_front) {
            return Some(fault);
        }
        let [many, before, after] = self.weather.per_mille;
        if many + before + after == 0 {
            return None;
        }
        // xorshift: the same seed gives the same weather.
        let mut state = self.weather.state;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.weather.state = state;
        let (which, fault) = match state % 1000 {
            roll if roll < many => (0, Fault::TooMany(1)),
            roll if roll < many + before => (1, Fault::CutBefore),
            roll if roll < many + before + after => (2, Fault::CutAfter),
            _ => return None,
        };
        self.n_faults[which] += 1;
        Some(fault)
    }
}
