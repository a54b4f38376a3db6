//! Bringing the index up to date with the session files.
//!
//! One process at a time, under a file lock. A thread reads, the index is written in batches; each batch is whole, so a
//! reading that is ended half way (a person interrupts it, the server ends) goes on where it was the next time.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::Path;

use car_store::{Resume, SessionPiece, UsageIndex};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::reader::SessionReader;
use super::scan::{self, Plan, SessionFile};
use crate::served::blocking;
use crate::{EngineError, ErrorKind};

/// Events and files of one transaction: large enough to be fast, small enough to lose little.
const BATCH_EVENTS: usize = 4_000;
const BATCH_FILES: usize = 200;
/// Batches that wait for the database; more would only take memory.
const BATCHES_WAITING: usize = 2;

/// How far the reading of session files is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageProgress {
    /// Files that are read.
    pub files_done: u64,
    /// Files to read.
    pub files: u64,
    /// Bytes that are read.
    pub bytes_done: u64,
    /// Bytes to read.
    pub bytes: u64,
}

/// How a refresh ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The index says what the files say.
    Ready {
        /// Files and directories that could not be read.
        unreadable: Vec<String>,
    },
    /// Another process is at it.
    Busy,
    /// It was cancelled; what was read stays.
    Cancelled,
}

/// Takes the lock of the index. None when another process has it and `wait` is false.
pub(super) async fn lock(path: &Path, wait: bool) -> Result<Option<File>, EngineError> {
    let path = path.to_path_buf();
    blocking(move || {
        let failed = |error| EngineError::file("lock", &path, error);
        let file =
            File::options().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        if wait {
            file.lock().map_err(failed)?;
            return Ok(Some(file));
        }
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    })
    .await
}

/// Reads what is new below `home` into `index`. The caller holds the lock.
pub(super) async fn read_new(
    index: &UsageIndex,
    home: &Path,
    progress: &watch::Sender<UsageProgress>,
    cancel: &CancellationToken,
) -> Result<Refreshed, EngineError> {
    let known = index.marks().await?;
    let mut resumes = HashMap::new();
    let n_known = known.len();
    let looked_at = home.to_path_buf();
    let Plan { changed, gone, unreadable } =
        blocking(move || Ok(scan::plan(&looked_at, known))).await?;
    if n_known > 0 {
        for file in &changed {
            if let Some(resume) = index.resume(&file.name).await? {
                resumes.insert(file.name.clone(), resume);
            }
        }
    }
    let mut unreadable: Vec<String> =
        unreadable.iter().map(|path| path.display().to_string()).collect();
    if !changed.is_empty() {
        let reading = Reading { progress: progress.clone(), cancel: cancel.clone() };
        let (batches, mut written) = mpsc::channel(BATCHES_WAITING);
        let read = tokio::task::spawn_blocking(move || reading.run(changed, resumes, &batches));
        while let Some(batch) = written.recv().await {
            let batch: Vec<SessionPiece> = batch;
            index.add(&batch).await?;
        }
        let failed = read.await.map_err(|error| {
            EngineError::new(ErrorKind::Other, "the reading of session files ended unexpectedly")
                .with_source(error)
        })?;
        unreadable.extend(failed);
    }
    if cancel.is_cancelled() {
        return Ok(Refreshed::Cancelled);
    }
    if !gone.is_empty() {
        index.forget(&gone).await?;
    }
    Ok(Refreshed::Ready { unreadable })
}

struct Reading {
    progress: watch::Sender<UsageProgress>,
    cancel: CancellationToken,
}

impl Reading {
    /// Reads `files` and sends what they tell. Returns what could not be read. Ends early when nobody takes it any more.
    fn run(
        &self,
        files: Vec<SessionFile>,
        mut resumes: HashMap<String, Resume>,
        batches: &mpsc::Sender<Vec<SessionPiece>>,
    ) -> Vec<String> {
        let bytes = files.iter().map(|file| {
            let size = u64::try_from(file.mark.size).unwrap_or(0);
            size.saturating_sub(resumes.get(&file.name).map_or(0, |resume| resume.offset))
        });
        let all = UsageProgress {
            files: files.len() as u64,
            bytes: bytes.sum(),
            ..UsageProgress::default()
        };
        self.progress.send_replace(all);
        let mut unreadable = Vec::new();
        let mut batch: Vec<SessionPiece> = Vec::new();
        let mut n_events = 0;
        for file in files {
            let name = file.path.display().to_string();
            let resume = resumes.remove(&file.name);
            let read = self.read_file(file, resume, |piece| {
                n_events += piece.events.len();
                batch.push(piece);
                if n_events < BATCH_EVENTS && batch.len() < BATCH_FILES {
                    return true;
                }
                n_events = 0;
                batches.blocking_send(std::mem::take(&mut batch)).is_ok()
            });
            match read {
                Ok(true) => self.progress.send_modify(|progress| progress.files_done += 1),
                Ok(false) => break,
                // It was there a moment ago: it was moved, and is found in its new place the next time.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => unreadable.push(format!("{name}: {error}")),
            }
        }
        if !batch.is_empty() {
            // When nobody takes it the refresh has failed and says so.
            let _ = batches.blocking_send(batch);
        }
        unreadable
    }

    /// False when it was cancelled.
    fn read_file(
        &self,
        file: SessionFile,
        resume: Option<Resume>,
        mut take: impl FnMut(SessionPiece) -> bool,
    ) -> std::io::Result<bool> {
        let mut reader = SessionReader::open(file, resume)?;
        loop {
            if self.cancel.is_cancelled() {
                return Ok(false);
            }
            let before = reader.left();
            let (piece, more) = reader.read()?;
            let read = before.saturating_sub(reader.left());
            self.progress.send_modify(|progress| progress.bytes_done += read);
            if !take(piece) {
                return Ok(false);
            }
            if !more {
                return Ok(true);
            }
        }
    }
}
