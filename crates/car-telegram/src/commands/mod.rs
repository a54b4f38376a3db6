//! Commands: one table, which also is the menu, the help and the list of who may do what.

mod about;
mod codex;
mod looping;
mod set_up;
mod shell;
mod talk;
mod work_files;

use std::sync::Arc;

use car_engine::config::TelegramRole;
use car_engine::{EngineError, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::bot::Bot;
use crate::intake::{Command, Incoming};
use crate::lanes::Topic;
use crate::payload::Letter;
use crate::topic::Bound;

pub(crate) use about::welcome;
pub(crate) use shell::shell;
pub(crate) use talk::interrupt;

use TelegramRole::{Admin, Operator, Viewer};

/// A command.
struct Known {
    name: &'static str,
    about: &'static str,
    role: TelegramRole,
    /// Waits for nothing that was said before.
    is_urgent: bool,
    /// Refused while Codex is at work in the topic.
    needs_idle: bool,
    /// Not done again when the bot ended in the middle of it.
    is_once: bool,
}

const fn known(name: &'static str, role: TelegramRole, about: &'static str) -> Known {
    Known { name, about, role, is_urgent: false, needs_idle: false, is_once: false }
}

const fn urgent(name: &'static str, role: TelegramRole, about: &'static str) -> Known {
    Known { is_urgent: true, ..known(name, role, about) }
}

const fn idle(name: &'static str, role: TelegramRole, about: &'static str) -> Known {
    Known { needs_idle: true, ..known(name, role, about) }
}

const fn once(name: &'static str, role: TelegramRole, about: &'static str) -> Known {
    Known { is_once: true, ..known(name, role, about) }
}

/// All commands, in the order of the menu.
const COMMANDS: [Known; 36] = [
    urgent("status", Viewer, "What this topic is bound to, and what is going on"),
    urgent("interrupt", Operator, "Stop what Codex is doing here"),
    idle("new", Operator, "Begin a new conversation"),
    idle("resume", Operator, "Go on with an earlier conversation"),
    idle("bind", Operator, "Choose the repository of this topic"),
    once("run", Operator, "Start the loop over the TODO list"),
    once("once", Operator, "Start one run of the loop"),
    urgent("stop", Operator, "Stop Codex here, else the loop after its run"),
    known("runs", Viewer, "The last runs of the loop"),
    known("tail", Viewer, "The end of the newest run's log"),
    known("todo", Viewer, "The TODO list"),
    known("diff", Viewer, "What is not committed, or what a run changed"),
    known("review", Operator, "Have Codex review changes"),
    known("model", Operator, "Choose model and effort"),
    known("approvals", Operator, "When Codex asks, and what it may reach"),
    known("plan", Operator, "Have Codex plan first and ask questions: on or off"),
    known("busy", Operator, "What becomes of messages while Codex works"),
    known("trigger", Admin, "Which messages of a group are for me"),
    known("files", Operator, "Files you sent and files Codex made"),
    known("mention", Operator, "Show Codex a file"),
    known("compact", Operator, "Shorten the conversation to a summary"),
    known("init", Operator, "Have Codex write AGENTS.md"),
    known("skills", Viewer, "Skills Codex has here"),
    known("mcp", Viewer, "Tool servers of Codex"),
    known("experimental", Admin, "Features of Codex that are not for everybody yet"),
    known("rollout", Viewer, "Where Codex keeps this conversation"),
    once("feedback", Operator, "Report a fault to Codex's makers"),
    known("logout", Admin, "Log Codex out"),
    known("update", Admin, "How the last update went"),
    urgent("ids", Viewer, "Numbers of this chat, topic and you"),
    urgent("debug", Viewer, "What I know about this topic"),
    urgent("help", Viewer, "What I can do"),
    urgent("start", Viewer, "How to begin"),
    urgent("pair", Viewer, "Bring a code from `car telegram pair`"),
    known("quit", Viewer, "Nothing to quit here"),
    known("list", Viewer, "See /resume"),
];
/// What is known, but not worth a place in the menu.
const HIDDEN: [&str; 3] = ["pair", "quit", "list"];

/// Names and descriptions for Telegram's menu.
pub(crate) fn menu() -> impl Iterator<Item = (&'static str, &'static str)> {
    let shown = COMMANDS.iter().filter(|known| !HIDDEN.contains(&known.name));
    shown.map(|known| (known.name, known.about))
}

fn find(name: &str) -> Option<&'static Known> {
    let name = match name {
        "exit" => "quit",
        "ls" => "list",
        name => name,
    };
    COMMANDS.iter().find(|known| known.name == name)
}

