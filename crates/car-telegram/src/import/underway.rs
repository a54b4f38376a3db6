//! What was on its way when the original ended: answers nobody got, voice notes nobody answered, and requests that died with its
//! Codex servers.
//!
//! What is older than a day has lost its meaning and is left behind.

use std::collections::BTreeMap;
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::{EngineError, now};
use car_store::{BotStore, NewTurn, Place};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::intake::{Media, MediaKind};
use crate::outbox::letter_to;
use crate::payload::{Letter, Payload, Priority};
use crate::render;
use crate::turn::Work;

const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// In whose name voice notes of before are answered.
const WHO: &str = "somebody before the change of bots";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Underway {
    outbox: BTreeMap<String, Value>,
    #[serde(alias = "pendingVoice")]
    pending_voice: BTreeMap<String, Value>,
    #[serde(alias = "pendingApprovals")]
    pending_approvals: BTreeMap<String, Value>,
}

/// Something that was on its way somewhere.
trait Record: DeserializeOwned {
    fn place(&self) -> &OldPlace;
}

/// The records that can be read and are fresh. One that cannot be read costs nothing but itself.
fn fresh<R: Record>(
    records: &BTreeMap<String, Value>,
) -> impl Iterator<Item = (&String, R)> + use<'_, R> {
    let read = |(id, value): (_, &Value)| Some((id, serde_json::from_value(value.clone()).ok()?));
    records.iter().filter_map(read).filter(|(_, record): &(_, R)| record.place().is_fresh())
}

#[derive(Deserialize)]
struct OldPlace {
    #[serde(alias = "chatId")]
    chat_id: i64,
    #[serde(default, alias = "threadId")]
    thread_id: Option<i64>,
    #[serde(default, alias = "createdAt")]
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct OldMessage {
    #[serde(flatten)]
    place: OldPlace,
    #[serde(default, alias = "replyToMessageId")]
    reply_to_message_id: Option<i64>,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct OldVoice {
    #[serde(flatten)]
    place: OldPlace,
    #[serde(default, alias = "messageId")]
    message_id: Option<i64>,
    #[serde(alias = "fileId")]
    file_id: String,
    #[serde(default, alias = "fileName")]
    file_name: Option<String>,
    #[serde(default)]
    caption: Option<String>,
    #[serde(default, alias = "fileSize")]
    file_size: Option<u64>,
    #[serde(default, alias = "mimeType")]
    mime_type: Option<String>,
}

impl Record for OldMessage {
    fn place(&self) -> &OldPlace {
        &self.place
    }
}

impl Record for OldVoice {
    fn place(&self) -> &OldPlace {
        &self.place
    }
}

impl Record for OldPlace {
    fn place(&self) -> &OldPlace {
        self
    }
}

impl OldPlace {
    fn at(&self) -> Place {
        Place { chat: self.chat_id, topic: self.thread_id.unwrap_or(0) }
    }

    fn is_fresh(&self) -> bool {
        let at = self.created_at.as_deref().and_then(Timestamp::parse);
        at.is_some_and(|at| now().since(at) < MAX_AGE)
    }
}

impl Underway {
    /// Takes it over; done twice, it is done once.
    pub(super) async fn take_over(&self, store: &BotStore) -> Result<(), EngineError> {
        let mut messages = Vec::new();
        for (id, old) in fresh::<OldMessage>(&self.outbox) {
            for (n, part) in render::markdown(&old.text).into_iter().enumerate() {
                let payload = Payload::of_part(part, old.reply_to_message_id.filter(|_| n == 0));
                messages.push(payload.to(old.place.at(), format!("old:{id}:{n}"), Priority::Usual));
            }
        }
        let mut requests: BTreeMap<Place, u64> = BTreeMap::new();
        for (_, old) in fresh::<OldPlace>(&self.pending_approvals) {
            *requests.entry(old.at()).or_default() += 1;
        }
        for (place, n) in requests {
            let n = car_domain::format::count(n, "request", "requests");
            let letter = Letter::plain(format!(
                "{n} of Codex ended without a decision when the bot was changed. Ask again for what still matters."
            ));
            let key = format!("old:requests:{}:{}", place.chat, place.topic);
            messages.push(letter_to(place, key, letter, Priority::Usual));
        }
        store.queue(&messages, &[], now()).await?;
        for (id, old) in fresh::<OldVoice>(&self.pending_voice) {
            store.add_turn(&old.turn(id), &[], &[], now()).await?;
        }
        Ok(())
    }
}

impl OldVoice {
    fn turn(&self, id: &str) -> NewTurn {
        let work = Work::Prompt {
            text: self.caption.clone().unwrap_or_default(),
            media: vec![Media {
                kind: MediaKind::Voice,
                file_id: self.file_id.clone(),
                size: self.file_size.unwrap_or_default(),
                name: self.file_name.clone().or_else(|| Some("voice.ogg".to_owned())),
                mime: self.mime_type.clone(),
            }],
            quote: None,
        };
        NewTurn {
            place: self.place.at(),
            user_id: 0,
            user_name: WHO.to_owned(),
            reply_to: self.message_id,
            work: serde_json::to_string(&work).unwrap_or_default(),
            is_held: false,
            client_id: format!("car-telegram-old-{id}"),
        }
    }
}
