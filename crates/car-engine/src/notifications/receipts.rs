//! What became of messages: `.codex-autorunner/notifications.jsonl`, one line each, of bounded size.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use car_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Channel, Message};
use crate::config::CAR_DIR;
use crate::files::{AppendFile, FileStamp, write_atomic};
use crate::{EngineError, now};

/// Above this size the older half goes; about a thousand receipts are kept.
const MAX_BYTES: u64 = 512 * 1024;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The service accepted it.
    Delivered,
    /// The service will never accept it.
    Refused,
    /// It could not be delivered for too long.
    Expired,
    /// It had to make room.
    Dropped,
}

impl Status {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Dropped => "dropped",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When.
    pub at: Timestamp,
    /// Id of the message.
    pub id: String,
    /// Name of the event.
    pub event: String,
    /// Where it went.
    pub channel: Channel,
    /// What became of it.
    pub status: Status,
    /// How often it was tried.
    pub attempts: u32,
    /// The words.
    pub text: String,
    /// Why it was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Receipt {
    pub(super) fn of(message: &Message, status: Status, detail: Option<String>) -> Self {
        Self {
            at: now(),
            id: message.id.clone(),
            event: message.event.clone(),
            channel: message.channel,
            status,
            attempts: message.attempts,
            text: message.text.clone(),
            detail,
        }
    }
}

/// A place in the receipts of a root, to read on from.
#[derive(Clone, Debug)]
pub(crate) struct Receipts {
    stamp: Option<FileStamp>,
    last: Option<Receipt>,
}

impl Receipts {
    /// What was added since the place `known`, which moves on; nothing the first time.
    ///
    /// # Errors
    /// When the receipts cannot be read.
    pub(crate) fn read_on(
        known: &mut Option<Self>,
        root: &Path,
    ) -> Result<Vec<Receipt>, EngineError> {
        // Looked at before reading: what is added in between is found by the next call.
        let stamp = FileStamp::of(&path(root));
        if known.as_ref().is_some_and(|known| known.stamp == stamp) {
            return Ok(Vec::new());
        }
        let mut all = read(root)?;
        let last = all.last().cloned();
        let added = match known {
            None => Vec::new(),
            Some(known) => match &known.last {
                None => all,
                // The older half may be gone, together with the last one that was known.
                Some(last) => match all.iter().rposition(|receipt| receipt == last) {
                    Some(at) => all.split_off(at + 1),
                    None => all.into_iter().filter(|receipt| receipt.at > last.at).collect(),
                },
            },
        };
        let last = last.or_else(|| known.take().and_then(|known| known.last));
        *known = Some(Self { stamp, last });
        Ok(added)
    }
}

/// All receipts, oldest first. Lines that are none are skipped.
pub(super) fn read(root: &Path) -> Result<Vec<Receipt>, EngineError> {
    let path = path(root);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(EngineError::file("read", &path, error)),
    }
}

/// Adds a receipt.
pub(super) fn add(root: &Path, receipt: &Receipt) -> Result<(), EngineError> {
    let path = path(root);
    let failed = |error| EngineError::file("write", &path, error);
    let line = serde_json::to_string(receipt).map_err(|error| failed(error.into()))?;
    let mut file = AppendFile::open(&path).map_err(failed)?;
    file.write_line(&line).map_err(failed)?;
    if file.len() <= MAX_BYTES {
        return Ok(());
    }
    let text = fs::read_to_string(&path).map_err(failed)?;
    let middle = text.len() / 2;
    let kept = text.bytes().skip(middle).position(|byte| byte == b'\n').map(|at| middle + at + 1);
    write_atomic(&path, &text.as_bytes()[kept.unwrap_or(0)..]).map_err(failed)
}

fn path(root: &Path) -> PathBuf {
    root.join(CAR_DIR).join("notifications.jsonl")
}
