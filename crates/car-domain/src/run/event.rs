//! The journal of a run: typed events, one JSON object per line of `runs/run-N.jsonl`.
//!
//! Events are facts in the past tense, appended once and never changed. Readers must tolerate types they do not know; what
//! an agent says that has no type of its own is kept whole as [`RunEvent::Raw`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChangeCount, CheckpointStage, LeftOut, RunEnd, RunKind, Usage};
use crate::Timestamp;
use crate::conversation::{AgentRequest, Answer};
use crate::format::count;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Position in the run's journal, from 1 without gaps.
    pub seq: u64,
    /// When the runner saw it.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: RunEvent,
}

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Something is off, the run goes on.
    Warning,
    /// Something went wrong; it may be passing (a lost connection) or the end.
    Error,
}

/// One changed file as the agent names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Path as the agent gave it, often absolute.
    pub path: String,
    /// `add`, `update`, `delete` or what else the agent says.
    pub kind: String,
}

/// What can happen in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum RunEvent {
    /// The first entry: the prompt is built and the agent is about to start.
    #[serde(rename = "run.started")]
    RunStarted {
        /// Number of the run.
        run: u64,
        /// Work or report.
        kind: RunKind,
        /// Name of the agent's program, without its directory.
        agent: String,
        /// The TODO item that was next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// Characters of the prompt.
        prompt_chars: u64,
        /// Commit the run started from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    /// The agent named its conversation.
    #[serde(rename = "thread.started")]
    ThreadStarted {
        /// The agent's own id.
        thread_id: String,
    },
    /// The model was asked.
    #[serde(rename = "turn.started")]
    TurnStarted,
    /// The agent thought aloud.
    #[serde(rename = "reasoning")]
    Reasoning {
        /// Markdown.
        text: String,
    },
    /// The agent said something; the last one of a run is its final output.
    #[serde(rename = "message")]
    Message {
        /// Markdown, exact.
        text: String,
    },
    /// A command began.
    #[serde(rename = "command.started")]
    CommandStarted {
        /// The agent's id of the step.
        id: String,
        /// Command line.
        command: String,
    },
    /// A command ended.
    #[serde(rename = "command.finished")]
    CommandFinished {
        /// The agent's id of the step.
        id: String,
        /// Command line.
        command: String,
        /// Standard output and error together, possibly an excerpt.
        output: String,
        /// Bytes left out of `output`.
        #[serde(default, skip_serializing_if = "is_zero")]
        output_cut_bytes: u64,
        /// Exit code; absent when the agent did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i64>,
        /// `completed`, `failed` or `declined`.
        status: String,
    },
    /// Files were edited.
    #[serde(rename = "files.changed")]
    FilesChanged {
        /// The agent's id of the step.
        id: String,
        /// The files.
        changes: Vec<FileChange>,
        /// `completed` or `failed`.
        status: String,
    },
    /// A warning or error that is no step of its own.
    #[serde(rename = "notice")]
    Notice {
        /// How serious.
        level: NoticeLevel,
        /// The agent's or our words.
        text: String,
    },
    /// The agent reported tokens.
    #[serde(rename = "usage")]
    UsageReported {
        /// What this run used.
        run: Usage,
        /// What the agent's whole thread used so far.
        thread: Usage,
    },
    /// The agent asks a person and waits.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// What it asks.
        request: Box<AgentRequest>,
    },
    /// What the agent asked is decided.
    #[serde(rename = "approval.resolved")]
    ApprovalResolved {
        /// CAR's id of the request.
        request_id: String,
        /// Who decided what; absent when it was decided outside CAR or dropped with its turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Answer>,
    },
    /// A person added a message to the running turn.
    #[serde(rename = "steered")]
    Steered {
        /// The message.
        text: String,
    },
    /// The model's turn failed.
    #[serde(rename = "turn.failed")]
    TurnFailed {
        /// The agent's words.
        message: String,
    },
    /// A line of plain text.
    #[serde(rename = "output")]
    Output {
        /// The line without its newline, possibly an excerpt.
        text: String,
        /// Bytes left out of `text`.
        #[serde(default, skip_serializing_if = "is_zero")]
        cut_bytes: u64,
    },
    /// An event of the agent that has no type here, kept whole.
    #[serde(rename = "raw")]
    Raw {
        /// What the agent wrote.
        value: Value,
    },
    /// The TODO document changed during the run.
    #[serde(rename = "todo.changed")]
    TodoChanged {
        /// Ticked boxes now.
        done: usize,
        /// Open boxes now.
        open: usize,
        /// Items that became ticked.
        ticked: Vec<String>,
    },
    /// The whole working tree was put aside in git.
    #[serde(rename = "checkpoint")]
    Checkpoint {
        /// Before or after the agent.
        stage: CheckpointStage,
        /// The commit that holds it.
        commit: String,
        /// What the run changed; only after the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changes: Option<ChangeCount>,
        /// What is not in it, as sentences.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// What the run changed was committed in the user's name.
    #[serde(rename = "committed")]
    Committed {
        /// The commit; absent when there was nothing to commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// The first of the files in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
        /// How many files are in it.
        files: u64,
        /// Files the run changed that are not in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<LeftOut>,
    },
    /// The last entry.
    #[serde(rename = "run.finished")]
    RunFinished {
        /// How it ended.
        #[serde(flatten)]
        end: RunEnd,
        /// Milliseconds since `run.started`.
        duration_ms: u64,
    },
}

