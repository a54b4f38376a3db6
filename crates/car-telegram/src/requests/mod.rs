//! What the agent asks people, as messages with buttons, and what becomes of it.
//!
//! A button carries a random name of ours. It decides only about the request, chat and message it was made for, only once,
//! and only for people who may. Who decided is written down. Nobody deciding in time means no.

mod deadlines;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;

use car_domain::conversation::{AgentRequest, Answer, Decision, Question, RequestSubject};
use car_engine::config::TelegramRole;
use car_engine::{EngineError, ErrorKind, now};
use car_store::{RequestRow, TurnRow};

use crate::bot::Bot;
use crate::intake::Incoming;
use crate::payload::{Content, Letter, Payload, Priority};
use crate::topic::Bound;
use crate::{commands, random_hex, render, workspace};
pub(crate) use deadlines::deadlines;
use shown::{long_diff, shown};

/// Who decides when nobody does.
const NOBODY: &str = "nobody in time";
/// How the names of those begin who decide here.
const BY: &str = "telegram:";

/// Shows a request of a turn. One that was shown before stays as it is.
pub(crate) async fn ask(
    bot: &Arc<Bot>,
    turn: &TurnRow,
    request: &AgentRequest,
) -> Result<(), EngineError> {
    let token = random_hex()?;
    let timeout = i64::try_from(bot.settings.bot().requests.timeout_seconds).unwrap_or(900);
    let expires_at = now().as_millis().saturating_add(timeout.saturating_mul(1000));
    let row = RequestRow {
        token: token.clone(),
        request_id: request.id.clone(),
        turn: turn.id,
        chat: turn.chat,
        topic: turn.topic,
        codex_thread: request.thread_id.clone(),
        codex_turn: request.turn_id.clone(),
        request: serde_json::to_string(request).unwrap_or_default(),
        answers: "{}".to_owned(),
        state: "open".to_owned(),
        decision: None,
        decided_name: None,
        expires_at,
        is_reminded: false,
    };
    let letter = shown(request, &token, 0).reply_to(turn.reply_to);
    let message = Payload::Text(letter).to(turn.place(), key(&token), Priority::First);
    if bot.store.add_request(&row, &message, now()).await? {
        let place = turn.place();
        let detail = car_domain::text::headline(&request.headline(), 200);
        bot.store.record((0, "Codex"), place, "asked", &detail, now()).await?;
        if let Some(diff) = long_diff(request) {
            let name = "changes.diff".to_owned();
            let (caption, content) = (name.clone(), Content::Text(diff));
            let file = Payload::File { name, caption, content, reply_to: None };
            bot.outbox
                .send(&[file.to(place, format!("{}:diff", key(&token)), Priority::First)], &[])
                .await?;
        }
        bot.outbox.wake();
        bot.requests_changed.notify_one();
    }
    Ok(())
}

/// Name of the message that shows a request.
fn key(token: &str) -> String {
    format!("request:{token}")
}

/// Somebody pressed a button of a request. Returns what they are told.
pub(crate) async fn pressed(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    token: &str,
    at: usize,
    choice: usize,
) -> Result<String, EngineError> {
    const GONE: &str = "This is decided already.";
    let Some(row) = mine(bot, incoming, token).await? else { return Ok(GONE.to_owned()) };
    let Ok(request) = serde_json::from_str::<AgentRequest>(&row.request) else {
        return Ok(GONE.to_owned());
    };
    if let RequestSubject::Questions { questions } = &request.subject {
        commands::allowed(bot, incoming, TelegramRole::Operator).await?;
        let Some(option) = questions.get(at).and_then(|question| question.options.get(choice))
        else {
            return Ok(GONE.to_owned());
        };
        return answer(bot, incoming, &row, &request, at, option.label.clone()).await;
    }
    let Some(decision) = request.offered.get(choice).cloned() else { return Ok(GONE.to_owned()) };
    let role = match decision {
        // What holds for ever and everywhere is not for everybody.
        Decision::AcceptAlways(_) | Decision::ApplyNetworkRule(_) => TelegramRole::Admin,
        _ => TelegramRole::Operator,
    };
    commands::allowed(bot, incoming, role).await?;
    decide(bot, incoming, &row, decision).await
}

