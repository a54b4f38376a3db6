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
    vec![message_begins(id, index), message_delta(id, index, text), message_ends(id, index, text)]
}

pub(super) fn message_begins(id: &str, index: usize) -> sse::Event {
    event("response.output_item.added", message_item(id, index, "in_progress", &json!([])))
}

pub(super) fn message_delta(id: &str, index: usize, text: &str) -> sse::Event {
    let delta = json!({"item_id": id, "output_index": index, "content_index": 0, "delta": text});
    event("response.output_text.delta", delta)
}

pub(super) fn message_ends(id: &str, index: usize, text: &str) -> sse::Event {
    let whole = json!([{"type": "output_text", "text": text, "annotations": []}]);
    event("response.output_item.done", message_item(id, index, "completed", &whole))
}

fn message_item(id: &str, index: usize, status: &str, content: &Value) -> Value {
    json!({"output_index": index, "item": {
        "type": "message", "id": id, "role": "assistant", "status": status, "content": content,
    }})
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
    call(id, call_id, index, "exec_command", &json!({"cmd": command}))
}

/// A call of the shell tool that asks to leave the sandbox.
pub(super) fn escalated(
    id: &str,
    call_id: &str,
    index: usize,
    command: &str,
    reason: &str,
) -> sse::Event {
    let arguments = json!({
        "cmd": command,
        "sandbox_permissions": "require_escalated",
        "justification": reason,
    });
    call(id, call_id, index, "exec_command", &arguments)
}

/// A call of the tool that asks a person.
pub(super) fn question(id: &str, call_id: &str, index: usize, text: &str) -> sse::Event {
    let option = |label: &str| json!({"label": label, "description": format!("Says {label}")});
    let arguments = json!({"questions": [{
        "id": "q1",
        "header": "Question",
        "question": text,
        "options": [option("Yes"), option("No")],
    }]});
    call(id, call_id, index, "request_user_input", &arguments)
}

fn call(id: &str, call_id: &str, index: usize, tool: &str, arguments: &Value) -> sse::Event {
    let item = json!({
        "type": "function_call",
        "id": id,
        "call_id": call_id,
        "name": tool,
        "arguments": arguments.to_string(),
        "status": "completed",
    });
    event("response.output_item.done", json!({"output_index": index, "item": item}))
}
