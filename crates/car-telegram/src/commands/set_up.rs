//! Commands that set a topic up: its repository, its model, what Codex may do, what messages mean.

use car_engine::config::{TelegramRole, TelegramTrigger, TelegramWhileBusy};
use car_engine::{EngineError, blocking};

use super::{Call, Choice, allowed};
use crate::topic::{Asks, Reach};
use crate::{pickers, workspace};

/// Efforts there are when a model does not say.
const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];
/// Names, and when Codex asks and what it may reach.
const PRESETS: [(&str, Asks, Reach, &str); 3] = [
    ("read-only", Asks::OnRequest, Reach::ReadOnly, "reads, asks before anything else"),
    ("auto", Asks::OnRequest, Reach::WorkspaceWrite, "writes in the repository, asks before more"),
    ("full-access", Asks::Never, Reach::FullAccess, "does everything and never asks"),
];

pub(super) async fn bind(call: Call<'_>) -> Result<(), EngineError> {
    if !call.rest.is_empty() {
        let rest = call.rest.to_owned();
        let (bot, incoming) = (call.bot, call.incoming);
        let told = bind_to(call, rest.trim()).await?;
        return bot.answer(incoming, crate::payload::Letter::markdown(&told)).await;
    }
    if !call.bot.settings.is_hub() {
        let root = call.bot.settings.root.display().to_string();
        return call.say(&format!("This bot serves one repository, `{root}`; there is nothing to choose. `/bind PATH` binds to another directory if the owner allows it.")).await;
    }
    let registry = workspace::registry(call.bot).await?;
    let choices = blocking(move || {
        let there = registry.repos.iter().filter(|repo| repo.exists() && repo.entry.enabled);
        Ok(there.map(|repo| (repo.id.clone(), Choice::Bind(repo.id.clone()))).collect::<Vec<_>>())
    })
    .await?;
    if choices.is_empty() {
        return call.say("There are no repositories in this hub yet.").await;
    }
    pickers::show(call.bot, call.incoming, "Which repository is this topic about?", choices).await
}

/// Binds the topic; what belongs to another repository is left behind.
pub(super) async fn bind_to(mut call: Call<'_>, name: &str) -> Result<String, EngineError> {
    let (path, repo_id) = workspace::find(call.bot, name).await?;
    let bound = &mut call.bound;
    if bound.workspace.as_ref() != Some(&path) {
        bound.forget_thread();
    }
    bound.workspace = Some(path.clone());
    bound.repo_id.clone_from(&repo_id);
    bound.keep(&call.bot.store).await?;
    call.record("bound", &path.display().to_string()).await?;
    let id = repo_id.map(|id| format!("**{id}** ")).unwrap_or_default();
    Ok(format!("Bound to {id}`{}`. Write what you want done.", path.display()))
}

pub(super) async fn model(call: Call<'_>) -> Result<(), EngineError> {
    let words = call.words.clone();
    let (bot, incoming) = (call.bot, call.incoming);
    let names: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "set").collect();
    let told = match names[..] {
        [] | ["list"] => return list_models(call).await,
        ["clear" | "reset"] => {
            let mut call = call;
            call.bound.settings.model = None;
            call.bound.settings.effort = None;
            call.bound.keep(&call.bot.store).await?;
            "Codex uses its own model again.".to_owned()
        }
        [model] => set_model(call, model, None).await?,
        [model, effort, ..] if EFFORTS.contains(&effort) => {
            set_model(call, model, Some(effort)).await?
        }
        [_, effort, ..] => {
            return Err(EngineError::invalid(format!("{effort} is no effort"))
                .with_hint(format!("there are {}", EFFORTS.join(", "))));
        }
    };
    bot.answer(incoming, crate::payload::Letter::markdown(&told)).await
}

async fn list_models(call: Call<'_>) -> Result<(), EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let models = call.bot.codexes.of(&path).await?.models().await?;
    let label = |model: &car_engine::conversation::CodexModel| {
        let usual = if model.is_default { ", usual" } else { "" };
        format!("{} ({}{usual})", model.name, model.default_effort)
    };
    let choices: Vec<_> =
        models.iter().map(|model| (label(model), Choice::Model(model.id.clone()))).collect();
    if choices.is_empty() {
        return call.say("Codex names no models; `/model NAME` takes one by its name.").await;
    }
    let now = call.bound.settings.model.as_deref().unwrap_or("Codex's own");
    pickers::show(call.bot, call.incoming, &format!("Model ({now} at present)"), choices).await
}

