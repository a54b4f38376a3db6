//! A sync as a job: a process of its own that is started, followed in a file, and ended from outside.
//!
//! The process writes down how it goes in `github-sync.jsonl`, so whoever comes later, also after a restart of the server,
//! sees the same. That it runs is shown only with proof: its pid is alive with the start time it wrote.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use car_agent::{Detached, Start, is_alive, process_id, terminate, wait_until_gone};
use car_domain::github::{SyncFailure, SyncJob, SyncPreview, SyncProgress, SyncResult};
use car_domain::state::ProcessId;
use serde::{Deserialize, Serialize};

use crate::files::{AppendFile, write_atomic};
use crate::runner::refusal;
use crate::{EngineError, ErrorKind, Repo, now};

/// How long a new sync may take until it holds its locks.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Words of the agent that are written down.
const MAX_DETAILS: usize = 500;

/// One line of `github-sync.jsonl`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Begun { process: ProcessId, at: car_domain::Timestamp },
    Progress(SyncProgress),
    Finished(Box<SyncResult>),
    Failed(SyncFailure),
}

/// What the sync that is at work writes down.
pub(super) struct Record {
    /// `None` when it cannot be written; the sync itself goes on.
    file: Option<AppendFile>,
    n_details: usize,
}

impl Record {
    /// Begins a new record in the place of the last one.
    pub(super) fn begin(repo: &Repo) -> Self {
        let path = record_path(repo);
        let pid = nix::unistd::Pid::this().as_raw();
        let process = process_id(pid).unwrap_or(ProcessId { pid, start_ticks: 0 });
        let begun = write_atomic(&path, b"").and_then(|()| AppendFile::open(&path));
        let mut record = Self { file: None, n_details: 0 };
        match begun {
            Ok(file) => record.file = Some(file),
            Err(error) => tracing::warn!(%error, "the course of this sync is not written down"),
        }
        record.write(&Line::Begun { process, at: now() });
        record
    }

    pub(super) fn progress(&mut self, news: &SyncProgress) {
        self.n_details += usize::from(news.detail.is_some());
        if news.detail.is_none() || self.n_details <= MAX_DETAILS {
            self.write(&Line::Progress(news.clone()));
        }
    }

    pub(super) fn end(&mut self, result: &Result<SyncResult, EngineError>) {
        self.write(&match result {
            Ok(result) => Line::Finished(Box::new(result.clone())),
            Err(error) => {
                Line::Failed(SyncFailure { message: error.to_string(), hint: error.hint() })
            }
        });
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_string(line).map_err(io::Error::other);
        if let Err(error) = written.and_then(|line| file.write_line(&line)) {
            tracing::warn!(%error, "the course of this sync is no longer written down");
            self.file = None;
        }
    }
}

/// Starts a sync that outlives the caller: `command` plus `github sync --repo ROOT --detached`. Returns its pid once it has
/// begun; [`last_sync`] tells how it goes.
///
/// # Errors
/// A conflict with what the new process says when it cannot begin.
pub async fn start_sync(
    repo: &Repo,
    command: &[OsString],
    confirmed: &SyncPreview,
) -> Result<i32, EngineError> {
    let (path, errors_path) = (confirmed_path(repo), repo.car_dir().join("github-sync-errors.log"));
    let text = serde_json::to_vec(confirmed).map_err(|error| {
        EngineError::new(ErrorKind::Other, "the preview cannot be written").with_source(error)
    })?;
    let prepare = {
        let errors_path = errors_path.clone();
        move || {
            write_atomic(&path, &text).map_err(|error| EngineError::file("write", &path, error))?;
            File::create(&errors_path)
                .map_err(|error| EngineError::file("write", &errors_path, error))
        }
    };
    let errors = tokio::task::spawn_blocking(prepare).await.map_err(|error| {
        EngineError::new(ErrorKind::Other, "preparing a sync ended unexpectedly").with_source(error)
    })??;
    let root = repo.root();
    let args: [OsString; 5] =
        ["github".into(), "sync".into(), "--repo".into(), root.into(), "--detached".into()];
    let start = Detached::new(command, &args, root, errors, START_PATIENCE).start().await;
    match start {
        Ok(Start::Ready(pid)) => Ok(pid),
        Ok(Start::Refused) => {
            let said = tokio::fs::read_to_string(&errors_path).await.unwrap_or_default();
            Err(refusal(&said))
        }
        Ok(Start::Silent) => Err(EngineError::new(
            ErrorKind::Timeout,
            format!("the sync did not begin within {} s", START_PATIENCE.as_secs()),
        )
        .with_hint(format!("see {}", errors_path.display()))),
        Err(error) => {
            Err(EngineError::new(ErrorKind::Other, "cannot start a sync").with_source(error))
        }
    }
}

