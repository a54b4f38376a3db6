//! What a list of runs shows of one run, folded from its journal.

use serde::{Deserialize, Serialize};

use super::{ChangeCount, CheckpointStage, JournalEntry, RunEnd, RunEvent, RunKind, Usage};
use crate::Timestamp;
use crate::conversation::{AgentRequest, RequestSubject};
use crate::text::headline;

/// Longest headline kept of an agent's last message, in characters.
const HEADLINE_CHARS: usize = 160;
/// Open requests kept; the journal has them all.
const MAX_ASKS: usize = 8;

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
    /// What the agent asks and waits for, the oldest first, without the texts of proposed edits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<AgentRequest>,
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
            asks: Vec::new(),
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
            RunEvent::ApprovalRequested { request } => self.asked(request),
            RunEvent::ApprovalResolved { request_id, .. } => {
                self.asks.retain(|request| request.id != *request_id);
            }
            RunEvent::RunFinished { end, duration_ms } => {
                self.asks.clear();
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
            | RunEvent::Steered { .. }
            | RunEvent::TodoChanged { .. } => {}
        }
    }

    fn asked(&mut self, request: &AgentRequest) {
        self.asks.retain(|known| known.id != request.id);
        if self.asks.len() < MAX_ASKS {
            let mut request = request.clone();
            if let RequestSubject::Files { changes } = &mut request.subject {
                changes.iter_mut().for_each(|change| change.diff.clear());
            }
            self.asks.push(request);
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
    fn what_is_asked_is_known_until_it_is_decided_or_the_run_ends() {
        let request = |id: &str| {
            let change = |path: &str| crate::conversation::ProposedChange {
                path: path.into(),
                kind: "update".into(),
                diff: "+ much".into(),
            };
            RunEvent::ApprovalRequested {
                request: Box::new(AgentRequest {
                    id: id.into(),
                    thread_id: "t".into(),
                    turn_id: "u".into(),
                    item_id: "i".into(),
                    asked_at: Timestamp::from_millis(0),
                    reason: None,
                    subject: RequestSubject::Files { changes: vec![change("a.rs")] },
                    offered: Vec::new(),
                }),
            }
        };
        let mut summary = RunSummary::new(1);
        for (seq, event) in [(1, request("a")), (2, request("b")), (3, request("a"))] {
            summary.apply(&entry(seq, event));
        }
        let ids = |summary: &RunSummary| -> Vec<String> {
            summary.asks.iter().map(|request| request.id.clone()).collect()
        };
        assert_eq!(ids(&summary), ["b", "a"]);
        let RequestSubject::Files { changes } = &summary.asks[0].subject else { panic!("files") };
        assert_eq!(changes[0].diff, "", "texts stay in the journal");
        let resolved = RunEvent::ApprovalResolved { request_id: "b".into(), answer: None };
        summary.apply(&entry(4, resolved));
        assert_eq!(ids(&summary), ["a"]);
        let end = RunEnd { outcome: Outcome::Stopped, exit_code: None, signal: None, reason: None };
        summary.apply(&entry(5, RunEvent::RunFinished { end, duration_ms: 1 }));
        assert_eq!(ids(&summary), [""; 0]);
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