/// A model was chosen; its efforts are next.
pub(super) async fn choose_model(call: Call<'_>, model: &str) -> Result<String, EngineError> {
    let path = workspace::of(call.bot, &call.bound).await?;
    let models = call.bot.codexes.of(&path).await?.models().await?;
    let efforts = models
        .into_iter()
        .find(|known| known.id == model)
        .map(|known| known.efforts)
        .filter(|efforts| !efforts.is_empty())
        .unwrap_or_else(|| EFFORTS.map(str::to_owned).to_vec());
    let choices: Vec<_> = efforts
        .into_iter()
        .map(|effort| (effort.clone(), Choice::Effort(model.to_owned(), effort)))
        .collect();
    pickers::show(call.bot, call.incoming, &format!("Effort of {model}"), choices).await?;
    set_model(call, model, None).await
}

pub(super) async fn set_model(
    mut call: Call<'_>,
    model: &str,
    effort: Option<&str>,
) -> Result<String, EngineError> {
    call.bound.settings.model = Some(model.to_owned());
    call.bound.settings.effort = effort.map(str::to_owned);
    call.bound.keep(&call.bot.store).await?;
    let effort = effort.map(|effort| format!(", effort {effort}")).unwrap_or_default();
    Ok(format!("Model `{model}`{effort}, from the next message on."))
}

