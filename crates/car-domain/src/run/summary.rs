//! What a list of runs shows of one run, folded from its journal.

use serde::{Deserialize, Serialize};

use super::{ChangeCount, CheckpointStage, JournalEntry, RunEnd, RunEvent, RunKind, Usage};
use crate::Timestamp;
use crate::text::headline;

/// Longest headline kept of an agent's last message, in characters.
const HEADLINE_CHARS: usize = 160;

/// One run, as lists and tables show it. Built by feeding every journal entry to [`RunSummary::apply`] in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Number of the run.
    pub run: u64,
    /// Work or report.
    pub kind: RunKind,
    /// The agent's program.
    pub agent: String,
    /// The TODO item that was next when it started.
    pub item: Option<String>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended; absent while it is open.
    pub finished_at: Option<Timestamp>,
    /// Milliseconds from start to end.
    pub duration_ms: Option<u64>,
    /// How it ended; absent while it is open.
    pub end: Option<RunEnd>,
    /// Tokens of this run.
    pub usage: Usage,
    /// The agent's id of the conversation.
    pub thread_id: Option<String>,
    /// First line of the agent's last message.
    pub headline: Option<String>,
    /// Commands that ended.
    pub n_commands: u64,
    /// Files the agent said it edited, counted once per edit.
    pub n_edits: u64,
    /// Commit that holds the working tree before the run.
    #[serde(default)]
    pub checkpoint_before: Option<String>,
    /// Commit that holds the working tree after it.
    #[serde(default)]
    pub checkpoint_after: Option<String>,
    /// What lies between the two.
    #[serde(default)]
    pub changes: Option<ChangeCount>,
    /// Commit made of what the run changed.
    #[serde(default)]
    pub commit: Option<String>,
    /// Sequence number of the last entry seen.
    pub last_seq: u64,
    /// When the last entry was written.
    pub last_at: Option<Timestamp>,
}

impl RunSummary {
    /// A run of which nothing is known yet.
    pub fn new(run: u64) -> Self {
        Self {
            run,
            kind: RunKind::Work,
            agent: String::new(),
            item: None,
            started_at: None,
            finished_at: None,
            duration_ms: None,
            end: None,
            usage: Usage::default(),
            thread_id: None,
            headline: None,
            n_commands: 0,
            n_edits: 0,
            checkpoint_before: None,
            checkpoint_after: None,
            changes: None,
            commit: None,
            last_seq: 0,
            last_at: None,
        }
    }

    /// Folds one entry in. Entries that were seen already change nothing.
    pub fn apply(&mut self, entry: &JournalEntry) {
        if entry.seq <= self.last_seq {
            return;
        }
        self.last_seq = entry.seq;
        self.last_at = Some(entry.at);
        match &entry.event {
            RunEvent::RunStarted { kind, agent, item, .. } => {
                self.kind = *kind;
                self.agent.clone_from(agent);
                self.item.clone_from(item);
                self.started_at = Some(entry.at);
            }
            RunEvent::ThreadStarted { thread_id } => self.thread_id = Some(thread_id.clone()),
            RunEvent::Message { text } => self.headline = Some(headline(text, HEADLINE_CHARS)),
            RunEvent::CommandFinished { .. } => self.n_commands += 1,
            RunEvent::FilesChanged { changes, status, .. } if status == "completed" => {
                self.n_edits += changes.len() as u64;
            }
            RunEvent::UsageReported { run, .. } => self.usage = *run,
            RunEvent::Checkpoint { stage: CheckpointStage::Before, commit, .. } => {
                self.checkpoint_before = Some(commit.clone());
            }
            RunEvent::Checkpoint { stage: CheckpointStage::After, commit, changes, .. } => {
                self.checkpoint_after = Some(commit.clone());
                self.changes = *changes;
            }
            RunEvent::Committed { commit, .. } => self.commit.clone_from(commit),
            RunEvent::RunFinished { end, duration_ms } => {
                self.end = Some(end.clone());
                self.finished_at = Some(entry.at);
                self.duration_ms = Some(*duration_ms);
            }
            RunEvent::FilesChanged { .. }
            | RunEvent::TurnStarted
            | RunEvent::Reasoning { .. }
            | RunEvent::CommandStarted { .. }
            | RunEvent::Notice { .. }
            | RunEvent::TurnFailed { .. }
            | RunEvent::Output { .. }
            | RunEvent::Raw { .. }
            | RunEvent::ApprovalRequested { .. }
            | RunEvent::ApprovalResolved { .. }
            | RunEvent::Steered { .. }
            | RunEvent::TodoChanged { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Outcome;

    fn entry(seq: u64, event: RunEvent) -> JournalEntry {
        JournalEntry { seq, at: Timestamp::from_millis(1000 * seq as i64), event }
    }

    #[test]
    fn a_summary_of_an_older_index_is_still_read() {
        let mut old = serde_json::to_value(RunSummary::new(3)).expect("json");
        for name in ["checkpoint_before", "checkpoint_after", "changes", "commit"] {
            old.as_object_mut().expect("an object").remove(name);
        }
        let read: RunSummary = serde_json::from_value(old).expect("readable");
        assert_eq!(read, RunSummary::new(3));
    }

    #[test]
    fn a_summary_follows_the_journal_and_ignores_repeats() {
        let end =
            RunEnd { outcome: Outcome::Succeeded, exit_code: Some(0), signal: None, reason: None };
        let usage = Usage { input_tokens: 10, output_tokens: 2, ..Usage::default() };
        let entries = [
            entry(
                1,
                RunEvent::RunStarted {
                    run: 3,
                    kind: RunKind::Work,
                    agent: "codex".into(),
                    item: Some("Fix it".into()),
                    prompt_chars: 10,
                    commit: None,
                },
            ),
            entry(2, RunEvent::UsageReported { run: usage, thread: usage }),
            entry(3, RunEvent::Message { text: "\nFixed it.\nDetails".into() }),
            entry(3, RunEvent::Message { text: "again".into() }),
            entry(4, RunEvent::RunFinished { end: end.clone(), duration_ms: 3000 }),
        ];
        let mut summary = RunSummary::new(3);
        entries.iter().for_each(|entry| summary.apply(entry));
        assert_eq!(summary.headline.as_deref(), Some("Fixed it."));
        assert_eq!(summary.usage, usage);
        assert_eq!(summary.end, Some(end));
        assert_eq!(summary.duration_ms, Some(3000));
    }
}