/// The preview that [`start_sync`] left for the new process.
///
/// # Errors
/// When there is none.
pub fn confirmed_preview(repo: &Repo) -> Result<SyncPreview, EngineError> {
    let path = confirmed_path(repo);
    let text = fs::read(&path).map_err(|error| EngineError::file("read", &path, error))?;
    serde_json::from_slice(&text).map_err(|error| {
        EngineError::new(ErrorKind::Other, format!("{} is no preview", path.display()))
            .with_source(error)
    })
}

/// The sync that is at work, or the last one; `None` when there was none.
///
/// # Errors
/// When its record cannot be read.
pub fn last_sync(repo: &Repo) -> Result<Option<SyncJob>, EngineError> {
    Ok(read(repo)?.map(|(_, job)| job))
}

/// Waits for the end of the sync that is at work, `patience` at most, and tells how it is then.
///
/// # Errors
/// When its record cannot be read.
pub async fn sync_ended(repo: &Repo, patience: Duration) -> Result<Option<SyncJob>, EngineError> {
    let look = |repo: Repo| crate::served::blocking(move || read(&repo));
    let Some((process, job)) = look(repo.clone()).await? else { return Ok(None) };
    if job.pid.is_none() {
        return Ok(Some(job));
    }
    wait_until_gone(process, patience).await;
    Ok(look(repo.clone()).await?.map(|(_, job)| job))
}

/// Asks the sync that is at work to end; says whether there was one.
///
/// # Errors
/// When its record cannot be read.
pub fn cancel_sync(repo: &Repo) -> Result<bool, EngineError> {
    let at_work = read(repo)?.filter(|(_, job)| job.pid.is_some());
    if let Some((process, _)) = at_work {
        terminate(process);
        return Ok(true);
    }
    Ok(false)
}

fn read(repo: &Repo) -> Result<Option<(ProcessId, SyncJob)>, EngineError> {
    let path = record_path(repo);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(EngineError::file("read", &path, error)),
    };
    let mut job = SyncJob::default();
    let mut process = None;
    // A torn line of a crash says nothing.
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::Begun { process: begun, at } => {
                process = Some(begun);
                job.started_at = Some(at);
            }
            Line::Progress(news) => job.progress.push(news),
            Line::Finished(result) => job.result = Some(*result),
            Line::Failed(failure) => job.failure = Some(failure),
        }
    }
    let is_open = job.result.is_none() && job.failure.is_none();
    job.pid = process.filter(|process| is_open && is_alive(*process)).map(|process| process.pid);
    if is_open && job.pid.is_none() {
        job.failure = Some(SyncFailure {
            message: "The sync was gone before it had finished".to_owned(),
            hint: Some("what was done by then stays; another sync goes on from there".to_owned()),
        });
    }
    Ok(process.map(|process| (process, job)))
}

fn record_path(repo: &Repo) -> PathBuf {
    repo.car_dir().join("github-sync.jsonl")
}

fn confirmed_path(repo: &Repo) -> PathBuf {
    repo.car_dir().join("github-sync.json")
}