pub(super) async fn approvals(call: Call<'_>) -> Result<(), EngineError> {
    let (bot, incoming) = (call.bot, call.incoming);
    let words: Vec<String> = call
        .words
        .iter()
        .map(|word| word.to_lowercase())
        .filter(|word| word != "preset" && !word.starts_with("--"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match words[..] {
        [] => {
            let config = call.bot.settings.bot();
            let (asks, reach) = (call.bound.asks(config), call.bound.reach(config));
            let title = format!(
                "Codex asks: {}, may reach: {}. What shall it be?",
                asks.name(),
                reach.name()
            );
            let choices = PRESETS.iter().map(|(name, _, _, about)| {
                (format!("{name}: {about}"), Choice::Preset((*name).to_owned()))
            });
            return pickers::show(bot, incoming, &title, choices.collect()).await;
        }
        [name] if preset(name).is_some() => set_preset(call, name).await?,
        [asks, ref rest @ ..] => {
            let Some(asks) = Asks::from_name(asks) else {
                return Err(EngineError::invalid(format!("{asks} is nothing I know here"))
                    .with_hint("/approvals shows the choices; or name when it asks (untrusted, on-request, never) and what it may reach (read-only, workspace-write, full-access)"));
            };
            let reach = match rest {
                [] => None,
                [reach, ..] => Some(Reach::from_name(reach).ok_or_else(|| {
                    EngineError::invalid(format!("{reach} is nothing Codex could reach"))
                        .with_hint("there are read-only, workspace-write and full-access")
                })?),
            };
            set_policy(call, asks, reach).await?
        }
    };
    bot.answer(incoming, crate::payload::Letter::markdown(&told)).await
}

fn preset(name: &str) -> Option<(Asks, Reach)> {
    let name = match name {
        "agent" | "safe" | "on" | "enable" | "enabled" => "auto",
        "yolo" | "off" | "disable" | "disabled" => "full-access",
        name => name,
    };
    PRESETS.iter().find(|preset| preset.0 == name).map(|preset| (preset.1, preset.2))
}

pub(super) async fn set_preset(call: Call<'_>, name: &str) -> Result<String, EngineError> {
    let Some((asks, reach)) = preset(name) else {
        return Err(EngineError::invalid(format!("{name} is no choice")));
    };
    set_policy(call, asks, Some(reach)).await
}

async fn set_policy(
    mut call: Call<'_>,
    asks: Asks,
    reach: Option<Reach>,
) -> Result<String, EngineError> {
    let config = call.bot.settings.bot();
    let effective = reach.unwrap_or_else(|| call.bound.reach(config));
    if effective == Reach::FullAccess || asks == Asks::Never {
        allowed(call.bot, call.incoming, TelegramRole::Admin).await?;
    }
    call.bound.settings.asks = Some(asks);
    call.bound.settings.reach = reach.or(call.bound.settings.reach);
    call.bound.keep(&call.bot.store).await?;
    call.record("approvals", &format!("{} {}", asks.name(), effective.name())).await?;
    let warning = match effective {
        Reach::FullAccess => "⚠ From the next message on Codex may do everything on this machine. ",
        _ => "From the next message on: ",
    };
    Ok(format!("{warning}asks {}, may reach {}.", asks.name(), effective.name()))
}

pub(super) async fn plan(mut call: Call<'_>) -> Result<(), EngineError> {
    let plans = match call.word().as_str() {
        "on" => true,
        "off" => false,
        "" => !call.bound.settings.plans,
        other => {
            return Err(EngineError::invalid(format!("{other} is neither on nor off")));
        }
    };
    call.bound.settings.plans = plans;
    call.bound.keep(&call.bot.store).await?;
    let told = if plans {
        "Codex plans first from the next message on, and may ask you questions."
    } else {
        "Codex gets to work at once from the next message on."
    };
    call.say(told).await
}

pub(super) async fn busy(mut call: Call<'_>) -> Result<(), EngineError> {
    let choice = match call.word().as_str() {
        "steer" | "add" => TelegramWhileBusy::Steer,
        "queue" => TelegramWhileBusy::Queue,
        "replace" => TelegramWhileBusy::Replace,
        "ask" => TelegramWhileBusy::Ask,
        "" => {
            let now = word(call.bound.while_busy(call.bot.settings.bot()));
            return call.say(&format!("While Codex works, a message is handled as **{now}**. `/busy steer` adds it to the work, `/busy queue` does it afterwards, `/busy replace` stops the work for it, `/busy ask` asks each time.")).await;
        }
        other => {
            return Err(EngineError::invalid(format!("{other} is no choice"))
                .with_hint("there are steer, queue, replace and ask"));
        }
    };
    call.bound.settings.while_busy = Some(choice);
    call.bound.keep(&call.bot.store).await?;
    call.say(&format!("While Codex works, a message is handled as **{}**.", word(choice))).await
}

const fn word(choice: TelegramWhileBusy) -> &'static str {
    match choice {
        TelegramWhileBusy::Ask => "ask",
        TelegramWhileBusy::Steer => "steer",
        TelegramWhileBusy::Queue => "queue",
        TelegramWhileBusy::Replace => "replace",
    }
}

pub(super) async fn trigger(mut call: Call<'_>) -> Result<(), EngineError> {
    let choice = match call.word().as_str() {
        "all" => TelegramTrigger::All,
        "mention" | "mentions" => TelegramTrigger::Mention,
        "reply" | "replies" => TelegramTrigger::Reply,
        "commands" => TelegramTrigger::Commands,
        "" => {
            let now = taken(call.bound.trigger(call.bot.settings.bot()));
            let limit = if call.bot.me.sees_all {
                ""
            } else {
                "\n\nTelegram shows me only messages of groups that name me or answer me; @BotFather's /setprivacy changes that."
            };
            return call.say(&format!("In this topic I take {now}. `/trigger all`, `mention`, `reply` or `commands` changes it.{limit}")).await;
        }
        other => {
            return Err(EngineError::invalid(format!("{other} is no choice"))
                .with_hint("there are all, mention, reply and commands"));
        }
    };
    call.bound.settings.trigger = Some(choice);
    call.bound.keep(&call.bot.store).await?;
    call.record("trigger", &format!("{choice:?}")).await?;
    call.say(&format!("In this topic I take {} from now on.", taken(choice))).await
}

const fn taken(trigger: TelegramTrigger) -> &'static str {
    match trigger {
        TelegramTrigger::All => "**all messages**",
        TelegramTrigger::Mention => "messages that **name me** or answer me",
        TelegramTrigger::Reply => "messages that **answer me**",
        TelegramTrigger::Commands => "**commands** only",
    }
}
