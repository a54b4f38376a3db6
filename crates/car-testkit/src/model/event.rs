//! The server-sent events of the Responses API that Codex reads.

use axum::response::sse;
use serde_json::{Value, json};

use super::usage::Usage;

/// Makes one event; its `type` is repeated in the data, as Codex expects.
pub(super) fn event(kind: &str, mut fields: Value) -> sse::Event {
    fields["type"] = kind.into();
    sse::Event::default().event(kind).data(fields.to_string())
}

pub(super) fn created(n: u64) -> sse::Event {
    event("response.created", json!({"response": {"id": format!("resp_{n}")}}))
}

pub(super) fn completed(n: u64, usage: Usage) -> sse::Event {
    let usage = json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    });
    event("response.completed", json!({"response": {"id": format!("resp_{n}"), "usage": usage}}))
}

/// A message with one live delta.
pub(super) fn message(id: &str, index: usize, text: &str) -> Vec<sse::Event> {
    let item = |status: &str, content: Value| {
        json!({"output_index": index, "item": {
            "type": "message", "id": id, "role": "assistant", "status": status, "content": content,
        }})
    };
    let delta = json!({"item_id": id, "output_index": index, "content_index": 0, "delta": text});
    let whole = json!([{"type": "output_text", "text": text, "annotations": []}]);
    vec![
        event("response.output_item.added", item("in_progress", json!([]))),
        event("response.output_text.delta", delta),
        event("response.output_item.done", item("completed", whole)),
    ]
}

/// A reasoning summary with one live delta.
pub(super) fn reasoning(id: &str, index: usize, text: &str) -> Vec<sse::Event> {
    let item = |summary: Value| json!({"output_index": index, "item": {"type": "reasoning", "id": id, "summary": summary}});
    let place = |key: &str, value: Value| json!({"item_id": id, "output_index": index, "summary_index": 0, key: value});
    let empty = json!({"type": "summary_text", "text": ""});
    vec![
        event("response.output_item.added", item(json!([]))),
        event("response.reasoning_summary_part.added", place("part", empty)),
        event("response.reasoning_summary_text.delta", place("delta", text.into())),
        event("response.output_item.done", item(json!([{"type": "summary_text", "text": text}]))),
    ]
}

/// A call of the shell tool, which Codex names `exec_command`.
pub(super) fn shell(id: &str, call_id: &str, index: usize, command: &str) -> sse::Event {
    let item = json!({
        "type": "function_call",
        "id": id,
        "call_id": call_id,
        "name": "exec_command",
        "arguments": json!({"cmd": command}).to_string(),
        "status": "completed",
    });
    event("response.output_item.done", json!({"output_index": index, "item": item}))
}
