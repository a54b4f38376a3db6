//! The commands Telegram offers while one types, in each scope the configuration names.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use teloxide_core::types::{BotCommand, BotCommandScope};

use crate::api::Trouble;
use crate::bot::Bot;
use crate::commands;

/// Tries to tell Telegram.
const MAX_TRIES: u32 = 5;

/// Tells Telegram the commands, where it does not know them yet.
pub(crate) async fn commands(bot: Arc<Bot>) {
    let commands: Vec<BotCommand> =
        commands::menu().map(|(name, about)| BotCommand::new(name, about)).collect();
    for scope in &bot.settings.bot().command_registration.scopes {
        let Some((scope, language)) = read(scope) else {
            tracing::warn!(%scope, "telegram_bot.command_registration: this scope is not known");
            continue;
        };
        for attempt in 1..=MAX_TRIES {
            let trouble = match tell(&bot, &scope, &language, &commands).await {
                Ok(()) => break,
                Err(trouble) => trouble,
            };
            let pause = match &trouble {
                Trouble::RetryAfter(after) => *after,
                Trouble::Uncertain(_) | Trouble::NotSent(_) => Duration::from_secs(2) * attempt,
                _ => Duration::ZERO,
            };
            if pause.is_zero() || attempt == MAX_TRIES {
                tracing::warn!(why = trouble.words(), "the commands cannot be registered");
                break;
            }
            tokio::select! {
                () = bot.cancel.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

async fn tell(
    bot: &Bot,
    scope: &BotCommandScope,
    language: &str,
    commands: &[BotCommand],
) -> Result<(), Trouble> {
    if bot.telegram.commands(scope.clone(), language).await? == commands {
        return Ok(());
    }
    bot.telegram.set_commands(scope.clone(), language, commands.to_vec()).await
}

fn read(scope: &Value) -> Option<(BotCommandScope, String)> {
    let word = |key: &str| scope[key].as_str().map(str::to_owned);
    let kind = match scope {
        Value::String(kind) => kind.clone(),
        _ => word("type").or_else(|| word("scope"))?,
    };
    let scope = match kind.as_str() {
        "default" => BotCommandScope::Default,
        "all_private_chats" => BotCommandScope::AllPrivateChats,
        "all_group_chats" => BotCommandScope::AllGroupChats,
        "all_chat_administrators" => BotCommandScope::AllChatAdministrators,
        _ => return None,
    };
    Some((scope, word("language_code").unwrap_or_default()))
}
