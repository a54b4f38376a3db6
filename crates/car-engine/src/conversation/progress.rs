//! What Codex tells about one turn, as the events doors and journals know.

use std::collections::HashSet;

use car_agent::app_server::protocol::{
    Item, KnownItem, Notification, TokenUsage, Turn as CodexTurn, TurnStatus as CodexStatus,
};
use car_domain::conversation::{TurnOutcome, TurnStatus};
use car_domain::run::{FileChange, NoticeLevel, RunEvent, Usage};
use car_domain::text::excerpt;

use super::TurnEvent;

/// Most of a command's output that a step keeps, in bytes.
const MAX_COMMAND_OUTPUT: usize = 128 * 1024;

/// One follower's view of one turn.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Tokens of the thread before the turn; known from the first report on.
    before: Option<Usage>,
    total: Usage,
    final_message: Option<String>,
    has_begun: bool,
    /// Why we ended the turn.
    explanation: Option<String>,
    /// Whether the prompt itself was told; every later message of a person steers.
    was_prompted: bool,
    /// Finished items this follower has had already.
    seen: HashSet<String>,
}

impl Progress {
    /// The events a notification about this turn stands for.
    pub(super) fn events(&mut self, told: &Notification) -> Vec<TurnEvent> {
        match told {
            Notification::AgentMessageDelta { item_id, delta, .. } => {
                vec![TurnEvent::MessageDelta { item_id: item_id.clone(), text: delta.clone() }]
            }
            Notification::ReasoningDelta { item_id, delta, .. } => {
                vec![TurnEvent::ReasoningDelta { item_id: item_id.clone(), text: delta.clone() }]
            }
            Notification::CommandOutputDelta { item_id, delta, .. } => {
                vec![TurnEvent::CommandOutput { item_id: item_id.clone(), text: delta.clone() }]
            }
            Notification::ItemStarted { item, .. } => {
                started(item).map(TurnEvent::Step).into_iter().collect()
            }
            Notification::ItemCompleted { item, .. } => self.completed(item),
            Notification::TurnDiffUpdated { diff, .. } => vec![TurnEvent::Diff(diff.clone())],
            Notification::TokenUsageUpdated { token_usage, .. } => vec![self.used(token_usage)],
            Notification::Error { error, will_retry, .. } => {
                let level = if *will_retry { NoticeLevel::Warning } else { NoticeLevel::Error };
                vec![TurnEvent::Step(RunEvent::Notice { level, text: error.message.clone() })]
            }
            Notification::Warning { message, .. } => vec![TurnEvent::Step(RunEvent::Notice {
                level: NoticeLevel::Warning,
                text: message.clone(),
            })],
            Notification::TurnCompleted { turn, .. } => self.ended(turn),
            _ => Vec::new(),
        }
    }

