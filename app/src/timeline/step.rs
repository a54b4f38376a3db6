//! One step of a run.

use std::collections::VecDeque;
use std::time::Duration;

use car_domain::Timestamp;
use car_domain::run::{FileChange, NoticeLevel, RunEnd, RunKind};

/// Lines an output block keeps; what an agent prints without structure has no bound.
const MAX_LINES: usize = 400;

/// Something that happened in a run, shown as one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// Sequence number of its first entry; unique in a run.
    pub key: u64,
    /// When it began.
    pub at: Timestamp,
    /// What it is.
    pub kind: StepKind,
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StepKind {
    /// The run began.
    Started {
        /// Work or report.
        kind: RunKind,
        /// Name of the agent's program.
        agent: String,
        /// Characters of the prompt.
        prompt_chars: u64,
        /// Commit the run started from.
        commit: Option<String>,
    },
    /// The agent thought aloud.
    Reasoning(String),
    /// The agent said something.
    Message(String),
    /// A command; without an end it still runs.
    Command {
        /// Command line.
        command: String,
        /// How it ended.
        end: Option<CommandEnd>,
    },
    /// Files were edited.
    Files {
        /// The files.
        changes: Vec<FileChange>,
        /// Whether the edit could not be made.
        failed: bool,
    },
    /// A warning, an error or a remark.
    Notice(NoticeLevel, String),
    /// The model's turn failed.
    TurnFailed(String),
    /// Lines of plain text.
    Output(OutputBlock),
    /// Items of the TODO document changed.
    Todo {
        /// What became ticked.
        ticked: Vec<String>,
        /// Ticked boxes now.
        done: usize,
        /// Open boxes now.
        open: usize,
    },
    /// Something without a type of its own, as the agent wrote it.
    Raw {
        /// What the agent called it.
        name: String,
        /// All of it, as JSON.
        json: String,
    },
    /// The run ended.
    Ended {
        /// How.
        end: RunEnd,
        /// How long the run took.
        took: Duration,
    },
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CommandEnd {
    /// What it printed, possibly an excerpt.
    pub output: String,
    /// Bytes left out of the output.
    pub cut_bytes: u64,
    /// Exit code, when the agent said.
    pub exit_code: Option<i64>,
    /// `completed`, `failed`, `declined`, or `unfinished` when the run ended first.
    pub status: String,
    /// How long it took; absent when its start is not known.
    pub took: Option<Duration>,
}

impl CommandEnd {
    /// Whether the command did not do what it was asked.
    pub(crate) fn is_failure(&self) -> bool {
        match self.exit_code {
            Some(code) => code != 0,
            None => self.status != "completed",
        }
    }

    /// The outcome in the row: `exit 0`, `declined`.
    pub(crate) fn outcome(&self) -> String {
        match (self.exit_code, self.status.as_str()) {
            (_, "declined") => "declined".to_owned(),
            (Some(code), _) => format!("exit {code}"),
            (None, "completed") => "done".to_owned(),
            (None, status) => status.to_owned(),
        }
    }
}

/// Consecutive lines of plain text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OutputBlock {
    /// The newest lines.
    pub lines: VecDeque<String>,
    /// Lines before them that are not kept.
    pub n_dropped: u64,
    /// Bytes left out of lines that were too long.
    pub cut_bytes: u64,
}

impl OutputBlock {
    /// Adds a line.
    pub(super) fn push(&mut self, line: &str, cut_bytes: u64) {
        self.cut_bytes += cut_bytes;
        self.lines.push_back(line.to_owned());
        if self.lines.len() > MAX_LINES {
            self.lines.pop_front();
            self.n_dropped += 1;
        }
    }

    /// Number of lines, those not kept included.
    pub(crate) fn n_lines(&self) -> u64 {
        self.n_dropped + self.lines.len() as u64
    }

    /// The newest line that is not blank.
    pub(crate) fn last_line(&self) -> &str {
        let mut lines = self.lines.iter().rev().map(|line| line.trim());
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// The kept lines as one text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
