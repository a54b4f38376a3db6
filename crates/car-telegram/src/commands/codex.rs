//! Commands about Codex itself: its skills, tools, features, its account, its files.

use car_engine::EngineError;
use car_engine::config::TelegramRole;

use super::{Call, Choice, allowed};
use crate::codexes::Codex;
use crate::{pickers, workspace};

/// Entries of a list.
const MAX_LISTED: usize = 50;

async fn codex(call: &Call<'_>) -> Result<Codex, EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    call.bot.codexes.of(&path).await
}

pub(super) async fn skills(call: Call<'_>) -> Result<(), EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let skills = codex(&call).await?.skills(&path).await?;
    let line = |skill: &car_engine::conversation::SkillInfo| {
        let off = if skill.is_enabled { "" } else { " (off)" };
        let about = car_domain::text::headline(&skill.description, 120);
        format!("- **{}**{off}: {about}", skill.name)
    };
    let lines: Vec<String> = skills.iter().take(MAX_LISTED).map(line).collect();
    if lines.is_empty() {
        return call.say("Codex has no skills here.").await;
    }
    call.say(&lines.join("\n")).await
}

pub(super) async fn tool_servers(call: Call<'_>) -> Result<(), EngineError> {
    let servers = codex(&call).await?.tool_servers().await?;
    let line = |server: &car_engine::conversation::ToolServer| {
        let tools = car_domain::text::headline(&server.tools.join(", "), 200);
        format!("- **{}** ({}): {tools}", server.name, server.auth)
    };
    let lines: Vec<String> = servers.iter().take(MAX_LISTED).map(line).collect();
    if lines.is_empty() {
        return call.say("Codex has no tool servers.").await;
    }
    call.say(&lines.join("\n")).await
}

pub(super) async fn experimental(call: Call<'_>) -> Result<(), EngineError> {
    let words: Vec<&str> = call.words.iter().map(String::as_str).collect();
    let features = codex(&call).await?.features().await?;
    match words[..] {
        [] | ["list"] => {
            // What is stable or gone is nothing to experiment with.
            let is_open = |stage: &str| !["stable", "removed", "deprecated"].contains(&stage);
            let lines: Vec<String> = features
                .iter()
                .filter(|feature| is_open(&feature.stage))
                .map(|f| format!("- {} {}", f.name, if f.is_enabled { "on" } else { "off" }))
                .take(MAX_LISTED)
                .collect();
            call.say(&format!(
                "`/experimental enable NAME` and `disable NAME` change one, for everybody who uses this Codex.\n\n{}",
                lines.join("\n")
            ))
            .await
        }
        [verb @ ("enable" | "disable"), name] => {
            if !features.iter().any(|feature| feature.name == name) {
                return Err(EngineError::not_found(format!("Codex has no feature {name}"))
                    .with_hint("/experimental lists them"));
            }
            let title = format!("{verb} `{name}` for everybody who uses this Codex?");
            let choice = Choice::Feature(name.to_owned(), verb == "enable");
            let label = format!("Yes, {verb} it");
            pickers::show(call.bot, call.incoming, &title, vec![(label, choice)]).await
        }
        _ => Err(EngineError::invalid("That is nothing I can do with features")
            .with_hint("/experimental, /experimental enable NAME, /experimental disable NAME")),
    }
}

pub(super) async fn set_feature(
    call: Call<'_>,
    name: &str,
    is_on: bool,
) -> Result<String, EngineError> {
    codex(&call).await?.set_feature(name, is_on).await?;
    let word = if is_on { "on" } else { "off" };
    call.record("feature", &format!("{name} {word}")).await?;
    Ok(format!("`{name}` is {word} now; new conversations go by it."))
}

pub(super) async fn rollout(call: Call<'_>) -> Result<(), EngineError> {
    let Some(thread) = &call.bound.codex_thread else {
        return call.say("There is no conversation yet.").await;
    };
    match codex(&call).await?.rollout(thread).await? {
        Some(path) => call.say(&format!("`{}`", path.display())).await,
        None => call.say("Codex does not say where it keeps this conversation.").await,
    }
}

pub(super) async fn feedback(call: Call<'_>) -> Result<(), EngineError> {
    if call.rest.trim().is_empty() {
        return Err(EngineError::invalid("There is nothing to report")
            .with_hint("for example: /feedback It forgot the last file. Logs of the conversation are sent along."));
    }
    let thread = call.bound.codex_thread.clone();
    let report = codex(&call).await?.feedback(thread, call.rest.trim()).await?;
    call.record("feedback", call.rest).await?;
    call.say(&format!("Reported as `{report}`.")).await
}

pub(super) async fn log_out(call: Call<'_>) -> Result<(), EngineError> {
    let title = "Log Codex out for everybody who uses it on this machine?";
    let choices = vec![("Yes, log out".to_owned(), Choice::Logout)];
    pickers::show(call.bot, call.incoming, title, choices).await
}

pub(super) async fn log_out_now(call: Call<'_>) -> Result<String, EngineError> {
    allowed(call.bot, call.incoming, TelegramRole::Admin).await?;
    codex(&call).await?.log_out().await?;
    call.record("logout", "").await?;
    Ok("Codex is logged out.".to_owned())
}
