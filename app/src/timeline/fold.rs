//! Folding journal entries into steps, whether they come at once or one by one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use car_domain::Timestamp;
use car_domain::run::{JournalEntry, NoticeLevel, RunEvent};
use car_domain::view::LiveTail;

use super::step::{CommandEnd, OutputBlock, Step, StepKind};

/// Steps a page keeps; older ones are left out and counted.
pub(crate) const MAX_STEPS: usize = 400;

/// What the agent says of an edit that has begun.
const IN_PROGRESS: &str = "in_progress";

/// What a call changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Nothing new.
    Nothing,
    /// These steps are new or changed, by key.
    Steps(Vec<u64>),
    /// Everything: another run, or a part was missing.
    All,
    /// Nothing was taken, because entries before these are missing; the tail must be read again.
    Gap,
}

/// The steps of the current or last run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline {
    run: Option<u64>,
    steps: VecDeque<Step>,
    /// Commands and edits that have not ended: the agent's id, and the key of the step.
    open: HashMap<String, u64>,
    first_seq: u64,
    last_seq: u64,
    last_at: Option<Timestamp>,
}

impl Timeline {
    /// Starts from the end of a journal.
    pub(crate) fn new(tail: &LiveTail) -> Self {
        let mut timeline = Self { run: tail.run, ..Self::default() };
        timeline.take(&tail.entries);
        timeline
    }

    /// The run whose steps these are.
    pub(crate) fn run(&self) -> Option<u64> {
        self.run
    }

    /// The steps, oldest first.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    /// The step with this key.
    pub(crate) fn step(&self, key: u64) -> Option<&Step> {
        let found = self.steps.binary_search_by_key(&key, |step| step.key);
        found.ok().and_then(|index| self.steps.get(index))
    }

    /// Journal entries before the first step shown.
    pub(crate) fn n_earlier(&self) -> u64 {
        self.steps.front().map_or(self.first_seq, |step| step.key).saturating_sub(1)
    }

    /// When the run was last heard of.
    pub(crate) fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Takes what was just added to a run's journal. Entries that are known already change nothing.
    pub(crate) fn append(&mut self, run: u64, entries: &[JournalEntry]) -> Touched {
        let Some(first) = entries.iter().find(|entry| self.is_new(run, entry)) else {
            return Touched::Nothing;
        };
        if self.run != Some(run) {
            if self.run.is_some_and(|current| current > run) {
                return Touched::Nothing;
            }
            if first.seq != 1 {
                return Touched::Gap;
            }
            *self = Self { run: Some(run), ..Self::default() };
            self.take(entries);
            return Touched::All;
        }
        if first.seq > self.last_seq + 1 {
            return Touched::Gap;
        }
        Touched::Steps(self.take(entries))
    }

    /// Takes the end of the journal as it is now; starts over when it does not continue what is known.
    pub(crate) fn catch_up(&mut self, tail: &LiveTail) -> Touched {
        if let (Some(run), Some(first)) = (tail.run, tail.entries.first())
            && self.run == Some(run)
            && first.seq <= self.last_seq + 1
        {
            return self.append(run, &tail.entries);
        }
        if tail.run < self.run || (tail.run == self.run && tail.entries.is_empty()) {
            return Touched::Nothing;
        }
        *self = Self::new(tail);
        Touched::All
    }

    fn is_new(&self, run: u64, entry: &JournalEntry) -> bool {
        self.run != Some(run) || entry.seq > self.last_seq
    }

    /// Folds in what is new and keeps the number of steps bounded.
    fn take(&mut self, entries: &[JournalEntry]) -> Vec<u64> {
        let mut touched = Vec::new();
        for entry in entries {
            if entry.seq <= self.last_seq {
                continue;
            }
            if self.first_seq == 0 {
                self.first_seq = entry.seq;
            }
            self.last_seq = entry.seq;
            self.last_at = Some(entry.at);
            self.fold(entry, &mut touched);
        }
        while self.steps.len() > MAX_STEPS {
            self.steps.pop_front();
        }
        touched.dedup();
        touched
    }

    fn fold(&mut self, entry: &JournalEntry, touched: &mut Vec<u64>) {
        let kind = match &entry.event {
            RunEvent::ThreadStarted { .. }
            | RunEvent::TurnStarted
            | RunEvent::UsageReported { .. } => return,
            RunEvent::Checkpoint { .. } | RunEvent::Committed { .. } => {
                let text = entry.event.text();
                if text.is_empty() {
                    return;
                }
                StepKind::Notice(NoticeLevel::Info, text)
            }
            RunEvent::CommandStarted { id, command } => {
                self.open.insert(id.clone(), entry.seq);
                StepKind::Command { command: command.clone(), end: None }
            }
            RunEvent::CommandFinished { id, .. } => {
                if let Some(key) = self.open.remove(id)
                    && self.end_command(key, entry)
                {
                    touched.push(key);
                    return;
                }
                match command_end(entry, None) {
                    Some((command, end)) => StepKind::Command { command, end: Some(end) },
                    None => return,
                }
            }
            RunEvent::FilesChanged { id, changes, status } => {
                let failed = !matches!(status.as_str(), IN_PROGRESS | "completed");
                let kind = StepKind::Files { changes: changes.clone(), failed };
                if status == IN_PROGRESS {
                    self.open.insert(id.clone(), entry.seq);
                } else if let Some(key) = self.open.remove(id)
                    && let Some(step) = self.step_mut(key)
                {
                    step.kind = kind;
                    touched.push(key);
                    return;
                }
                kind
            }
            RunEvent::Output { text, cut_bytes } => {
                if let Some(Step { key, kind: StepKind::Output(block), .. }) = self.steps.back_mut()
                {
                    block.push(text, *cut_bytes);
                    touched.push(*key);
                    return;
                }
                let mut block = OutputBlock::default();
                block.push(text, *cut_bytes);
                StepKind::Output(block)
            }
            RunEvent::RunFinished { end, duration_ms } => {
                self.abandon(entry.at, touched);
                StepKind::Ended { end: end.clone(), took: Duration::from_millis(*duration_ms) }
            }
            event => plain_step(event),
        };
        touched.push(entry.seq);
        self.steps.push_back(Step { key: entry.seq, at: entry.at, kind });
    }

