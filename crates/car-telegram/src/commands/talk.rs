//! Commands about conversations: begin, go on, review, shorten, stop.

use std::sync::Arc;

use car_engine::{EngineError, blocking, now};

use super::{Call, Choice};
use crate::bot::Bot;
use crate::intake::Incoming;
use crate::lanes::Topic;
use crate::payload::Letter;
use crate::turn::{Review, Work};
use crate::{messages, pickers, workspace};

/// Conversations that are listed.
const MAX_LISTED: u32 = 50;
/// Bytes of a file that is shown to Codex.
const MAX_MENTIONED: u64 = 200_000;
/// Commits that are listed.
const MAX_COMMITS: usize = 50;
/// What `/init` asks for.
const INIT_PROMPT: &str = "Look through this repository and write an AGENTS.md at its root: what it is, how it is built and tested, \
     how its code is laid out, and which habits a change has to keep. Keep it short, and leave out what every repository has. If \
     there is one already, bring it up to date.";

pub(super) async fn new(mut call: Call<'_>) -> Result<(), EngineError> {
    workspace::of(call.bot, &call.bound).await?;
    call.bound.forget_thread();
    call.bound.keep(&call.bot.store).await?;
    call.say("The next message begins a new conversation.").await
}

pub(super) async fn resume(call: Call<'_>) -> Result<(), EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let is_flag = |word: &&String| ["--all", "all", "--unscoped"].contains(&word.as_str());
    let all = call.words.iter().any(|word| is_flag(&word));
    let id = call
        .words
        .iter()
        .find(|word| !is_flag(word) && !word.starts_with("--") && word.as_str() != "list");
    if let Some(id) = id.cloned() {
        let (bot, incoming) = (call.bot, call.incoming);
        let told = resume_thread(call, &id).await?;
        return bot.answer(incoming, Letter::markdown(&told)).await;
    }
    let codex = call.bot.codexes.of(&path).await?;
    let known = call.bot.store.threads(call.bound.place, &path.display().to_string()).await?;
    let listed = codex.threads(Some(&path), MAX_LISTED).await?;
    let mut choices = Vec::new();
    for thread in &listed {
        let is_own = known.iter().any(|own| own.codex_thread == thread.id);
        if all || is_own {
            let at = car_domain::format::coarse(now().since(thread.updated_at));
            let label = format!("{} · {at} ago", car_domain::text::headline(&thread.title, 45));
            choices.push((label, Choice::Resume(thread.id.clone())));
        }
    }
    if choices.is_empty() {
        let more = if all || listed.is_empty() {
            String::new()
        } else {
            format!(" `/resume --all` shows the {} of the whole repository.", listed.len())
        };
        return call.say(&format!("This topic has had no conversation here yet.{more}")).await;
    }
    pickers::show(call.bot, call.incoming, "Which conversation?", choices).await
}

pub(super) async fn resume_thread(mut call: Call<'_>, thread: &str) -> Result<String, EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let codex = call.bot.codexes.of(&path).await?;
    let (info, turns) = codex.thread(thread, 1).await?;
    let cwd = std::path::PathBuf::from(&info.cwd);
    let is_here = {
        let path = path.clone();
        blocking(move || Ok(std::fs::canonicalize(&cwd).is_ok_and(|cwd| cwd.starts_with(&path))))
            .await?
    };
    if !is_here {
        return Err(EngineError::conflict(format!("That conversation works in {}", info.cwd))
            .with_hint("/bind to that repository first"));
    }
    let others = call.bot.store.topics_of_thread(&info.id).await?;
    if others.iter().any(|place| *place != call.bound.place) {
        return Err(EngineError::conflict("That conversation is open in another topic")
            .with_hint("go on there, or /new there first"));
    }
    call.bound.forget_thread();
    call.bound.codex_thread = Some(info.id.clone());
    call.bound.keep(&call.bot.store).await?;
    let workspace = path.display().to_string();
    call.bot.store.note_thread(call.bound.place, &info.id, &workspace, &info.title, now()).await?;
    let mut text = format!("Going on with **{}**.", info.title);
    if let Some(turn) = turns.last() {
        let prompt = car_domain::text::headline(&turn.prompt, 300);
        text.push_str(&format!("\n\nYou: {prompt}"));
        if let Some(answer) = &turn.answer {
            text.push_str(&format!("\n\nCodex: {}", car_domain::text::excerpt(answer, 2000).text));
        }
    }
    Ok(text)
}