/// Whether a command waits for nothing that was said before.
pub(crate) fn is_urgent(name: &str) -> bool {
    find(name).is_some_and(|known| known.is_urgent)
}

/// What is chosen from a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    /// A repository of the hub.
    Bind(String),
    /// A conversation.
    Resume(String),
    /// A model.
    Model(String),
    /// A model and how hard it thinks.
    Effort(String, String),
    /// When Codex asks and what it may reach.
    Preset(String),
    /// A commit to be reviewed.
    Commit(String),
    /// Logging Codex out, confirmed.
    Logout,
    /// A feature of Codex to be turned on or off, confirmed.
    Feature(String, bool),
}

/// Somebody must be at least this to go on.
pub(crate) async fn allowed(
    bot: &Bot,
    incoming: &Incoming,
    least: TelegramRole,
) -> Result<(), EngineError> {
    let role = bot.admission.role(incoming.user.id).await?;
    if role.is_some_and(|role| role >= least) {
        return Ok(());
    }
    let role = role.map_or("nobody", TelegramRole::name);
    let text = format!("For this you have to be {}; you are {role}", least.name());
    Err(EngineError::new(ErrorKind::Unauthenticated, text)
        .with_hint("an admin can change that with telegram_bot.roles"))
}

/// What follows must not be done twice: an error when the bot ended in the middle of it before.
pub(crate) async fn begins(bot: &Bot, incoming: &Incoming) -> Result<(), EngineError> {
    if bot.store.update_begins(incoming.update_id).await? {
        return Ok(());
    }
    Err(EngineError::conflict("I was restarted in the middle of this and have not begun it again")
        .with_hint("Look how far it got before you ask for it once more."))
}

/// A command with everything it needs.
pub(crate) struct Call<'a> {
    pub(crate) bot: &'a Arc<Bot>,
    pub(crate) topic: &'a Arc<Topic>,
    pub(crate) incoming: &'a Incoming,
    pub(crate) rest: &'a str,
    pub(crate) words: Vec<String>,
    pub(crate) bound: Bound,
}

impl Call<'_> {
    /// Answers in Markdown.
    pub(crate) async fn say(&self, text: &str) -> Result<(), EngineError> {
        self.bot.answer(self.incoming, Letter::markdown(text)).await
    }

    /// Answers with a text that may be long and is no markup: in a block, or as a file.
    pub(crate) async fn show(
        &self,
        title: &str,
        file: &str,
        text: &str,
    ) -> Result<(), EngineError> {
        shell::show(self.bot, self.incoming, title, file, text).await
    }

    /// The first word after the command, in small letters.
    pub(crate) fn word(&self) -> String {
        self.words.first().map(|word| word.to_lowercase()).unwrap_or_default()
    }

    /// Writes down that somebody did something.
    pub(crate) async fn record(&self, action: &str, detail: &str) -> Result<(), EngineError> {
        let user = (self.incoming.user.id, self.incoming.user.name.as_str());
        let place = self.incoming.place();
        let detail = car_domain::text::headline(detail, 200);
        Ok(self.bot.store.record(user, place, action, &detail, car_engine::now()).await?)
    }
}

