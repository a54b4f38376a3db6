//! Codex and the loop in Telegram.
//!
//! The way of a message: Telegram → `intake` stores it, then confirms it → the topic's control lane → a command is done at
//! once, or a row in `turns` → the topic's work lane → Codex → the outbox → Telegram. Everything on this way is a row in
//! `telegram.db` before it is done, so that `kill -9` at any moment loses nothing and does nothing twice. Codex itself runs in
//! a server that outlives the bot.
//!
//! What a person may do is decided in `intake::admission` (who is heard) and `commands::allowed` (what they may).

mod api;
mod bot;
mod buttons;
mod codexes;
mod commands;
mod files;
mod health;
mod import;
mod instance;
mod intake;
mod lanes;
mod messages;
mod outbox;
mod payload;
mod pickers;
mod register;
mod render;
mod requests;
mod settings;
mod topic;
mod turn;
mod workspace;

pub use bot::{BotOptions, run};
pub use health::{AuditEntry, Health, NewCode, Paired, audit, health, pair, paired, unpair};
pub use intake::admission::CODE_LIFETIME;
pub use settings::{Settings, Token};

use car_engine::{EngineError, ErrorKind};

/// Sixteen random hex digits.
fn random_hex() -> Result<String, EngineError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        EngineError::new(ErrorKind::Other, "the system has no random numbers")
            .with_hint(error.to_string())
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