    /// The first events, once.
    pub(super) fn begin(&mut self) -> Vec<TurnEvent> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Vec::new();
        }
        vec![TurnEvent::Started, TurnEvent::Step(RunEvent::TurnStarted)]
    }

    /// The events of an item that is finished; none when this follower has had it.
    pub(super) fn completed(&mut self, item: &Item) -> Vec<TurnEvent> {
        if !self.seen.insert(item.id().to_owned()) {
            return Vec::new();
        }
        let step = match item {
            Item::Known(KnownItem::UserMessage { content, .. }) => {
                if !std::mem::replace(&mut self.was_prompted, true) {
                    return Vec::new();
                }
                RunEvent::Steered { text: super::history::spoken(content) }
            }
            Item::Known(KnownItem::AgentMessage { text, .. }) => {
                self.final_message = Some(text.clone());
                RunEvent::Message { text: text.clone() }
            }
            Item::Known(KnownItem::Reasoning { summary, .. }) => {
                let text = summary.join("\n\n");
                if text.trim().is_empty() {
                    return Vec::new();
                }
                RunEvent::Reasoning { text }
            }
            Item::Known(item) => match finished(item) {
                Some(step) => step,
                None => return Vec::new(),
            },
            Item::Other(value) => RunEvent::Raw { value: value.clone() },
        };
        vec![TurnEvent::Step(step)]
    }

    fn used(&mut self, usage: &TokenUsage) -> TurnEvent {
        let (total, last): (Usage, Usage) = (usage.total.into(), usage.last.into());
        self.before.get_or_insert_with(|| minus(total, last));
        self.total = total;
        TurnEvent::Usage { turn: self.usage(), thread: total }
    }

    fn usage(&self) -> Usage {
        self.before.map_or_else(Usage::default, |before| minus(self.total, before))
    }

    /// The turn's last events.
    fn ended(&mut self, turn: &CodexTurn) -> Vec<TurnEvent> {
        for item in &turn.items {
            if let Item::Known(KnownItem::AgentMessage { text, .. }) = item {
                self.final_message = Some(text.clone());
            }
        }
        let status = match turn.status {
            CodexStatus::Completed => TurnStatus::Completed,
            CodexStatus::Failed => TurnStatus::Failed,
            CodexStatus::Interrupted | CodexStatus::InProgress | CodexStatus::Unknown => {
                TurnStatus::Interrupted
            }
        };
        self.close(status, turn.error.as_ref().map(|error| error.message.clone()))
    }

    /// Says why the turn is about to end.
    pub(super) fn explain(&mut self, why: String) {
        self.explanation = Some(why);
    }

    /// The last events of a turn that ended in this way.
    pub(super) fn close(&mut self, status: TurnStatus, error: Option<String>) -> Vec<TurnEvent> {
        let mut events = Vec::new();
        let (usage, thread_usage) = (self.usage(), self.total);
        if !usage.is_zero() {
            let reported = RunEvent::UsageReported { run: usage, thread: thread_usage };
            events.push(TurnEvent::Step(reported));
        }
        if status == TurnStatus::Failed {
            let message = error.clone().unwrap_or_else(|| "Codex did not say why.".to_owned());
            events.push(TurnEvent::Step(RunEvent::TurnFailed { message }));
        }
        let final_message = self.final_message.take();
        let error = error.or_else(|| self.explanation.take());
        let outcome = TurnOutcome { status, final_message, usage, thread_usage, error };
        events.push(TurnEvent::Finished(outcome));
        events
    }
}

fn started(item: &Item) -> Option<RunEvent> {
    match item {
        Item::Known(KnownItem::CommandExecution { id, command, .. }) => {
            Some(RunEvent::CommandStarted { id: id.clone(), command: command.clone() })
        }
        Item::Known(KnownItem::FileChange { .. }) => finished_item(item),
        _ => None,
    }
}

fn finished_item(item: &Item) -> Option<RunEvent> {
    match item {
        Item::Known(item) => finished(item),
        Item::Other(_) => None,
    }
}

fn finished(item: &KnownItem) -> Option<RunEvent> {
    Some(match item {
        KnownItem::CommandExecution {
            id, command, status, aggregated_output, exit_code, ..
        } => {
            let output =
                excerpt(aggregated_output.as_deref().unwrap_or_default(), MAX_COMMAND_OUTPUT);
            RunEvent::CommandFinished {
                id: id.clone(),
                command: command.clone(),
                output: output.text,
                output_cut_bytes: output.cut_bytes,
                exit_code: *exit_code,
                status: snake(status),
            }
        }
        KnownItem::FileChange { id, changes, status } => RunEvent::FilesChanged {
            id: id.clone(),
            changes: changes
                .iter()
                .map(|change| FileChange {
                    path: change.path.clone(),
                    kind: change.kind.word().to_owned(),
                })
                .collect(),
            status: snake(status),
        },
        KnownItem::EnteredReviewMode { review, .. } => {
            RunEvent::Notice { level: NoticeLevel::Info, text: format!("Review of {review}") }
        }
        KnownItem::ContextCompaction { .. } => RunEvent::Notice {
            level: NoticeLevel::Info,
            text: "The conversation so far was replaced by a summary.".to_owned(),
        },
        KnownItem::ExitedReviewMode { .. }
        | KnownItem::UserMessage { .. }
        | KnownItem::AgentMessage { .. }
        | KnownItem::Reasoning { .. } => return None,
    })
}

