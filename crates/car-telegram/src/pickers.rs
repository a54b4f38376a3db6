//! Lists to choose from: one message, a page of buttons. They work after a restart, and only for whoever asked.

use std::sync::Arc;
use std::time::Duration;

use car_domain::Timestamp;
use car_engine::{EngineError, now};
use car_store::PickerRow;
use serde::{Deserialize, Serialize};

use crate::bot::Bot;
use crate::commands::{self, Choice};
use crate::intake::Incoming;
use crate::outbox::letter_to;
use crate::payload::{Button, Letter, Payload, Priority};
use crate::random_hex;

/// Buttons on a page.
const PAGE: usize = 10;
/// How long a list works.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Characters on a button.
const MAX_LABEL: usize = 60;

/// A list.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Picker {
    title: String,
    choices: Vec<(String, Choice)>,
}

/// Shows a list as the answer to a command.
pub(crate) async fn show(
    bot: &Bot,
    incoming: &Incoming,
    title: &str,
    choices: Vec<(String, Choice)>,
) -> Result<(), EngineError> {
    let token = random_hex()?;
    let picker = Picker { title: title.to_owned(), choices };
    let row = PickerRow {
        token: token.clone(),
        chat: incoming.chat,
        topic: incoming.topic,
        user_id: incoming.user.id,
        choices: serde_json::to_string(&picker).unwrap_or_default(),
    };
    let lifetime = i64::try_from(LIFETIME.as_millis()).unwrap_or_default();
    let expires_at = Timestamp::from_millis(now().as_millis() + lifetime);
    bot.store.put_picker(&row, expires_at).await?;
    let letter = page(&picker, &token, 0).reply_to(Some(incoming.message_id));
    let message = letter_to(incoming.place(), key(&token), letter, Priority::First);
    bot.outbox.send(&[message], &[incoming.update_id]).await
}

fn key(token: &str) -> String {
    format!("pick:{token}")
}

fn page(picker: &Picker, token: &str, n: usize) -> Letter {
    let pages = picker.choices.len().div_ceil(PAGE).max(1);
    let first = (n % pages) * PAGE;
    let shown = picker.choices.iter().enumerate().skip(first).take(PAGE);
    let mut rows: Vec<Vec<Button>> = shown
        .map(|(at, (label, _))| {
            let label = car_domain::text::headline(label, MAX_LABEL);
            vec![Button::new(label, format!("p:{token}:{at}"))]
        })
        .collect();
    if pages > 1 {
        rows.push(vec![Button::new("More…", format!("p:{token}:m{}", (n + 1) % pages))]);
    }
    rows.push(vec![Button::new("Cancel", format!("p:{token}:x"))]);
    Letter::plain(picker.title.clone()).buttons(rows)
}

/// Somebody pressed a button of a list. Returns what they are told.
pub(crate) async fn pressed(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    token: &str,
    choice: &str,
) -> Result<String, EngineError> {
    const GONE: &str = "This list does not work any more; ask again.";
    let Some(row) = bot.store.picker(token, now()).await? else { return Ok(GONE.to_owned()) };
    let shown = bot.outbox.number_of(&key(token)).await?;
    if row.chat != incoming.chat || shown != Some(incoming.message_id) {
        return Ok(GONE.to_owned());
    }
    if row.user_id != incoming.user.id {
        return Ok("This list is somebody else's; ask for one yourself.".to_owned());
    }
    let Ok(picker) = serde_json::from_str::<Picker>(&row.choices) else {
        return Ok(GONE.to_owned());
    };
    let place = car_store::Place { chat: row.chat, topic: row.topic };
    let edit = |letter: Letter, name: String| {
        Payload::Edit { of: key(token), letter }.to(place, name, Priority::First)
    };
    if let Some(n) = choice.strip_prefix('m').and_then(|n| n.parse().ok()) {
        // Each turning of a page is a change of its own.
        let name = format!("{}:{}", key(token), incoming.update_id);
        bot.outbox.send(&[edit(page(&picker, token, n), name)], &[]).await?;
        return Ok(String::new());
    }
    if choice == "x" {
        bot.store.drop_picker(token).await?;
        let letter = Letter::plain(format!("{} (closed)", picker.title));
        bot.outbox.send(&[edit(letter, format!("{}:end", key(token)))], &[]).await?;
        return Ok(String::new());
    }
    let chosen = choice.parse().ok().and_then(|at: usize| picker.choices.into_iter().nth(at));
    let Some((label, chosen)) = chosen else { return Ok(GONE.to_owned()) };
    // The place of the list: a press on an old message does not say its topic.
    let incoming = Incoming { topic: row.topic, ..incoming.clone() };
    // Only once, however often it is pressed.
    if !bot.store.drop_picker(token).await? {
        return Ok(GONE.to_owned());
    }
    let told = match commands::choose(bot, &incoming, chosen).await {
        Ok(told) => told,
        Err(error) => {
            let letter = crate::lanes::trouble(&bot.settings.redactor(), &error);
            bot.outbox.send(&[edit(letter, format!("{}:end", key(token)))], &[]).await?;
            return Err(error);
        }
    };
    let text = if told.is_empty() { format!("{} {label}", picker.title) } else { told };
    bot.outbox.send(&[edit(Letter::markdown(&text), format!("{}:end", key(token)))], &[]).await?;
    Ok(String::new())
}
