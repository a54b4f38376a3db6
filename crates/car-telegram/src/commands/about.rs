//! Commands that only tell something.

use std::path::Path;
use std::time::Duration;

use car_domain::format::{bytes, coarse, elapsed};
use car_engine::config::TelegramRole;
use car_engine::conversation::PlanWindow;
use car_engine::runner::standing;
use car_engine::{EngineError, blocking, now, update_status};

use super::{COMMANDS, Call, HIDDEN};
use crate::bot::Bot;
use crate::topic::Reach;
use crate::workspace;

/// How long a status waits for Codex.
const PATIENCE: Duration = Duration::from_secs(5);

/// What somebody reads who was just let in.
pub(crate) fn welcome(bot: &Bot, role: TelegramRole) -> String {
    let next = if bot.settings.is_hub() {
        "/bind chooses the repository of this chat or topic. After that, write what you want done."
    } else {
        "Write what you want done."
    };
    format!("Welcome, you are {} now. {next}\n\n/help shows everything I can do.", role.name())
}

pub(super) async fn start(call: Call<'_>) -> Result<(), EngineError> {
    if !call.rest.is_empty()
        && let Some(role) = call.bot.admission.pair(call.incoming, call.rest).await?
    {
        call.record("paired", role.name()).await?;
        return call.say(&welcome(call.bot, role)).await;
    }
    let hint = if call.bot.settings.is_hub() { " /bind chooses its repository." } else { "" };
    call.say(&format!(
        "I am Codex and the loop of **{}**. Write what you want done; every topic is a conversation of its own.{hint} \
         /help shows everything I can do.",
        call.bot.settings.root.file_name().unwrap_or_default().to_string_lossy()
    ))
    .await
}

pub(super) async fn help(call: Call<'_>) -> Result<(), EngineError> {
    let role = call.bot.admission.role(call.incoming.user.id).await?;
    let mut text = String::from(
        "Write what you want done. While Codex works, more messages can join, wait or take over (/busy). Pictures, voice notes and files are fine, too.\n",
    );
    let shown = COMMANDS.iter().filter(|known| !HIDDEN.contains(&known.name));
    for known in shown.filter(|known| role.is_some_and(|role| role >= known.role)) {
        text.push_str(&format!("\n- /{}: {}", known.name, known.about));
    }
    if call.bot.settings.bot().shell.enabled && role == Some(TelegramRole::Admin) {
        text.push_str("\n- `!command`: run a shell command");
    }
    call.say(&text).await
}

pub(super) async fn ids(call: Call<'_>) -> Result<(), EngineError> {
    let (chat, topic, user) = (call.incoming.chat, call.incoming.topic, &call.incoming.user);
    let topic = if topic == 0 { "none".to_owned() } else { topic.to_string() };
    call.say(&format!(
        "Chat `{chat}`, topic `{topic}`, you `{}` ({}).\n\n```yaml\ntelegram_bot:\n  allowed_chat_ids: [{chat}]\n  allowed_user_ids: [{}]\n```",
        user.id, user.name, user.id
    ))
    .await
}

