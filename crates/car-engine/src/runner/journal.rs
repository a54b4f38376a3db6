//! Writing the records of one run: the journal, the run's text log, and the log all runs share.
//!
//! The journal is the truth and must be written; the text logs are for people and for the original, so trouble with one of
//! them is told in the journal and does not end the run.

use std::fs;
use std::io;

use car_domain::Timestamp;
use car_domain::log::{end_marker, log_line, start_marker, stdout_line, stdout_lines};
use car_domain::run::{JournalEntry, NoticeLevel, RunEvent};

use crate::files::{AppendFile, RotatingLog};
use crate::{EngineError, Repo};

/// The open records of a run.
pub(super) struct RunJournal {
    run: u64,
    seq: u64,
    journal: AppendFile,
    logs: Option<TextLogs>,
}

struct TextLogs {
    own: AppendFile,
    shared: RotatingLog,
}

impl RunJournal {
    /// Opens the records of run `run`, which must be new.
    pub(super) fn create(repo: &Repo, run: u64, at: Timestamp) -> Result<Self, EngineError> {
        let dir = repo.runs_dir();
        fs::create_dir_all(&dir).map_err(|error| EngineError::file("create", &dir, error))?;
        let path = repo.journal_path(run);
        let journal =
            AppendFile::open(&path).map_err(|error| EngineError::file("open", &path, error))?;
        let mut this = Self { run, seq: 0, journal, logs: None };
        match this.open_logs(repo) {
            Ok(logs) => this.logs = Some(logs),
            Err(error) => {
                let text = format!("the text logs cannot be written: {error}");
                this.append(at, RunEvent::Notice { level: NoticeLevel::Warning, text })?;
            }
        }
        Ok(this)
    }

    /// Opens the records of a run whose runner died, to end them.
    pub(super) fn reopen(repo: &Repo, run: u64, last_seq: u64) -> Result<Self, EngineError> {
        let path = repo.journal_path(run);
        let journal =
            AppendFile::open(&path).map_err(|error| EngineError::file("open", &path, error))?;
        let mut this = Self { run, seq: last_seq, journal, logs: None };
        this.logs = this.reopen_logs(repo).ok();
        Ok(this)
    }

    fn open_logs(&self, repo: &Repo) -> io::Result<TextLogs> {
        let mut logs = self.reopen_logs(repo)?;
        logs.write(&start_marker(self.run))?;
        Ok(logs)
    }

    fn reopen_logs(&self, repo: &Repo) -> io::Result<TextLogs> {
        let log = &repo.config().log;
        Ok(TextLogs {
            own: AppendFile::open(&repo.run_log_path(self.run))?,
            shared: RotatingLog::open(&repo.log_path(), log.max_bytes, log.backup_count)?,
        })
    }

    /// Number of the run.
    pub(super) fn run(&self) -> u64 {
        self.run
    }

    /// Appends an event and returns its entry.
    pub(super) fn append(
        &mut self,
        at: Timestamp,
        event: RunEvent,
    ) -> Result<JournalEntry, EngineError> {
        let entry = JournalEntry { seq: self.seq + 1, at, event };
        self.journal.write_line(&entry.to_line()).map_err(|error| self.failed(error))?;
        self.seq = entry.seq;
        let (run, lines) = (self.run, stdout_lines(&entry.event));
        self.log_lines(lines.iter().map(|line| stdout_line(at, run, &line.replace('\0', "␀"))));
        Ok(entry)
    }

    /// What the original looks for to find a run's final output: the token count, then the last message.
    pub(super) fn log_final_output(&mut self, at: Timestamp, tokens: u64, output: &str) {
        let head = ["tokens used".to_owned(), tokens.to_string()];
        let lines = head.into_iter().chain(output.lines().map(str::to_owned));
        let run = self.run;
        self.log_lines(lines.map(|line| stdout_line(at, run, &line)));
    }

    /// Says in the text logs why there was no agent to say anything.
    pub(super) fn log_failure(&mut self, at: Timestamp, reason: &str) {
        let line = log_line(at, self.run, &format!("FATAL: {reason}"));
        self.log_lines(std::iter::once(line));
    }

    /// Ends the text logs with the marker and makes everything survive a power cut.
    pub(super) fn close(mut self, exit_code: i32) -> Result<(), EngineError> {
        let marker = end_marker(self.run, exit_code);
        self.log_lines(std::iter::once(marker));
        self.journal.sync().map_err(|error| self.failed(error))
    }

    fn log_lines(&mut self, lines: impl Iterator<Item = String>) {
        let Some(logs) = &mut self.logs else { return };
        for line in lines {
            if let Err(error) = logs.write(&line) {
                tracing::warn!(run = self.run, %error, "the text logs of this run end here");
                self.logs = None;
                return;
            }
        }
    }

    fn failed(&self, error: io::Error) -> EngineError {
        let name = format!("run-{}.jsonl", self.run);
        EngineError::file("write", std::path::Path::new(&name), error)
    }
}

impl TextLogs {
    fn write(&mut self, line: &str) -> io::Result<()> {
        self.own.write_line(line)?;
        self.shared.write_line(line)
    }
}