/// Somebody answered a message of the bot with words: perhaps that is what the agent waits for.
pub(crate) async fn answered(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    message: i64,
    text: &str,
) -> Result<bool, EngineError> {
    for row in bot.store.open_requests().await? {
        if row.chat != incoming.chat {
            continue;
        }
        if bot.outbox.number_of(&key(&row.token)).await? != Some(message) {
            continue;
        }
        let Ok(request) = serde_json::from_str::<AgentRequest>(&row.request) else { continue };
        let RequestSubject::Questions { questions } = &request.subject else { continue };
        let at = given(&row).len();
        let Some(question) = questions.get(at) else { continue };
        if !is_answer(question, text) {
            continue;
        }
        commands::allowed(bot, incoming, TelegramRole::Operator).await?;
        answer(bot, incoming, &row, &request, at, text.trim().to_owned()).await?;
        bot.store.updates_done(&[incoming.update_id]).await?;
        return Ok(true);
    }
    Ok(false)
}

fn is_answer(question: &Question, text: &str) -> bool {
    let is_option = question.options.iter().any(|option| option.label == text.trim());
    !text.trim().is_empty() && (question.options.is_empty() || question.allows_other || is_option)
}

/// The request, if a press may decide about it: it is open, and the button is below its own message.
async fn mine(
    bot: &Bot,
    incoming: &Incoming,
    token: &str,
) -> Result<Option<RequestRow>, EngineError> {
    let Some(row) = bot.store.request(token).await? else { return Ok(None) };
    let shown = bot.outbox.number_of(&key(token)).await?;
    let is_mine =
        row.state == "open" && row.chat == incoming.chat && shown == Some(incoming.message_id);
    Ok(is_mine.then_some(row))
}

fn given(row: &RequestRow) -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(&row.answers).unwrap_or_default()
}

/// Takes the answer to one question; the next one is shown, or all are given.
async fn answer(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    row: &RequestRow,
    request: &AgentRequest,
    at: usize,
    text: String,
) -> Result<String, EngineError> {
    let RequestSubject::Questions { questions } = &request.subject else {
        return Ok(String::new());
    };
    let mut answers = given(row);
    let Some(question) = questions.get(at).filter(|_| answers.len() == at) else {
        return Ok("This question is answered already.".to_owned());
    };
    answers.insert(question.id.clone(), vec![text]);
    let next = at + 1;
    if next < questions.len() {
        let kept = serde_json::to_string(&answers).unwrap_or_default();
        bot.store.keep_answers(&row.token, &kept).await?;
        let letter = shown(request, &row.token, next);
        let edit = Payload::Edit { of: key(&row.token), letter };
        let name = format!("{}:{next}", key(&row.token));
        bot.outbox.send(&[edit.to(row.place(), name, Priority::First)], &[]).await?;
        return Ok("Noted.".to_owned());
    }
    decide(bot, incoming, row, Decision::Answers(answers)).await
}

/// Gives a decision. Codex's own record of who decides is the one that counts; a second decision is told about the first.
async fn decide(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    row: &RequestRow,
    decision: Decision,
) -> Result<String, EngineError> {
    let user = (incoming.user.id, incoming.user.name.as_str());
    let by = format!("{BY}{} ({})", user.1, user.0);
    match give(bot, row, decision.clone(), &by).await {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            return Ok(error.to_string());
        }
        Err(error) => return Err(error),
    }
    let told = verdict(row, &decision);
    decided(bot, row, &decision, &told, user).await?;
    Ok(told)
}

/// Closes a request about which somebody decided. The answer given here also comes back from Codex, perhaps sooner: whoever is
/// first writes down who it was.
async fn decided(
    bot: &Bot,
    row: &RequestRow,
    decision: &Decision,
    told: &str,
    user: (i64, &str),
) -> Result<(), EngineError> {
    let word = decision.word();
    if bot.store.close_request(&row.token, "decided", Some(word), Some(user)).await? {
        let detail = format!("{word}: {}", summary(row));
        bot.store.record(user, row.place(), "decided", &detail, now()).await?;
    }
    tell(bot, row, &format!("{told} by {}", user.1)).await
}

fn verdict(row: &RequestRow, decision: &Decision) -> String {
    match decision {
        Decision::Accept => "Allowed".to_owned(),
        Decision::AcceptForSession => "Allowed for this session".to_owned(),
        Decision::AcceptAlways(words) => format!("Always allowed ({})", words.join(" ")),
        Decision::ApplyNetworkRule(_) => "Network rule applied".to_owned(),
        Decision::Decline => "Declined".to_owned(),
        Decision::Cancel => "Declined and stopped".to_owned(),
        Decision::Answers(answers) => format!("Answered ({})", spoken(row, answers)),
    }
}

