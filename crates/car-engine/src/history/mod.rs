//! What earlier runs left in files: journals and logs.

mod cursor;
mod range;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use car_domain::Timestamp;
use car_domain::log::{LogLine, previous_output_from_global_log, previous_output_from_run_log};
use car_domain::run::{JournalEntry, Outcome, RunEnd, RunEvent, RunSummary};
use car_domain::text::tail_chars;

pub(crate) use cursor::JournalCursor;
pub use range::{JournalPage, JournalQuery};

use crate::{EngineError, Repo};

/// How much of the shared log is searched for a run that has no file of its own, in bytes.
const SHARED_LOG_WINDOW: u64 = 1_000_000;
/// How much of a log a tail looks at, in bytes.
const TAIL_WINDOW: u64 = 400_000;

/// The runs of a repository, read from its files.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    repo: &'a Repo,
}

/// A piece of log for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogView {
    /// The text.
    Text(String),
    /// There is nothing; the sentence says why.
    Nothing(&'static str),
}

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPiece {
    /// Whole lines.
    pub text: String,
    /// Whether lines before them are missing.
    pub is_cut: bool,
}

impl<'a> History<'a> {
    /// Looks at `repo`.
    pub fn new(repo: &'a Repo) -> Self {
        Self { repo }
    }

    /// Numbers of all runs with a journal or a log of their own, ascending.
    pub fn runs(&self) -> Vec<u64> {
        let dirs = [Some(self.repo.runs_dir()), self.repo.original_runs_dir()];
        let entries = dirs.into_iter().flatten().filter_map(|dir| fs::read_dir(dir).ok()).flatten();
        let mut runs: Vec<u64> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let name = name.strip_prefix("run-")?;
                name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".log"))?.parse().ok()
            })
            .collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }

    /// A summary of run `run`; of a run of the original, what its log tells.
    pub fn summary(&self, run: u64) -> Option<RunSummary> {
        let mut summary = RunSummary::new(run);
        let mut cursor = JournalCursor::new(self.repo.journal_path(run));
        if !self.repo.journal_path(run).exists() {
            return self.summary_from_log(run);
        }
        while let Ok(entries) = cursor.read_new() {
            if entries.is_empty() {
                break;
            }
            entries.iter().for_each(|entry| summary.apply(entry));
        }
        Some(summary)
    }

    /// The last `max` entries of the journal of run `run`.
    pub fn tail(&self, run: u64, max: usize) -> Vec<JournalEntry> {
        self.tail_where(run, max, |_| true)
    }

    /// The last `max` entries of the journal of run `run` that are wanted.
    pub fn tail_where(
        &self,
        run: u64,
        max: usize,
        is_wanted: impl Fn(&JournalEntry) -> bool,
    ) -> Vec<JournalEntry> {
        let mut cursor = JournalCursor::new(self.repo.journal_path(run));
        let mut kept = Vec::new();
        while let Ok(entries) = cursor.read_new() {
            if entries.is_empty() {
                break;
            }
            kept.extend(entries.into_iter().filter(|entry| is_wanted(entry)));
            let surplus = kept.len().saturating_sub(max);
            kept.drain(..surplus);
        }
        kept
    }

    /// The final output of run `run`, at most its last `max_chars` characters (0: all).
    pub(crate) fn final_output(&self, run: u64, max_chars: usize) -> Option<String> {
        let mut last = None;
        let mut cursor = JournalCursor::new(self.repo.journal_path(run));
        while let Ok(entries) = cursor.read_new() {
            if entries.is_empty() {
                break;
            }
            last = entries.into_iter().rev().find_map(message).or(last);
        }
        if let Some(text) = last {
            return Some(tail_chars(&text, max_chars).to_owned()).filter(|text| !text.is_empty());
        }
        match fs::read(self.repo.run_log_path(run)) {
            Ok(bytes) if !bytes.is_empty() => {
                previous_output_from_run_log(&String::from_utf8_lossy(&bytes), max_chars)
            }
            _ => {
                let text = tail_of(&self.repo.log_path(), SHARED_LOG_WINDOW / 4).ok()?;
                previous_output_from_global_log(&text, run, max_chars)
            }
        }
    }

    /// The log of run `run`.
    pub fn run_log(&self, run: u64) -> LogView {
        if let Ok(bytes) = fs::read(self.repo.run_log_path(run)) {
            return LogView::Text(String::from_utf8_lossy(&bytes).into_owned());
        }
        let text = tail_of(&self.repo.log_path(), SHARED_LOG_WINDOW).unwrap_or_default();
        match block_of(run, &text) {
            Some(block) => LogView::Text(block),
            None => LogView::Nothing("run not found"),
        }
    }

    /// The end of the log of run `run`, at most `max_bytes`.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn run_log_end(&self, run: u64, max_bytes: u64) -> Result<LogPiece, EngineError> {
        let path = self.repo.run_log_path(run);
        if let Ok((text, end)) = tail_and_end_of(&path, max_bytes) {
            return Ok(LogPiece { text, is_cut: end > max_bytes });
        }
        match self.run_log(run) {
            LogView::Text(text) => Ok(LogPiece { text, is_cut: false }),
            LogView::Nothing(why) => Err(EngineError::not_found(why)),
        }
    }

    /// A part of the journal of run `run`. One of the original's runs has none, so there is nothing in it.
    ///
    /// # Errors
    /// When there is no such run, or its journal cannot be read.
    pub fn entries(&self, run: u64, query: &JournalQuery) -> Result<JournalPage, EngineError> {
        let path = self.repo.journal_path(run);
        match range::read(&path, query) {
            Ok(page) => Ok(page),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.repo.run_log_path(run).exists() {
                    return Ok(JournalPage { next: query.from, ..JournalPage::default() });
                }
                Err(EngineError::not_found("run not found"))
            }
            Err(error) => Err(EngineError::file("read", &path, error)),
        }
    }

    /// The last `lines` lines of the shared log, and where in the file they end.
    ///
    /// # Errors
    /// When there is no log.
    pub fn log_tail(&self, lines: usize) -> Result<(String, u64), EngineError> {
        let path = self.repo.log_path();
        let (text, end) = tail_and_end_of(&path, TAIL_WINDOW)
            .map_err(|_| EngineError::not_found("Log file not found; run init"))?;
        // A line that is being written belongs to whoever reads on.
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let all: Vec<&str> = text[..whole].lines().collect();
        let from = all.len().saturating_sub(lines);
        let tail = all[from..].iter().flat_map(|line| [line, "\n"]).collect();
        Ok((tail, end - (text.len() - whole) as u64))
    }

    fn summary_from_log(&self, run: u64) -> Option<RunSummary> {
        let path = self.repo.run_log_path(run);
        let head = head_of(&path, 4096).ok()?;
        let tail = tail_of(&path, 4096).ok()?;
        let stamp = |line: &str| Timestamp::parse(line.strip_prefix('[')?.split_once(']')?.0);
        let mut summary = RunSummary::new(run);
        summary.agent = "codex".to_owned();
        summary.started_at = head.lines().find_map(stamp);
        let code = tail.lines().rev().find_map(|line| match LogLine::parse(line) {
            LogLine::End(_, code) => Some(code),
            _ => None,
        });
        summary.finished_at = code.and_then(|_| tail.lines().rev().find_map(stamp));
        if let (Some(from), Some(to)) = (summary.started_at, summary.finished_at) {
            summary.duration_ms = u64::try_from(to.since(from).as_millis()).ok();
        }
        summary.end = Some(match code {
            Some(0) => RunEnd {
                outcome: Outcome::Succeeded,
                exit_code: Some(0),
                signal: None,
                reason: None,
            },
            Some(code) => RunEnd {
                outcome: Outcome::Failed,
                exit_code: (code >= 0).then_some(code),
                signal: (code < 0).then_some(-code),
                reason: None,
            },
            None => RunEnd {
                outcome: Outcome::Interrupted,
                exit_code: None,
                signal: None,
                reason: None,
            },
        });
        Some(summary)
    }
}