/// Does what a command says.
pub(crate) async fn run(
    bot: &Arc<Bot>,
    topic: &Arc<Topic>,
    incoming: &Incoming,
    command: &Command,
) -> Result<(), EngineError> {
    let Some(known) = find(&command.name) else {
        let text = format!("I do not know /{}. /help shows what I can do.", command.name);
        return bot.answer(incoming, Letter::plain(text)).await;
    };
    allowed(bot, incoming, known.role).await?;
    if known.needs_idle && !bot.store.open_turns_of(topic.place).await?.is_empty() {
        return Err(EngineError::conflict(format!(
            "/{} cannot be used while Codex is at work here",
            known.name
        ))
        .with_hint("/interrupt stops it"));
    }
    if known.is_once {
        begins(bot, incoming).await?;
    }
    let bound = Bound::read(&bot.store, topic.place).await?;
    let words = command.words();
    let call = Call { bot, topic, incoming, rest: command.rest.as_str(), words, bound };
    match known.name {
        "start" | "pair" => about::start(call).await,
        "help" => about::help(call).await,
        "ids" => about::ids(call).await,
        "status" => about::status(call).await,
        "debug" => about::debug(call).await,
        "quit" => call.say("There is nothing to quit here: just stop writing.").await,
        "list" => call.say("/resume shows the conversations of this topic.").await,
        "update" => about::update(call).await,
        "interrupt" => interrupt(bot, topic, incoming).await,
        "bind" => set_up::bind(call).await,
        "model" => set_up::model(call).await,
        "approvals" => set_up::approvals(call).await,
        "plan" => set_up::plan(call).await,
        "busy" => set_up::busy(call).await,
        "trigger" => set_up::trigger(call).await,
        "new" => talk::new(call).await,
        "resume" => talk::resume(call).await,
        "review" => talk::review(call).await,
        "mention" => talk::mention(call).await,
        "compact" => talk::compact(call).await,
        "init" => talk::init(call).await,
        "run" => looping::start(call, false).await,
        "once" => looping::start(call, true).await,
        "stop" => looping::stop(call).await,
        "runs" => looping::runs(call).await,
        "tail" => looping::tail(call).await,
        "todo" => looping::todo(call).await,
        "diff" => looping::diff(call).await,
        "files" => work_files::files(call).await,
        "skills" => codex::skills(call).await,
        "mcp" => codex::tool_servers(call).await,
        "experimental" => codex::experimental(call).await,
        "rollout" => codex::rollout(call).await,
        "feedback" => codex::feedback(call).await,
        "logout" => codex::log_out(call).await,
        // A test runs every command of the table.
        _ => Ok(()),
    }
}

/// Does what was chosen from a list. Returns what is said about it.
pub(crate) async fn choose(
    bot: &Arc<Bot>,
    incoming: &Incoming,
    choice: Choice,
) -> Result<String, EngineError> {
    let least = match choice {
        Choice::Logout | Choice::Feature(..) => Admin,
        _ => Operator,
    };
    allowed(bot, incoming, least).await?;
    let topic = bot.topic(incoming.place());
    let is_idle = bot.store.open_turns_of(topic.place).await?.is_empty();
    if matches!(choice, Choice::Bind(_) | Choice::Resume(_)) && !is_idle {
        return Err(EngineError::conflict("This cannot be done while Codex is at work here"));
    }
    let bound = Bound::read(&bot.store, topic.place).await?;
    let call = Call { bot, topic: &topic, incoming, rest: "", words: Vec::new(), bound };
    match choice {
        Choice::Bind(id) => set_up::bind_to(call, &id).await,
        Choice::Resume(thread) => talk::resume_thread(call, &thread).await,
        Choice::Model(model) => set_up::choose_model(call, &model).await,
        Choice::Effort(model, effort) => set_up::set_model(call, &model, Some(&effort)).await,
        Choice::Preset(name) => set_up::set_preset(call, &name).await,
        Choice::Commit(sha) => talk::review_commit(call, &sha).await,
        Choice::Logout => codex::log_out_now(call).await,
        Choice::Feature(name, is_on) => codex::set_feature(call, &name, is_on).await,
    }
}
