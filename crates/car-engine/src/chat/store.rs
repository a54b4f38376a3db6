//! What is kept of a chat: `chat/<documents>/chat.json`, and the lock that makes turns wait for each other.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use car_agent::is_alive;
use car_domain::chat::{Chat, ChatOutcome, ChatTurn, RunningTurn};
use car_domain::run::Usage;

use super::DocChat;
use crate::files::write_atomic;
use crate::{EngineError, now};

/// Turns that are kept.
const MAX_TURNS: usize = 50;

impl DocChat<'_> {
    /// What was said and proposed so far. A turn whose process died is told as failed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&self) -> Result<Chat, EngineError> {
        let path = self.dir().join("chat.json");
        let mut chat: Chat = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                EngineError::conflict(format!("{} is damaged", path.display()))
                    .with_source(error)
                    .with_hint("move it away to begin anew; proposals in it are plain text")
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Chat::default(),
            Err(error) => return Err(EngineError::file("read", &path, error)),
        };
        if let Some(running) = chat.running.take_if(|running| !is_alive(running.process)) {
            push(&mut chat, interrupted(running));
        }
        Ok(chat)
    }

    pub(super) fn save(&self, chat: &Chat) -> Result<(), EngineError> {
        let path = self.dir().join("chat.json");
        let text = serde_json::to_string_pretty(chat).unwrap_or_default();
        write_atomic(&path, text.as_bytes())
            .map_err(|error| EngineError::file("write", &path, error))
    }

    /// The right to change the chat; refused while a turn is at work.
    pub(super) fn lock(&self) -> Result<File, EngineError> {
        let dir = self.dir();
        fs::create_dir_all(&dir).map_err(|error| EngineError::file("create", &dir, error))?;
        let path = dir.join("lock");
        let failed = |error| EngineError::file("lock", &path, error);
        let file =
            File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(self.is_at_work()),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub(super) fn is_at_work(&self) -> EngineError {
        EngineError::conflict(format!("Doc chat already running for {}", self.name()))
            .with_hint("wait for its answer, or cancel it")
    }
}

/// Adds a turn and forgets the oldest when there are too many.
pub(super) fn push(chat: &mut Chat, turn: ChatTurn) {
    chat.turns.push(turn);
    let surplus = chat.turns.len().saturating_sub(MAX_TURNS);
    chat.turns.drain(..surplus);
}

fn interrupted(running: RunningTurn) -> ChatTurn {
    let why = "CAR ended before the agent answered. The documents are unchanged.".to_owned();
    ChatTurn {
        id: running.id,
        at: running.at,
        message: running.message,
        outcome: ChatOutcome::Failed(why),
        duration_ms: u64::try_from(now().since(running.at).as_millis()).unwrap_or(u64::MAX),
        usage: Usage::default(),
    }
}

/// Removes a file that need not be there.
pub(super) fn remove(path: &Path) -> Result<(), EngineError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(EngineError::file("remove", path, error))
        }
        _ => Ok(()),
    }
}