pub(super) async fn status(call: Call<'_>) -> Result<(), EngineError> {
    let (bot, bound) = (call.bot, &call.bound);
    let config = bot.settings.bot();
    let mut lines = Vec::new();
    let workspace = workspace::of(bot, bound).await;
    match &workspace {
        Ok(path) => {
            let id = bound.repo_id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default();
            lines.push(format!("Repository: `{}`{id}", path.display()));
        }
        Err(error) => lines.push(format!("Repository: {error}. /bind chooses one.")),
    }
    if let Ok(repo) = workspace::repo_of(bot, bound).await {
        let standing = blocking(move || standing(&repo)).await?;
        let (view, todo) = (standing.view, standing.todo);
        let detail = view.detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        let total = todo.n_done() + todo.n_open();
        lines.push(format!(
            "Loop: **{}**{detail}, {} of {total} done",
            view.activity.word(),
            todo.n_done()
        ));
    }
    let thread = bound.codex_thread.as_deref().unwrap_or("none yet");
    lines.push(format!("Conversation: `{thread}`"));
    let open = bot.store.open_turns_of(bound.place).await?;
    match call.topic.running() {
        Some(running) => {
            let turn = open.iter().find(|turn| turn.id == running.turn);
            let since = turn.and_then(|turn| turn.started_at).map(|at| {
                let at = car_domain::Timestamp::from_millis(at);
                format!(" for {}", elapsed(now().since(at)))
            });
            let more = open.len().saturating_sub(1);
            lines.push(format!("At work{}, {more} waiting", since.unwrap_or_default()));
        }
        None => lines.push("Codex is idle here".to_owned()),
    }
    let requests = bot.store.open_requests().await?;
    let mine = requests.iter().filter(|row| row.place() == bound.place).count();
    if mine > 0 {
        lines.push(format!("Waiting for a decision: {mine}"));
    }
    let settings = &bound.settings;
    lines.push(format!(
        "Model: {}, effort {}{}",
        settings.model.as_deref().unwrap_or("Codex's own"),
        settings.effort.as_deref().unwrap_or("its own"),
        if settings.plans { ", plans first" } else { "" }
    ));
    let (asks, reach) = (bound.asks(config), bound.reach(config));
    let warning = if reach == Reach::FullAccess { "⚠ " } else { "" };
    lines.push(format!("{warning}Asks: {}, may reach: {}", asks.name(), reach.name()));
    if let Ok(path) = &workspace {
        // Without them, when Codex is slow: nobody waits for a status.
        let limits = tokio::time::timeout(PATIENCE, plan_limits(bot, path)).await;
        lines.extend(limits.ok().and_then(Result::ok).unwrap_or_default());
    }
    call.say(&format!("- {}", lines.join("\n- "))).await
}

/// How much of Codex's plan is used; no server is started for the question.
async fn plan_limits(bot: &Bot, workspace: &Path) -> Result<Vec<String>, EngineError> {
    let codex = bot.codexes.of(workspace).await?;
    if !codex.has_server().await {
        return Ok(Vec::new());
    }
    let line = |window: PlanWindow| {
        let name = window.window.map_or_else(|| "plan".to_owned(), coarse);
        let again = window.resets_at.map(|at| format!(", again in {}", coarse(at.since(now()))));
        format!("Limit of {name}: {} % used{}", window.used_percent, again.unwrap_or_default())
    };
    Ok(codex.plan_windows().await?.into_iter().map(line).collect())
}

pub(super) async fn debug(call: Call<'_>) -> Result<(), EngineError> {
    let (bot, bound) = (call.bot, &call.bound);
    let (waiting, given_up) = bot.store.outbox_counts().await?;
    let size = tokio::fs::metadata(bot.settings.database()).await.map(|about| about.len());
    let text = format!(
        "place: {}:{}\nworkspace: {:?}\nconversation: {:?}\nsettings: {:?}\nturns at work: {}\noutbox: {waiting} waiting, {given_up} given up\ndatabase: {}\nbot: @{}, sees all messages of groups: {}",
        bound.place.chat,
        bound.place.topic,
        bound.workspace,
        bound.codex_thread,
        bound.settings,
        bot.n_running(),
        bytes(size.unwrap_or_default()),
        bot.me.name,
        bot.me.sees_all,
    );
    call.show("What I know about this topic", "debug.txt", &text).await
}

pub(super) async fn update(call: Call<'_>) -> Result<(), EngineError> {
    let env = call.bot.settings.env.clone();
    let status = blocking(move || Ok(update_status(&env))).await?;
    call.say(&format!(
        "CAR does not update itself: install the new version and start it again; conversations and loops go on.\n\nLast recorded update: {}. {}",
        status.status, status.message
    ))
    .await
}
