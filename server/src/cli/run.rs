//! `car run`, `car once`, `car resume`

use std::process::ExitCode;

use car_domain::run::LoopEnd;
use car_engine::runner::{self, LoopReport, LoopRequest, RunnerLock, RunnerNews, StopSource};
use car_engine::{EngineError, ErrorKind, Repo};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::error::CliError;
use super::live::LiveOutput;
use super::{CommandResult, RepoArg, block_on, logging, own_program, ui};

/// Run the agent again and again until the TODO list is done
#[derive(Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Run the agent once
#[derive(Args)]
pub(crate) struct OnceArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Go on after a stop, a failure or a crash
#[derive(Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Only one run
    #[arg(long)]
    once: bool,
}

#[derive(Args)]
struct CommonArgs {
    #[command(flatten)]
    repo: RepoArg,
    /// End a loop that is at work and take over
    #[arg(long)]
    force: bool,
    /// Work without a terminal and say on standard output when the lock is held
    #[arg(long, hide = true)]
    detached: bool,
}

pub(super) fn run(args: &RunArgs) -> CommandResult {
    start(&args.common, None)
}

pub(super) fn once(args: &OnceArgs) -> CommandResult {
    start(&args.common, Some(1))
}

pub(super) fn resume(args: &ResumeArgs) -> CommandResult {
    start(&args.common, args.once.then_some(1))
}

fn start(args: &CommonArgs, max_runs: Option<u64>) -> CommandResult {
    logging::start();
    let repo = args.repo.open()?;
    if args.detached {
        // Out of the caller's session, so that neither its terminal nor its end reaches the loop. Fails only for a process
        // that leads a group already, which is out of reach as well.
        let _ = nix::unistd::setsid();
    }
    block_on(async {
        let lock = take_lock(&repo, args.force).await?;
        let mut guard = own_program();
        guard.push("agent-guard".into());
        let request = LoopRequest { max_runs, guard };
        let stop = watch_signals(&repo)?;
        let mut output = LiveOutput::default();
        let mut news = |news: RunnerNews<'_>| match (args.detached, &news) {
            (true, RunnerNews::Ready) => ui::out(car_agent::READY),
            (true, _) => {}
            (false, _) => output.show(&news),
        };
        let report = runner::run_loop(&repo, lock, &request, stop, &mut news).await?;
        if !args.detached {
            ui::out(&summary(&report));
        }
        Ok(exit_code(&report))
    })
}

async fn take_lock(repo: &Repo, force: bool) -> Result<RunnerLock, EngineError> {
    match RunnerLock::acquire(repo) {
        Err(error) if force && error.kind() == ErrorKind::Conflict => {
            runner::kill(repo).await?;
            RunnerLock::acquire(repo)
        }
        result => result,
    }
}

/// Turns signals into what they mean for the loop.
fn watch_signals(repo: &Repo) -> Result<watch::Receiver<StopSource>, CliError> {
    let failed = |error| CliError::other(format!("cannot listen to signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let (sender, receiver) = watch::channel(StopSource::None);
    let repo = repo.clone();
    // Lives as long as the process, which ends with the loop.
    tokio::spawn(async move {
        loop {
            let kind = tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
                _ = hangup.recv() => SignalKind::hangup(),
            };
            let source = StopSource::from_signal(&repo, kind.as_raw_value());
            if sender.send(source).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

fn summary(report: &LoopReport) -> String {
    let n = report.n_runs;
    let runs = if n == 1 { "1 run".to_owned() } else { format!("{n} runs") };
    let reason = || {
        let end = report.last.as_ref().and_then(|(run, end)| Some((run, end.reason.as_ref()?)));
        end.map(|(run, reason)| format!("Run {run}: {reason}")).unwrap_or_default()
    };
    match report.end {
        LoopEnd::AllDone => format!("All TODO items are done, the report is written. {runs}."),
        LoopEnd::NoTasks => "TODO has no checkbox; add lines like `- [ ] task`.".to_owned(),
        LoopEnd::Stopped if report.stopped_by.is_stop() => format!("Stopped. {}", reason()),
        LoopEnd::Stopped => format!("Stopped on request after {runs}."),
        LoopEnd::WallClock => format!("The time for the whole loop is over. {runs}."),
        LoopEnd::LimitReached => format!("Stopped after {runs}, as asked."),
        LoopEnd::NoProgress => format!("Stopped after {runs}: the last ones changed nothing."),
        LoopEnd::RunEnded(_) => reason(),
    }
}

fn exit_code(report: &LoopReport) -> ExitCode {
    ExitCode::from(match (report.end, report.stopped_by) {
        (LoopEnd::RunEnded(_) | LoopEnd::NoProgress, StopSource::None) => 4,
        (_, StopSource::Kill | StopSource::Signal(_)) => 130,
        (LoopEnd::RunEnded(_) | LoopEnd::NoProgress, StopSource::Now) => 4,
        _ => 0,
    })
}
