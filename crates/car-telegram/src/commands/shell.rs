//! `!command`: a single shell command, off unless the configuration turns it on.

use std::sync::Arc;
use std::time::Duration;

use car_engine::EngineError;

use crate::bot::Bot;
use crate::intake::Incoming;
use crate::outbox::letter_to;
use crate::payload::{Content, Letter, Payload, Priority};
use crate::topic::Bound;
use crate::{render, workspace};

/// Bytes of output that are read at most.
const MAX_OUTPUT: u64 = 1 << 20;
/// Units of a text that are shown in a message.
const MAX_SHOWN: usize = 3600;

/// Runs a command in the topic's repository and sandbox.
pub(crate) async fn shell(
    bot: &Arc<Bot>,
    bound: &Bound,
    incoming: &Incoming,
    line: &str,
) -> Result<(), EngineError> {
    let config = &bot.settings.bot().shell;
    if !config.enabled {
        return Err(EngineError::conflict("Shell commands are turned off")
            .with_hint("the owner can turn them on with telegram_bot.shell.enabled"));
    }
    if line.is_empty() {
        return Err(
            EngineError::invalid("There is no command").with_hint("for example: !git status")
        );
    }
    let path = workspace::of(bot, bound).await?;
    super::begins(bot, incoming).await?;
    let user = (incoming.user.id, incoming.user.name.as_str());
    bot.store.record(user, incoming.place(), "shell", line, car_engine::now()).await?;
    let codex = bot.codexes.of(&path).await?;
    let sandbox = bound.reach(bot.settings.bot()).policy();
    let limit = Duration::from_millis(config.timeout_ms);
    let done = codex.exec(&path, line, &sandbox, limit, MAX_OUTPUT).await?;
    let mut text = format!("$ {line}\n{}", done.stdout);
    if !done.stderr.trim().is_empty() {
        text.push_str(&format!("\n[stderr]\n{}", done.stderr));
    }
    if done.stdout.trim().is_empty() && done.stderr.trim().is_empty() {
        text.push_str("(no output)");
    }
    match done.exit_code {
        0 => {}
        124 => text.push_str("\n(took too long and was ended)"),
        code => text.push_str(&format!("\n(exit {code})")),
    }
    let text = bot.settings.redactor().redact(&text).into_owned();
    let max = usize::try_from(config.max_output_chars).unwrap_or(MAX_SHOWN).min(MAX_SHOWN);
    show_up_to(max, bot, incoming, "", "shell-output.txt", &text).await
}

/// Shows text that is no markup: in a block, or its beginning and the whole as a file.
pub(super) async fn show(
    bot: &Bot,
    incoming: &Incoming,
    title: &str,
    file: &str,
    text: &str,
) -> Result<(), EngineError> {
    show_up_to(MAX_SHOWN, bot, incoming, title, file, text).await
}

async fn show_up_to(
    max: usize,
    bot: &Bot,
    incoming: &Incoming,
    title: &str,
    file: &str,
    text: &str,
) -> Result<(), EngineError> {
    let is_short = render::units(text) <= max;
    let head = if is_short { text } else { render::head(text, max.min(1500)) };
    let more = if is_short { "" } else { "\n…" };
    let gap = if title.is_empty() { "" } else { "\n" };
    let letter = Letter {
        html: Some(format!(
            "{}{gap}<pre>{}{more}</pre>",
            render::escape(title),
            render::escape(head.trim_end())
        )),
        ..Letter::plain(format!("{title}{gap}{}{more}", head.trim_end()))
    };
    let key = format!("u:{}", incoming.update_id);
    let place = incoming.place();
    let letter = letter.reply_to(Some(incoming.message_id));
    let mut messages = vec![letter_to(place, key.clone(), letter, Priority::First)];
    if !is_short {
        let payload = Payload::File {
            name: file.to_owned(),
            caption: file.to_owned(),
            content: Content::Text(text.to_owned()),
            reply_to: None,
        };
        messages.push(payload.to(place, format!("{key}:file"), Priority::First));
    }
    bot.outbox.send(&messages, &[incoming.update_id]).await
}
