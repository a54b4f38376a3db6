//! The command line: one file per command, each an `Args` struct and a `run` function.
//!
//! Data goes to standard output, talk to standard error. Exit codes: 0 done or stopped as asked, 1 other trouble, 2 wrong
//! usage, 3 configuration, 4 the agent failed, 130 interrupted.

mod agent_guard;
mod attach;
mod chat;
mod checkpoints;
mod clear_docs;
mod completions;
mod config;
mod demo;
mod devices;
mod diff;
mod docs;
mod doctor;
mod edit;
mod error;
mod github;
mod host;
mod housekeeping;
mod hub;
mod index;
mod ingest_spec;
mod init;
mod job;
mod kill;
mod live;
mod log;
mod logging;
mod man;
mod notify;
mod open;
mod progress;
mod requests;
mod run;
mod runs;
mod scripted_agent;
mod search;
mod serve;
mod sessions;
mod snapshot;
mod status;
mod steer;
mod stop;
mod telegram;
mod thread;
mod ui;
mod undo;
mod usage;
mod voice;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use car_engine::{EngineError, Repo};
use clap::{Args, Parser, Subcommand};

use error::CliError;

/// Runs a coding agent in a loop until the TODO list is done
#[derive(Parser)]
#[command(name = "car", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::InitArgs),
    Run(run::RunArgs),
    Once(run::OnceArgs),
    Resume(run::ResumeArgs),
    Stop(stop::StopArgs),
    Kill(kill::KillArgs),
    Steer(steer::SteerArgs),
    Requests(requests::RequestsArgs),
    Answer(requests::AnswerArgs),
    Thread(thread::ThreadArgs),
    Status(status::StatusArgs),
    Log(log::LogArgs),
    Runs(runs::RunsArgs),
    Diff(diff::DiffArgs),
    Undo(undo::UndoArgs),
    Redo(undo::RedoArgs),
    Checkpoints(checkpoints::CheckpointsArgs),
    Search(search::SearchArgs),
    Usage(usage::UsageArgs),
    Docs(docs::DocsArgs),
    Chat(chat::ChatArgs),
    IngestSpec(ingest_spec::IngestSpecArgs),
    Snapshot(snapshot::SnapshotArgs),
    Edit(edit::EditArgs),
    ClearDocs(clear_docs::ClearDocsArgs),
    Config(config::ConfigArgs),
    Github(github::GithubArgs),
    Sessions(sessions::SessionsArgs),
    StopSession(sessions::StopSessionArgs),
    Attach(attach::AttachArgs),
    Terminal(attach::TerminalArgs),
    Voice(voice::VoiceArgs),
    Notify(notify::NotifyArgs),
    Housekeeping(housekeeping::HousekeepingArgs),
    Hub(hub::HubArgs),
    Telegram(telegram::TelegramArgs),
    Serve(serve::ServeArgs),
    Open(open::OpenArgs),
    Pair(open::PairArgs),
    Devices(devices::DevicesArgs),
    Audit(devices::AuditArgs),
    Demo(demo::DemoArgs),
    Doctor(doctor::DoctorArgs),
    Index(index::IndexArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(hide = true)]
    AgentGuard(agent_guard::AgentGuardArgs),
    #[command(hide = true)]
    Host(host::HostArgs),
    #[command(hide = true)]
    ScriptedAgent(scripted_agent::ScriptedAgentArgs),
}

/// Which repository a command is about
#[derive(Args)]
pub(crate) struct RepoArg {
    /// The repository, or a directory in it
    #[arg(long, value_name = "PATH", default_value = ".")]
    repo: PathBuf,
}

impl RepoArg {
    fn open(&self) -> Result<Repo, EngineError> {
        Repo::find(&self.repo)
    }

    fn path(&self) -> &Path {
        &self.repo
    }
}

/// What a command gives back to the shell.
type CommandResult = Result<ExitCode, CliError>;

/// Reads the arguments, runs the command, tells errors.
pub(crate) fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            ui::error(&error);
            error.exit_code()
        }
    }
}

fn dispatch(command: Command) -> CommandResult {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Once(args) => run::once(&args),
        Command::Resume(args) => run::resume(&args),
        Command::Stop(args) => stop::run(&args),
        Command::Kill(args) => kill::run(&args),
        Command::Steer(args) => steer::run(&args),
        Command::Requests(args) => requests::requests(&args),
        Command::Answer(args) => requests::answer(&args),
        Command::Thread(args) => thread::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Undo(args) => undo::undo(&args),
        Command::Redo(args) => undo::redo(&args),
        Command::Checkpoints(args) => checkpoints::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Usage(args) => usage::run(&args),
        Command::Docs(args) => docs::run(&args),
        Command::Chat(args) => chat::run(&args),
        Command::IngestSpec(args) => ingest_spec::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::Edit(args) => edit::run(&args),
        Command::ClearDocs(args) => clear_docs::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Github(args) => github::run(&args),
        Command::Sessions(args) => sessions::list(&args),
        Command::StopSession(args) => sessions::stop(&args),
        Command::Attach(args) => attach::attach(&args),
        Command::Terminal(args) => attach::terminal(&args),
        Command::Housekeeping(args) => housekeeping::run(&args),
        Command::Voice(args) => voice::run(&args),
        Command::Notify(args) => notify::run(&args),
        Command::Hub(args) => hub::run(&args),
        Command::Telegram(args) => telegram::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Open(args) => open::open(&args),
        Command::Pair(args) => open::pair(&args),
        Command::Devices(args) => devices::devices(&args),
        Command::Audit(args) => devices::audit(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Index(args) => index::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::AgentGuard(args) => agent_guard::run(&args),
        Command::Host(args) => host::run(&args),
        Command::ScriptedAgent(args) => scripted_agent::run(&args),
    }
}

/// Runs `future` on one thread: enough for every command but the server.
fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(future)
}

/// Command line of this very program, also after its file was replaced.
fn own_program() -> Vec<std::ffi::OsString> {
    let running = Path::new("/proc/self/exe");
    let path = std::env::current_exe().ok().filter(|path| path.exists());
    vec![path.unwrap_or_else(|| running.to_path_buf()).into_os_string()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_says_what_it_does() {
        fn look(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.is_hide_set() || command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                let said = argument.is_hide_set() || argument.get_help().is_some();
                assert!(said, "{name} {}", argument.get_id());
            }
            command.get_subcommands().for_each(look);
        }
        let mut command = Cli::command();
        command.build();
        look(&command);
    }
}