pub(super) async fn review(call: Call<'_>) -> Result<(), EngineError> {
    workspace::of(call.bot, &call.bound).await?;
    let words: Vec<String> = call
        .words
        .iter()
        .filter(|word| !["detached", "--detached"].contains(&word.as_str()))
        .cloned()
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let review = match words[..] {
        [] => Review::Uncommitted,
        ["base"] => {
            return Err(EngineError::invalid("There is no branch named")
                .with_hint("for example: /review base main"));
        }
        ["base", branch, ..] => Review::Branch(branch.to_owned()),
        ["commit"] => return list_commits(call).await,
        ["commit", sha, ..] => Review::Commit(sha.to_owned()),
        ["custom"] => {
            return Err(EngineError::invalid("There is nothing to look for")
                .with_hint("for example: /review custom Look at the error handling"));
        }
        _ => {
            let text = call.rest.trim();
            let text = text.strip_prefix("custom").unwrap_or(text).trim();
            Review::Custom(text.to_owned())
        }
    };
    submit(&call, Work::Review(review)).await
}

async fn list_commits(call: Call<'_>) -> Result<(), EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let commits = car_engine::checkpoints::recent_commits(&path, MAX_COMMITS).await?;
    let choices: Vec<_> = commits
        .into_iter()
        .map(|(sha, subject)| {
            let short: String = sha.chars().take(7).collect();
            (format!("{short} {subject}"), Choice::Commit(sha))
        })
        .collect();
    pickers::show(call.bot, call.incoming, "Which commit shall be reviewed?", choices).await
}

pub(super) async fn review_commit(call: Call<'_>, sha: &str) -> Result<String, EngineError> {
    submit(&call, Work::Review(Review::Commit(sha.to_owned()))).await?;
    let short: String = sha.chars().take(7).collect();
    Ok(format!("Commit {short} is being reviewed."))
}

async fn submit(call: &Call<'_>, work: Work) -> Result<(), EngineError> {
    let updates = [call.incoming.update_id];
    messages::submit(call.bot, call.topic, &call.bound, call.incoming, &updates, work).await
}

async fn prompt(call: &Call<'_>, text: String) -> Result<(), EngineError> {
    submit(call, Work::Prompt { text, media: Vec::new(), quote: None }).await
}

pub(super) async fn init(call: Call<'_>) -> Result<(), EngineError> {
    workspace::of(call.bot, &call.bound).await?;
    prompt(&call, INIT_PROMPT.to_owned()).await
}

pub(super) async fn compact(call: Call<'_>) -> Result<(), EngineError> {
    workspace::of(call.bot, &call.bound).await?;
    if call.bound.codex_thread.is_none() {
        return Err(EngineError::conflict("There is no conversation to be shortened"));
    }
    submit(&call, Work::Compact).await
}

pub(super) async fn mention(call: Call<'_>) -> Result<(), EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let Some(name) = call.words.first().cloned() else {
        return Err(EngineError::invalid("There is no file named")
            .with_hint("for example: /mention src/main.rs What does this do?"));
    };
    let text = {
        let (path, name) = (path.clone(), name.clone());
        blocking(move || read_inside(&path, &name)).await?
    };
    let request = call.words[1..].join(" ");
    let request = if request.is_empty() { format!("Look at {name}.") } else { request };
    // A fence longer than any in the file.
    let longest = text.lines().map(|line| line.chars().take_while(|c| *c == '`').count()).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    prompt(&call, format!("{request}\n\n{name}:\n{fence}\n{text}\n{fence}")).await
}

/// A text file inside the repository, whatever links there are.
fn read_inside(workspace: &std::path::Path, name: &str) -> Result<String, EngineError> {
    let failed = |error| EngineError::file("read", std::path::Path::new(name), error);
    let real = std::fs::canonicalize(workspace.join(name)).map_err(failed)?;
    if !real.starts_with(workspace) || !real.is_file() {
        return Err(EngineError::invalid(format!("{name} is no file of this repository")));
    }
    let bytes = crate::files::read_without_links(&real, MAX_MENTIONED)?;
    if bytes.contains(&0) {
        return Err(EngineError::invalid(format!("{name} is no text")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Stops what Codex does in a topic, or was just told to do; `false` when that is nothing.
pub(super) async fn stop_here(bot: &Bot, topic: &Topic) -> Result<bool, EngineError> {
    if topic.stop().await? {
        return Ok(true);
    }
    let waiting = bot.store.open_turns_of(topic.place).await?;
    let Some(last) = waiting.last() else { return Ok(false) };
    topic.stop_through(last.id);
    // The first of them may have begun meanwhile.
    topic.stop().await?;
    Ok(true)
}

/// Stops what Codex does in a topic.
pub(crate) async fn interrupt(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    incoming: &Incoming,
) -> Result<(), EngineError> {
    if !stop_here(bot, topic).await? {
        return bot.answer(incoming, Letter::plain("Nothing is at work here.")).await;
    }
    stopping(bot, incoming).await
}

pub(super) async fn stopping(bot: &Bot, incoming: &Incoming) -> Result<(), EngineError> {
    let user = (incoming.user.id, incoming.user.name.as_str());
    bot.store.record(user, incoming.place(), "stopped", "", now()).await?;
    bot.answer(incoming, Letter::plain("Stopping.").silent()).await
}
