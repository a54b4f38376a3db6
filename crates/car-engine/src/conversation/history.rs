//! Threads and turns as lists show them.

use car_agent::app_server::protocol::{
    Item, KnownItem, Thread, ThreadStatus, Turn as CodexTurn, TurnStatus as CodexStatus,
};
use car_domain::Timestamp;
use car_domain::conversation::{ThreadActivity, ThreadInfo, TurnInfo, TurnStatus};
use car_domain::text::headline;
use serde_json::Value;

/// Characters of a title.
const MAX_TITLE: usize = 80;

/// A thread as Codex tells it.
pub(super) fn thread_info(thread: Thread) -> ThreadInfo {
    let title = thread.name.filter(|name| !name.trim().is_empty()).unwrap_or(thread.preview);
    ThreadInfo {
        id: thread.id,
        title: headline(&title, MAX_TITLE),
        cwd: thread.cwd,
        created_at: at(thread.created_at),
        updated_at: at(thread.updated_at),
        activity: activity(&thread.status),
        origin: thread.originator,
    }
}

/// A turn as Codex tells it.
pub(super) fn turn_info(turn: CodexTurn) -> TurnInfo {
    let (mut prompt, mut answer) = (None, None);
    for item in turn.items {
        match item {
            Item::Known(KnownItem::UserMessage { content, .. }) => {
                prompt.get_or_insert_with(|| spoken(&content));
            }
            Item::Known(KnownItem::AgentMessage { text, .. }) => answer = Some(text),
            _ => {}
        }
    }
    TurnInfo {
        id: turn.id,
        status: match turn.status {
            CodexStatus::Completed => Some(TurnStatus::Completed),
            CodexStatus::Interrupted => Some(TurnStatus::Interrupted),
            CodexStatus::Failed => Some(TurnStatus::Failed),
            CodexStatus::InProgress | CodexStatus::Unknown => None,
        },
        started_at: turn.started_at.map(at),
        prompt: prompt.unwrap_or_default(),
        answer,
        error: turn.error.map(|error| error.message),
    }
}

/// The text of a person's message.
pub(super) fn spoken(content: &[Value]) -> String {
    let texts: Vec<&str> = content.iter().filter_map(|part| part["text"].as_str()).collect();
    texts.join("\n")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1000))
}

fn activity(status: &ThreadStatus) -> ThreadActivity {
    match status {
        status if status.is_waiting() => ThreadActivity::Waiting,
        status if status.is_active() => ThreadActivity::Running,
        _ => ThreadActivity::Idle,
    }
}