fn message(entry: JournalEntry) -> Option<String> {
    match entry.event {
        RunEvent::Message { text } => Some(text),
        _ => None,
    }
}

/// The lines of run `run` in a log of all runs, markers included. What an agent printed is stamped and never a marker.
fn block_of(run: u64, log: &str) -> Option<String> {
    let is_start = |line: &str| LogLine::parse(line.trim_end()) == LogLine::Start(run);
    let is_end =
        |line: &str| matches!(LogLine::parse(line.trim_end()), LogLine::End(n, _) if n == run);
    let mut block = String::new();
    for line in log.split_inclusive('\n').skip_while(|line| !is_start(line)) {
        block.push_str(line);
        if is_end(line) {
            break;
        }
    }
    (!block.is_empty()).then_some(block)
}

fn tail_of(path: &Path, window: u64) -> io::Result<String> {
    tail_and_end_of(path, window).map(|(text, _)| text)
}

/// The last lines of a file and the place in it where they end.
fn tail_and_end_of(path: &Path, window: u64) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let start = file.seek(SeekFrom::Start(len.saturating_sub(window)))?;
    let mut bytes = Vec::new();
    file.take(window).read_to_end(&mut bytes)?;
    let end = start + bytes.len() as u64;
    if len > window {
        let first = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        bytes.drain(..first);
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), end))
}

fn head_of(path: &Path, window: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(window).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_at_its_own_marker_and_not_at_a_printed_one() {
        let block = "=== run 2 start ===\n\
            [2026-01-01T00:00:00Z] run=2 stdout: === run 2 end (code 0) ===\n\
            [2026-01-01T00:00:00Z] run=2 stdout: === run 3 start ===\n\
            === run 2 end (code 1) ===\n";
        let log = format!("=== run 1 start ===\n{block}=== run 3 start ===\n");
        assert_eq!(block_of(2, &log).as_deref(), Some(block));
        assert_eq!(block_of(3, &log).as_deref(), Some("=== run 3 start ===\n"));
        assert_eq!(block_of(4, &log), None);
    }

    #[test]
    fn logs_the_original_left_beside_a_log_elsewhere_are_found() {
        let dir = tempfile::tempdir().expect("temp dir");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
            fs::write(path, text).expect("write");
        };
        write(".codex-autorunner/config.yml", "log: {path: logs/car.log}\n");
        write("logs/runs/run-1.log", "old\n");
        write("logs/runs/run-2.log", "stray\n");
        write(".codex-autorunner/runs/run-2.log", "new\n");
        let repo = Repo::open(dir.path()).expect("valid");
        let history = History::new(&repo);
        assert_eq!(history.runs(), [1, 2]);
        assert_eq!(history.run_log(1), LogView::Text("old\n".to_owned()));
        assert_eq!(history.run_log(2), LogView::Text("new\n".to_owned()));
    }
}
