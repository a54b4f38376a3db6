//! What `codex exec --json` says, as typed events.
//!
//! Recorded output of Codex CLI 0.169.0 is in `tests/fixtures/`. Everything that is not understood is kept: a JSON object as
//! [`RunEvent::Raw`], other text as [`RunEvent::Output`].

use car_domain::run::{FileChange, NoticeLevel, RunEvent, Usage};
use car_domain::state::ThreadUsage;
use car_domain::text::excerpt;
use serde_json::Value;

use crate::lines::Line;

/// Most of a command's output that a journal keeps, in bytes.
const MAX_COMMAND_OUTPUT: usize = 128 * 1024;

/// Turns lines into events. One per run: it knows the thread and what it had used before.
#[derive(Debug, Default)]
pub struct CodexEvents {
    /// The last thread any run used, to tell a resumed thread's tokens from this run's.
    before: Option<ThreadUsage>,
    thread_id: Option<String>,
}

impl CodexEvents {
    /// `before` is the thread of the previous run; Codex reports running totals of a thread, so when this run goes on with
    /// the same one, that much is not ours.
    pub fn new(before: Option<ThreadUsage>) -> Self {
        Self { before, thread_id: None }
    }

    /// The event a line stands for.
    pub fn event(&mut self, line: &Line) -> RunEvent {
        if line.cut_bytes == 0
            && let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(&line.text)
        {
            return self.typed(&value).unwrap_or(RunEvent::Raw { value });
        }
        RunEvent::from_plain(line.text.clone(), line.cut_bytes)
    }

    fn typed(&mut self, value: &Value) -> Option<RunEvent> {
        let item = &value["item"];
        match value["type"].as_str()? {
            "thread.started" => {
                let thread_id = text(&value["thread_id"])?;
                self.thread_id = Some(thread_id.clone());
                Some(RunEvent::ThreadStarted { thread_id })
            }
            "turn.started" => Some(RunEvent::TurnStarted),
            "turn.completed" => self.usage(&value["usage"]),
            "turn.failed" => {
                Some(RunEvent::TurnFailed { message: text(&value["error"]["message"])? })
            }
            "error" => {
                let text = text(&value["message"])?;
                let passing = text.starts_with("Reconnecting");
                let level = if passing { NoticeLevel::Warning } else { NoticeLevel::Error };
                Some(RunEvent::Notice { level, text })
            }
            "item.started" => started(item),
            "item.completed" => completed(item),
            _ => None,
        }
    }

    fn usage(&self, value: &Value) -> Option<RunEvent> {
        let thread: Usage = serde_json::from_value(value.clone()).ok()?;
        let same =
            self.before.as_ref().filter(|before| Some(&before.id) == self.thread_id.as_ref());
        let run = same.map_or(thread, |before| thread.since(&before.usage));
        Some(RunEvent::UsageReported { run, thread })
    }
}

fn started(item: &Value) -> Option<RunEvent> {
    match item["type"].as_str()? {
        "command_execution" => Some(RunEvent::CommandStarted {
            id: text(&item["id"])?,
            command: text(&item["command"])?,
        }),
        "file_change" => files_changed(item),
        _ => None,
    }
}

fn completed(item: &Value) -> Option<RunEvent> {
    match item["type"].as_str()? {
        "agent_message" => Some(RunEvent::Message { text: text(&item["text"])? }),
        "reasoning" => Some(RunEvent::Reasoning { text: text(&item["text"])? }),
        "error" => {
            Some(RunEvent::Notice { level: NoticeLevel::Warning, text: text(&item["message"])? })
        }
        "file_change" => files_changed(item),
        "command_execution" => {
            let output =
                excerpt(item["aggregated_output"].as_str().unwrap_or_default(), MAX_COMMAND_OUTPUT);
            Some(RunEvent::CommandFinished {
                id: text(&item["id"])?,
                command: text(&item["command"])?,
                output: output.text,
                output_cut_bytes: output.cut_bytes,
                exit_code: item["exit_code"].as_i64(),
                status: text(&item["status"])?,
            })
        }
        _ => None,
    }
}