/// `inProgress` as journals write it, `in_progress`.
fn snake(status: &str) -> String {
    if status == "inProgress" { "in_progress".to_owned() } else { status.to_owned() }
}

/// What lies between two totals of one thread; no count falls below zero.
fn minus(total: Usage, before: Usage) -> Usage {
    Usage {
        input_tokens: total.input_tokens.saturating_sub(before.input_tokens),
        cached_input_tokens: total.cached_input_tokens.saturating_sub(before.cached_input_tokens),
        output_tokens: total.output_tokens.saturating_sub(before.output_tokens),
        reasoning_output_tokens: total
            .reasoning_output_tokens
            .saturating_sub(before.reasoning_output_tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(method: &str, params: Value) -> Notification {
        let told = Notification::read(method.to_owned(), params);
        assert!(!matches!(told, Notification::Other { .. }), "{told:?}");
        told
    }

    fn usage(total: u64, last: u64) -> Notification {
        let count = |n: u64| json!({"inputTokens": n, "cachedInputTokens": 0, "outputTokens": n, "reasoningOutputTokens": 0});
        let usage = json!({"total": count(total), "last": count(last)});
        told(
            "thread/tokenUsage/updated",
            json!({"threadId": "t", "turnId": "u", "tokenUsage": usage}),
        )
    }

    fn ended(status: &str) -> Notification {
        let turn = json!({"id": "u", "status": status, "items": [], "error": null});
        told("turn/completed", json!({"threadId": "t", "turn": turn}))
    }

    fn item(event: &str, item: &Value) -> Notification {
        told(event, json!({"threadId": "t", "turnId": "u", "item": item}))
    }

    fn outcome(events: &[TurnEvent]) -> &TurnOutcome {
        match events.last() {
            Some(TurnEvent::Finished(outcome)) => outcome,
            other => panic!("no end: {other:?}"),
        }
    }

    #[test]
    fn a_turn_in_an_old_thread_counts_only_its_own_tokens() {
        let mut progress = Progress::default();
        progress.events(&usage(1100, 100));
        progress.events(&usage(1150, 50));
        let events = progress.events(&ended("completed"));
        let outcome = outcome(&events);
        assert_eq!((outcome.usage.input_tokens, outcome.thread_usage.input_tokens), (150, 1150));
    }

    #[test]
    fn the_prompt_is_no_step_and_what_a_person_adds_is_one() {
        let message = |id: &str, text: &str| json!({"type": "userMessage", "id": id, "content": [{"type": "text", "text": text}]});
        let mut progress = Progress::default();
        assert_eq!(progress.events(&item("item/completed", &message("1", "prompt"))), []);
        let events = progress.events(&item("item/completed", &message("2", "and tests")));
        assert_eq!(events, [TurnEvent::Step(RunEvent::Steered { text: "and tests".into() })]);
    }

    #[test]
    fn an_item_told_twice_is_one_step() {
        let message = json!({"type": "agentMessage", "id": "m", "text": "Done"});
        let mut progress = Progress::default();
        assert_eq!(progress.events(&item("item/completed", &message)).len(), 1);
        assert_eq!(progress.events(&item("item/completed", &message)).len(), 0);
        let events = progress.events(&ended("completed"));
        assert_eq!(outcome(&events).final_message.as_deref(), Some("Done"));
    }

    #[test]
    fn an_unknown_item_is_kept_whole() {
        let mut progress = Progress::default();
        let sleep = json!({"type": "sleep", "id": "s", "seconds": 3});
        let events = progress.events(&item("item/completed", &sleep));
        assert_eq!(events, [TurnEvent::Step(RunEvent::Raw { value: sleep })]);
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        let turn = json!({"id": "u", "status": "failed", "items": [], "error": {"message": "no such model"}});
        let mut progress = Progress::default();
        let events =
            progress.events(&told("turn/completed", json!({"threadId": "t", "turn": turn})));
        assert!(
            matches!(&events[0], TurnEvent::Step(RunEvent::TurnFailed { message }) if message == "no such model")
        );
        assert_eq!(outcome(&events).status, TurnStatus::Failed);
    }
}