/// The answers as they may be shown.
fn spoken(row: &RequestRow, answers: &BTreeMap<String, Vec<String>>) -> String {
    let request = serde_json::from_str::<AgentRequest>(&row.request).ok();
    let is_secret = |id: &String| match request.as_ref().map(|request| &request.subject) {
        Some(RequestSubject::Questions { questions }) => {
            questions.iter().any(|question| question.id == *id && question.is_secret)
        }
        _ => false,
    };
    let said = answers.iter().map(|(id, answer)| match is_secret(id) {
        true => "secret".to_owned(),
        false => answer.join(", "),
    });
    said.collect::<Vec<_>>().join("; ")
}

fn summary(row: &RequestRow) -> String {
    let request = serde_json::from_str::<AgentRequest>(&row.request);
    let text = request.map(|request| request.headline()).unwrap_or_default();
    car_domain::text::headline(&text, 200)
}

/// Gives a decision to Codex, in the repository the request belongs to.
async fn give(
    bot: &Bot,
    row: &RequestRow,
    decision: Decision,
    by: &str,
) -> Result<Answer, EngineError> {
    let bound = Bound::read(&bot.store, row.place()).await?;
    let codex = bot.codexes.of(&workspace::of(bot, &bound).await?).await?;
    codex.answer(&row.request_id, decision, by, None).await
}

/// Says at the request's message what became of it, and takes its buttons away.
async fn tell(bot: &Bot, row: &RequestRow, what: &str) -> Result<(), EngineError> {
    let about = summary(row);
    let letter = Letter {
        html: Some(format!(
            "<b>{}</b>\n<code>{}</code>",
            render::escape(what),
            render::escape(&about)
        )),
        ..Letter::plain(format!("{what}\n{about}"))
    };
    let edit = Payload::Edit { of: key(&row.token), letter };
    let message = edit.to(row.place(), format!("{}:end", key(&row.token)), Priority::First);
    bot.outbox.send(&[message], &[]).await
}

/// A request of a turn is closed: here, at another door, or with its turn.
pub(crate) async fn resolved(
    bot: &Bot,
    turn: &TurnRow,
    request_id: &str,
    answer: Option<Answer>,
) -> Result<(), EngineError> {
    let open = bot.store.open_requests().await?;
    let row = open.into_iter().find(|row| row.turn == turn.id && row.request_id == request_id);
    let Some(row) = row else { return Ok(()) };
    match &answer {
        None => closed(bot, &row).await,
        Some(answer) => answered_as(bot, &row, answer).await,
    }
}

/// Closes a request as Codex's record of it says.
async fn answered_as(bot: &Bot, row: &RequestRow, answer: &Answer) -> Result<(), EngineError> {
    if answer.by == NOBODY {
        return expired(bot, row).await;
    }
    let told = verdict(row, &answer.decision);
    let (id, name) = person(&answer.by).unwrap_or_else(|| (0, answer.by.clone()));
    decided(bot, row, &answer.decision, &told, (id, &name)).await
}

/// Closes a request that is gone.
async fn closed(bot: &Bot, row: &RequestRow) -> Result<(), EngineError> {
    bot.store.close_request(&row.token, "closed", None, None).await?;
    tell(bot, row, "Not waiting any more").await
}

/// Closes a request about which nobody decided.
async fn expired(bot: &Bot, row: &RequestRow) -> Result<(), EngineError> {
    if bot.store.close_request(&row.token, "expired", Some("decline"), None).await? {
        bot.store.record((0, "nobody"), row.place(), "expired", &summary(row), now()).await?;
    }
    tell(bot, row, "Declined: nobody decided in time").await
}

/// Id and name of the person behind an answer that was given in Telegram.
fn person(by: &str) -> Option<(i64, String)> {
    let (name, id) = by.strip_prefix(BY)?.strip_suffix(')')?.rsplit_once(" (")?;
    Some((id.parse().ok()?, name.to_owned()))
}

/// A turn is over: nothing it asked waits any more.
pub(crate) async fn turn_ended(bot: &Bot, turn: &TurnRow) -> Result<(), EngineError> {
    for row in bot.store.open_requests().await?.into_iter().filter(|row| row.turn == turn.id) {
        closed(bot, &row).await?;
    }
    Ok(())
}
