//! `car telegram`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use car_engine::config::TelegramRole;
use car_engine::find_root_config;
use car_telegram::{AuditEntry, BotOptions, CODE_LIFETIME, Settings};
use clap::{Args, Subcommand};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::serve::cancel_on_signal;
use super::{CliError, CommandResult, block_on, logging, own_program, ui};

/// Use Codex and the loop from Telegram
#[derive(Args)]
#[command(after_help = "Examples:\n  car telegram pair\n  car telegram start --path ~/projects")]
pub(crate) struct TelegramArgs {
    #[command(subcommand)]
    command: TelegramCommand,
}

/// Which bot a command is about
#[derive(Args)]
struct BotArg {
    /// The repository or hub of the bot, or a directory in it
    #[arg(long, value_name = "PATH", default_value = ".")]
    path: PathBuf,
}

#[derive(Subcommand)]
enum TelegramCommand {
    /// Run the bot without a server; `car serve` runs it, too, where `telegram_bot.enabled` is set
    Start {
        #[command(flatten)]
        bot: BotArg,
    },
    /// Ask Telegram once whether the bot is well
    Health {
        #[command(flatten)]
        bot: BotArg,
        /// Longest wait in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
        timeout: f64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a code that lets one person in, with the chat they send it from
    Pair {
        #[command(flatten)]
        bot: BotArg,
        /// What the person may do: viewer, operator or admin
        #[arg(long, value_parser = role)]
        role: Option<TelegramRole>,
    },
    /// List who was let in by a code
    People {
        #[command(flatten)]
        bot: BotArg,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Shut somebody out again who was let in by a code
    Remove {
        /// Telegram's id of the user
        user: i64,
        #[command(flatten)]
        bot: BotArg,
    },
    /// List what was done in Telegram and by whom, the newest first
    Audit {
        #[command(flatten)]
        bot: BotArg,
        /// At most this many entries
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn role(name: &str) -> Result<TelegramRole, String> {
    TelegramRole::from_name(name).ok_or_else(|| "there are viewer, operator and admin".to_owned())
}

impl BotArg {
    fn root(&self) -> Result<PathBuf, CliError> {
        Ok(find_root_config(&self.path)?)
    }
}

pub(super) fn run(args: &TelegramArgs) -> CommandResult {
    match &args.command {
        TelegramCommand::Start { bot } => start(bot),
        TelegramCommand::Health { bot, timeout, json } => health(bot, *timeout, *json),
        TelegramCommand::Pair { bot, role } => pair(bot, *role),
        TelegramCommand::People { bot, json } => people(bot, *json),
        TelegramCommand::Remove { user, bot } => {
            let root = bot.root()?;
            block_on(async { Ok(car_telegram::unpair(&root, *user).await?) })?;
            ui::say("The bot does not hear them any more.");
            Ok(ExitCode::SUCCESS)
        }
        TelegramCommand::Audit { bot, limit, json } => audit(bot, *limit, *json),
    }
}

fn start(bot: &BotArg) -> CommandResult {
    logging::start();
    let root = bot.root()?;
    if !Settings::read(&root)?.bot().enabled {
        return Err(CliError::config("the Telegram bot is not enabled")
            .with_hint("set telegram_bot.enabled: true"));
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| CliError::other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        cancel_on_signal(&cancel)?;
        ui::say("The bot runs; Ctrl-C ends it. Turns that run then go on and are taken up again.");
        Ok::<_, CliError>(car_telegram::run(BotOptions::new(root, own_program()), cancel).await?)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn health(bot: &BotArg, timeout: f64, as_json: bool) -> CommandResult {
    let root = bot.root()?;
    let timeout = Duration::try_from_secs_f64(timeout)
        .map_err(|_| CliError::config("the timeout is no number of seconds"))?;
    let health = block_on(async { Ok(car_telegram::health(&root, timeout).await?) })?;
    if as_json {
        ui::out(&format!("{:#}", json!(health)));
        return Ok(ExitCode::SUCCESS);
    }
    let runs = if health.is_running { "runs" } else { "does not run" };
    ui::out(&format!("@{} is known to Telegram and {runs} on this machine.", health.name));
    ui::out(&format!(
        "Users: {}, messages waiting: {}, given up: {}",
        health.users, health.waiting, health.given_up
    ));
    if !health.sees_all_group_messages {
        ui::say(
            "In groups it sees only messages that name or answer it; @BotFather's /setprivacy changes that.",
        );
    }
    if health.users == 0 {
        ui::say("Nobody may use it yet: `car telegram pair` prints a code.");
    }
    Ok(ExitCode::SUCCESS)
}

fn pair(bot: &BotArg, role: Option<TelegramRole>) -> CommandResult {
    let root = bot.root()?;
    let code = block_on(async { Ok(car_telegram::pair(&root, role).await?) })?;
    ui::out(&code.code);
    if let Some(link) = &code.link {
        ui::say(&format!("Open {link}, or send the bot:  /start {}", code.code));
    } else {
        ui::say(&format!("Send the bot:  /start {}", code.code));
    }
    ui::say(&format!(
        "It lets one person in as {}, with the chat they send it from, within {} minutes. The bot has to run meanwhile.",
        code.role.name(),
        CODE_LIFETIME.as_secs() / 60
    ));
    Ok(ExitCode::SUCCESS)
}

fn people(bot: &BotArg, as_json: bool) -> CommandResult {
    let root = bot.root()?;
    let people = block_on(async { Ok(car_telegram::paired(&root).await?) })?;
    if as_json {
        ui::out(&format!("{:#}", json!(people)));
        return Ok(ExitCode::SUCCESS);
    }
    if people.is_empty() {
        ui::say("Nobody was let in by a code yet. `car telegram pair` prints one.");
        return Ok(ExitCode::SUCCESS);
    }
    let line = |person: &car_telegram::Paired| {
        format!("{:<14} {:<9} {}", person.user_id, person.role, person.name)
    };
    ui::out(&people.iter().map(line).collect::<Vec<_>>().join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn audit(bot: &BotArg, limit: u32, as_json: bool) -> CommandResult {
    let root = bot.root()?;
    let entries = block_on(async { Ok(car_telegram::audit(&root, limit).await?) })?;
    if as_json {
        ui::out(&format!("{:#}", json!(entries)));
        return Ok(ExitCode::SUCCESS);
    }
    let line = |entry: &AuditEntry| {
        let AuditEntry { at, user_id, user_name, chat, topic, action, detail } = entry;
        let at = at.whole_seconds();
        format!("{at}  {user_name} ({user_id})  {chat}:{topic}  {action}  {detail}")
    };
    if entries.is_empty() {
        ui::say("Nothing was done in Telegram yet.");
    } else {
        ui::out(&entries.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}