/// Takes a reference because serde asks for that.
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl JournalEntry {
    /// The entry as a line of the journal, without newline.
    pub fn to_line(&self) -> String {
        // A struct of strings and numbers always serialises; an empty line would be skipped by readers.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line of a journal. A line of a newer CAR whose type is unknown becomes [`RunEvent::Raw`]; one that is no
    /// entry at all (a torn write) is `None`.
    pub fn from_line(line: &str) -> Option<Self> {
        if let Ok(entry) = serde_json::from_str(line) {
            return Some(entry);
        }
        let value: Value = serde_json::from_str(line).ok()?;
        let seq = value.get("seq")?.as_u64()?;
        let at = Timestamp::parse(value.get("at")?.as_str()?)?;
        Some(Self { seq, at, event: RunEvent::Raw { value } })
    }
}

impl RunEvent {
    /// Most of a plain line that a journal keeps, in bytes.
    const MAX_TEXT_LINE: usize = 64 * 1024;

    /// A line of plain output of which `cut_bytes` are missing already.
    pub fn from_plain(text: String, cut_bytes: u64) -> Self {
        if text.len() <= Self::MAX_TEXT_LINE {
            return Self::Output { text, cut_bytes };
        }
        if cut_bytes > 0 {
            // The end is missing already: a second gap in the middle would only misstate how much is.
            let kept = text.floor_char_boundary(Self::MAX_TEXT_LINE);
            let cut_bytes = cut_bytes + (text.len() - kept) as u64;
            return Self::Output { text: text[..kept].to_owned(), cut_bytes };
        }
        let kept = crate::text::excerpt(&text, Self::MAX_TEXT_LINE);
        Self::Output { text: kept.text.replace('\n', " "), cut_bytes: cut_bytes + kept.cut_bytes }
    }

    /// The `type` of the event in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run.started",
            Self::ThreadStarted { .. } => "thread.started",
            Self::TurnStarted => "turn.started",
            Self::Reasoning { .. } => "reasoning",
            Self::Message { .. } => "message",
            Self::CommandStarted { .. } => "command.started",
            Self::CommandFinished { .. } => "command.finished",
            Self::FilesChanged { .. } => "files.changed",
            Self::Notice { .. } => "notice",
            Self::UsageReported { .. } => "usage",
            Self::ApprovalRequested { .. } => "approval.requested",
            Self::ApprovalResolved { .. } => "approval.resolved",
            Self::Steered { .. } => "steered",
            Self::TurnFailed { .. } => "turn.failed",
            Self::Output { .. } => "output",
            Self::Raw { .. } => "raw",
            Self::TodoChanged { .. } => "todo.changed",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Committed { .. } => "committed",
            Self::RunFinished { .. } => "run.finished",
        }
    }

    /// The words of the event, for search and for the text log; empty when it has none.
    pub fn text(&self) -> String {
        match self {
            Self::Reasoning { text } | Self::Message { text } | Self::Notice { text, .. } => {
                text.clone()
            }
            Self::Output { text, .. } => text.clone(),
            Self::CommandStarted { command, .. } => command.clone(),
            Self::CommandFinished { command, output, .. } => format!("{command}\n{output}"),
            Self::FilesChanged { changes, .. } => {
                changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>().join("\n")
            }
            Self::ApprovalRequested { request } => format!("Asks: {}", request.headline()),
            Self::ApprovalResolved { answer, .. } => match answer {
                Some(answer) => format!("Decided by {}: {}", answer.by, answer.decision.word()),
                None => "Decided elsewhere, or no longer wanted".to_owned(),
            },
            Self::Steered { text } => text.clone(),
            Self::TurnFailed { message } => message.clone(),
            Self::TodoChanged { ticked, .. } => ticked.join("\n"),
            Self::Checkpoint { changes, notes, .. } => {
                let changed = changes.filter(|changes| changes.files > 0);
                let changed = changed.map(|changes| format!("Changed {changes}"));
                changed.into_iter().chain(notes.iter().cloned()).collect::<Vec<_>>().join("\n")
            }
            Self::Committed { commit, files, left_out, .. } => {
                let made = commit
                    .as_ref()
                    .map(|id| format!("Committed {} as {id:.10}", count(*files, "file", "files")));
                let missing = left_out
                    .iter()
                    .map(|file| format!("Not committed: {} ({})", file.path, file.reason));
                made.into_iter().chain(missing).collect::<Vec<_>>().join("\n")
            }
            Self::RunStarted { item, .. } => item.clone().unwrap_or_default(),
            Self::RunFinished { end, .. } => end.reason.clone().unwrap_or_default(),
            Self::ThreadStarted { .. }
            | Self::TurnStarted
            | Self::UsageReported { .. }
            | Self::Raw { .. } => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Outcome;

    #[test]
    fn an_entry_is_one_flat_json_line_and_reads_back() {
        let entry = JournalEntry {
            seq: 7,
            at: Timestamp::from_millis(1_700_000_000_000),
            event: RunEvent::RunFinished {
                end: RunEnd {
                    outcome: Outcome::Failed,
                    exit_code: Some(3),
                    signal: None,
                    reason: None,
                },
                duration_ms: 12,
            },
        };
        let line = entry.to_line();
        assert_eq!(
            line,
            r#"{"seq":7,"at":"2023-11-14T22:13:20Z","type":"run.finished","outcome":"failed","exit_code":3,"duration_ms":12}"#
        );
        assert_eq!(JournalEntry::from_line(&line), Some(entry));
    }

    #[test]
    fn a_type_from_the_future_is_kept_whole() {
        let line = r#"{"seq":1,"at":"2023-11-14T22:13:20Z","type":"hologram","size":3}"#;
        let entry = JournalEntry::from_line(line).expect("readable");
        assert!(matches!(entry.event, RunEvent::Raw { value } if value["size"] == 3));
    }

    #[test]
    fn a_torn_line_is_no_entry() {
        assert_eq!(JournalEntry::from_line(r#"{"seq":1,"at":"2023-11-14T22:1"#), None);
        assert_eq!(JournalEntry::from_line("{}"), None);
    }
}