fn files_changed(item: &Value) -> Option<RunEvent> {
    let changes = item["changes"].as_array()?.iter();
    let change = |value: &Value| {
        Some(FileChange { path: text(&value["path"])?, kind: text(&value["kind"])? })
    };
    Some(RunEvent::FilesChanged {
        id: text(&item["id"])?,
        changes: changes.map(change).collect::<Option<_>>()?,
        status: text(&item["status"])?,
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str) -> Line {
        Line { text: text.to_owned(), cut_bytes: 0 }
    }

    fn events_of(recording: &str, before: Option<ThreadUsage>) -> Vec<RunEvent> {
        let mut codex = CodexEvents::new(before);
        recording.lines().map(|text| codex.event(&line(text))).collect()
    }

    fn names(recording: &str) -> Vec<&'static str> {
        events_of(recording, None).iter().map(RunEvent::name).collect()
    }

    fn usage_of(events: &[RunEvent]) -> Option<Usage> {
        events.iter().find_map(|event| match event {
            RunEvent::UsageReported { run, .. } => Some(*run),
            _ => None,
        })
    }

    #[test]
    fn a_recorded_command_run_is_understood_whole() {
        let recording = include_str!("../tests/fixtures/shell_danger.jsonl");
        assert_eq!(
            names(recording),
            [
                "thread.started",
                "notice",
                "turn.started",
                "command.started",
                "command.finished",
                "message",
                "usage"
            ]
        );
        let events = events_of(recording, None);
        assert!(matches!(&events[4],
            RunEvent::CommandFinished { output, exit_code: Some(3), status, .. }
            if output == "hello-from-shell\n" && status == "failed"));
    }

    #[test]
    fn recorded_failures_edits_and_lost_connections_are_understood() {
        let failed = names(include_str!("../tests/fixtures/fail.jsonl"));
        assert_eq!(failed.last(), Some(&"turn.failed"));
        let patched = names(include_str!("../tests/fixtures/patch.jsonl"));
        assert!(patched.contains(&"files.changed"));
        let dropped = events_of(include_str!("../tests/fixtures/drop.jsonl"), None);
        let n_messages = dropped.iter().filter(|event| event.name() == "message").count();
        assert_eq!(n_messages, 2, "Codex repeats the message after a cut stream; both are facts");
    }

    #[test]
    fn no_recorded_line_stays_raw() {
        for recording in [
            include_str!("../tests/fixtures/exec1.jsonl"),
            include_str!("../tests/fixtures/patch.jsonl"),
            include_str!("../tests/fixtures/rate.jsonl"),
            include_str!("../tests/fixtures/resume.jsonl"),
            include_str!("../tests/fixtures/shell_ro.jsonl"),
            include_str!("../tests/fixtures/shell_yolo.jsonl"),
        ] {
            assert!(!names(recording).contains(&"raw"), "{recording}");
        }
    }

    #[test]
    fn a_resumed_thread_counts_only_its_new_tokens() {
        let recording = include_str!("../tests/fixtures/resume.jsonl");
        let all = events_of(recording, None);
        let Some(RunEvent::ThreadStarted { thread_id }) = all.first() else { panic!("no thread") };
        let total = usage_of(&all).expect("usage");
        let before = Usage {
            input_tokens: 1200,
            cached_input_tokens: 200,
            output_tokens: 34,
            reasoning_output_tokens: 5,
        };
        let resumed =
            events_of(recording, Some(ThreadUsage { id: thread_id.clone(), usage: before }));
        assert_eq!(usage_of(&resumed), Some(total.since(&before)));
        let other = events_of(recording, Some(ThreadUsage { id: "other".into(), usage: before }));
        assert_eq!(usage_of(&other), Some(total));
    }

    #[test]
    fn what_is_not_understood_is_kept_whole() {
        let unknown =
            r#"{"type":"item.completed","item":{"id":"1","type":"web_search","query":"x"}}"#;
        let events = events_of(unknown, None);
        assert!(matches!(&events[0], RunEvent::Raw { value } if value["item"]["query"] == "x"));
        assert_eq!(
            names("WARNING: something\n[1]\n{\"type\":\"message\"}"),
            ["output", "output", "raw"]
        );
    }

    #[test]
    fn a_cut_line_is_output_that_says_how_much_is_missing() {
        let mut codex = CodexEvents::default();
        let event = codex.event(&Line { text: "{\"type\":\"turn.started\"}".into(), cut_bytes: 9 });
        assert!(matches!(event, RunEvent::Output { cut_bytes: 9, .. }));
    }

    proptest! {
        #[test]
        fn no_line_is_ever_lost(text in "\\PC{0,80}") {
            let event = CodexEvents::default().event(&line(&text));
            if let RunEvent::Output { text: kept, .. } = event {
                prop_assert_eq!(kept, text);
            }
        }
    }
}