    /// Writes the end into the step in which the command began; false when that step is gone.
    fn end_command(&mut self, key: u64, entry: &JournalEntry) -> bool {
        let Some(step) = self.step_mut(key) else { return false };
        if let StepKind::Command { end, .. } = &mut step.kind {
            *end = command_end(entry, Some(step.at)).map(|(_, end)| end);
        }
        true
    }

    /// What still runs when the run ends was ended with it.
    fn abandon(&mut self, at: Timestamp, touched: &mut Vec<u64>) {
        for key in std::mem::take(&mut self.open).into_values() {
            let Some(step) = self.step_mut(key) else { continue };
            match &mut step.kind {
                StepKind::Command { end, .. } => {
                    *end = Some(CommandEnd {
                        output: String::new(),
                        cut_bytes: 0,
                        exit_code: None,
                        status: "unfinished".to_owned(),
                        took: Some(at.since(step.at)),
                    });
                }
                StepKind::Files { failed, .. } => *failed = true,
                _ => continue,
            }
            touched.push(key);
        }
    }

    fn step_mut(&mut self, key: u64) -> Option<&mut Step> {
        let found = self.steps.binary_search_by_key(&key, |step| step.key);
        found.ok().and_then(|index| self.steps.get_mut(index))
    }
}

fn command_end(entry: &JournalEntry, began: Option<Timestamp>) -> Option<(String, CommandEnd)> {
    let RunEvent::CommandFinished { command, output, output_cut_bytes, exit_code, status, .. } =
        &entry.event
    else {
        return None;
    };
    let end = CommandEnd {
        output: output.clone(),
        cut_bytes: *output_cut_bytes,
        exit_code: *exit_code,
        status: status.clone(),
        took: began.map(|began| entry.at.since(began)),
    };
    Some((command.clone(), end))
}

/// Events that are one step by themselves.
fn plain_step(event: &RunEvent) -> StepKind {
    match event {
        RunEvent::RunStarted { kind, agent, prompt_chars, commit, .. } => StepKind::Started {
            kind: *kind,
            agent: agent.clone(),
            prompt_chars: *prompt_chars,
            commit: commit.clone(),
        },
        RunEvent::Reasoning { text } => StepKind::Reasoning(text.clone()),
        RunEvent::Message { text } => StepKind::Message(text.clone()),
        RunEvent::Notice { level, text } => StepKind::Notice(*level, text.clone()),
        RunEvent::ApprovalRequested { .. } => StepKind::Notice(NoticeLevel::Warning, event.text()),
        RunEvent::ApprovalResolved { .. } => StepKind::Notice(NoticeLevel::Info, event.text()),
        RunEvent::Steered { text } => {
            StepKind::Notice(NoticeLevel::Info, format!("Message to the agent: {text}"))
        }
        RunEvent::TurnFailed { message } => StepKind::TurnFailed(message.clone()),
        RunEvent::TodoChanged { done, open, ticked } => {
            StepKind::Todo { ticked: ticked.clone(), done: *done, open: *open }
        }
        RunEvent::Raw { value } => StepKind::Raw {
            name: raw_name(value),
            json: serde_json::to_string_pretty(value).unwrap_or_default(),
        },
        RunEvent::CommandStarted { .. }
        | RunEvent::CommandFinished { .. }
        | RunEvent::FilesChanged { .. }
        | RunEvent::Output { .. }
        | RunEvent::Checkpoint { .. }
        | RunEvent::Committed { .. }
        | RunEvent::RunFinished { .. }
        | RunEvent::ThreadStarted { .. }
        | RunEvent::TurnStarted
        | RunEvent::UsageReported { .. } => {
            StepKind::Raw { name: event.name().to_owned(), json: event.text() }
        }
    }
}

/// What an agent calls an event of its own: its type, and the type of the item in it.
fn raw_name(value: &serde_json::Value) -> String {
    let word = |value: Option<&serde_json::Value>| {
        value.and_then(serde_json::Value::as_str).map(|word| word.replace(['_', '.'], " "))
    };
    let kind = word(value.get("type"));
    let item = word(value.pointer("/item/type"));
    match (kind, item) {
        (_, Some(item)) => item,
        (Some(kind), None) => kind,
        (None, None) => "event".to_owned(),
    }
}
