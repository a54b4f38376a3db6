//! Messages as files: one JSON file for each message and channel, in `.codex-autorunner/outbox/`.
//!
//! `ID.json` waits; `ID.sent` has been accepted by the service and only lacks its receipt. Files are written whole, and a
//! message's id is made from what it is about, so that writing it twice makes one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use car_domain::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::receipts::{self, Receipt, Status};
use super::{Channel, Notice};
use crate::config::CAR_DIR;
use crate::files::write_atomic;
use crate::{EngineError, now};

/// Its change tells a server that there is something to send; the file is also the lock of whoever sends.
pub(crate) const WAKE_FILE: &str = "outbox.lock";
/// More messages than this wait only where nothing can be delivered at all; the oldest make room.
const MAX_MESSAGES: usize = 200;
/// Characters of a message that every service takes.
const MAX_CHARS: usize = 1_900;
/// A message that could not be delivered for so long is no news any more.
pub(super) const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Our own id.
    pub id: String,
    /// Name of the event.
    pub event: String,
    /// Where it goes.
    pub channel: Channel,
    /// The words.
    pub text: String,
    /// Topic of a Telegram chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// What went wrong the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl Message {
    pub(super) fn new(
        notice: &Notice,
        channel: Channel,
        text: &str,
        thread_id: Option<i64>,
    ) -> Self {
        let key = notice.key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        let event = notice.event.name();
        Self {
            id: format!("{event}-{key}-{}", channel.name()),
            event: event.to_owned(),
            channel,
            text: text.chars().take(MAX_CHARS).collect(),
            thread_id,
            created_at: now(),
            attempts: 0,
            next_attempt_at: None,
            last_error: None,
        }
    }

    pub(super) fn is_due(&self, at: Timestamp) -> bool {
        self.next_attempt_at.is_none_or(|next| next <= at)
    }
}

/// The outbox of a root.
#[derive(Clone)]
pub(super) struct Outbox {
    root: PathBuf,
    dir: PathBuf,
}

impl Outbox {
    pub(super) fn of(root: &Path) -> Self {
        Self { root: root.to_path_buf(), dir: root.join(CAR_DIR).join("outbox") }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a message, unless it is known already; says whether it did.
    pub(super) fn post(&self, message: &Message) -> Result<bool, EngineError> {
        fs::create_dir_all(&self.dir)
            .map_err(|error| EngineError::file("create", &self.dir, error))?;
        let is_known = self.path(&message.id, "json").exists()
            || self.path(&message.id, "sent").exists()
            || receipts::read(&self.root)?.iter().any(|receipt| receipt.id == message.id);
        if is_known {
            return Ok(false);
        }
        let waiting = self.messages()?;
        for oldest in waiting.iter().take((waiting.len() + 1).saturating_sub(MAX_MESSAGES)) {
            let detail = format!("more than {MAX_MESSAGES} messages waited");
            receipts::add(&self.root, &Receipt::of(oldest, Status::Dropped, Some(detail)))?;
            self.remove(&oldest.id, "json")?;
        }
        self.write(message)?;
        self.wake();
        Ok(true)
    }

    /// Writes a message again after an attempt.
    pub(super) fn write(&self, message: &Message) -> Result<(), EngineError> {
        let path = self.path(&message.id, "json");
        let failed = |error| EngineError::file("write", &path, error);
        let text = serde_json::to_vec_pretty(message).map_err(|error| failed(error.into()))?;
        write_atomic(&path, &text).map_err(failed)
    }

    /// Everything that waits, oldest first. A file that is no message is told and left alone.
    pub(super) fn messages(&self) -> Result<Vec<Message>, EngineError> {
        let mut messages: Vec<Message> = self.read("json")?;
        messages.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(messages)
    }

    /// What was accepted and lacks its receipt, because its sender died in between.
    pub(super) fn sent(&self) -> Result<Vec<Message>, EngineError> {
        self.read("sent")
    }

    /// Marks a message as accepted, in one step.
    pub(super) fn mark_sent(&self, id: &str) -> Result<(), EngineError> {
        let (from, to) = (self.path(id, "json"), self.path(id, "sent"));
        fs::rename(&from, &to).map_err(|error| EngineError::file("rename", &from, error))
    }

    /// Forgets a message whose receipt is written.
    pub(super) fn remove(&self, id: &str, extension: &str) -> Result<(), EngineError> {
        let path = self.path(id, extension);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(EngineError::file("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    /// The right to send; `None` while another process has it. Given back when the file is dropped.
    pub(super) fn lock(&self) -> Result<Option<File>, EngineError> {
        let path = self.wake_path();
        let failed = |error| EngineError::file("lock", &path, error);
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    fn read(&self, extension: &str) -> Result<Vec<Message>, EngineError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(EngineError::file("read", &self.dir, error)),
        };
        let mut messages = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_none_or(|found| found != extension) {
                continue;
            }
            // Another process may have finished with it since it was listed.
            let Ok(bytes) = fs::read(&path) else { continue };
            match serde_json::from_slice::<Message>(&bytes) {
                // The name rules: nothing inside a file can make us touch another one.
                Ok(message) if self.path(&message.id, extension) == path => messages.push(message),
                _ => tracing::warn!(file = %path.display(), "is no message of the outbox"),
            }
        }
        Ok(messages)
    }

    /// Nothing depends on it: whoever looks next finds the message.
    fn wake(&self) {
        let file = File::options().write(true).create(true).truncate(false).open(self.wake_path());
        if let Err(error) = file.and_then(|file| file.set_modified(SystemTime::now())) {
            tracing::debug!(%error, "no server is told about the message");
        }
    }

    fn wake_path(&self) -> PathBuf {
        self.root.join(CAR_DIR).join(WAKE_FILE)
    }

    fn path(&self, id: &str, extension: &str) -> PathBuf {
        self.dir.join(format!("{id}.{extension}"))
    }
}
