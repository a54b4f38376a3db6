//! What Codex asked, checked against what a model server may rely on.

use axum::http::HeaderMap;
use serde_json::Value;

/// One well-formed `POST /v1/responses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The `thread-id` header: one `codex exec` run, or one conversation.
    pub thread_id: String,
    /// The turn, which all requests between a user text and its final answer share.
    pub turn_id: String,
    /// The model Codex asked for.
    pub model: String,
    /// The text of the last user message.
    pub user_text: String,
    /// What the tools said since that message.
    pub tool_outputs: Vec<ToolOutput>,
    /// The whole body.
    pub body: Value,
}

/// What one tool call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutput {
    /// The id the server gave to the call.
    pub call_id: String,
    /// Codex's text about it; for a shell call the exit code and the command's output.
    pub output: String,
}

impl Request {
    /// Reads a request, or says everything that is wrong with it.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Vec<String>> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| vec![format!("the body is not JSON: {error}")])?;
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let mut faults = Vec::new();
        let mut text = |found: Option<&str>, fault: &str| {
            let found = found.filter(|text| !text.is_empty());
            if found.is_none() {
                faults.push(fault.to_owned());
            }
            found.unwrap_or_default().to_owned()
        };

        let thread_id = text(header("thread-id"), "the header `thread-id` is missing");
        let turn_id = text(
            body["client_metadata"]["turn_id"].as_str(),
            "`client_metadata.turn_id` is not a string",
        );
        let model = text(body["model"].as_str(), "`model` is not a string");
        if header("accept") != Some("text/event-stream") {
            faults.push("the header `accept` is not text/event-stream".to_owned());
        }
        if body["stream"] != true {
            faults.push("`stream` is not true".to_owned());
        }
        let input = body["input"].as_array().map(Vec::as_slice).unwrap_or_else(|| {
            faults.push("`input` is not an array".to_owned());
            &[]
        });
        let asked = input.iter().rposition(is_user_message);
        if asked.is_none() && body["input"].is_array() {
            faults.push("`input` holds no user message".to_owned());
        }
        if !faults.is_empty() {
            return Err(faults);
        }

        let asked = asked.unwrap_or_default();
        let user_text = message_text(&input[asked]);
        let tool_outputs = input[asked..].iter().filter_map(ToolOutput::read).collect();
        Ok(Self { thread_id, turn_id, model, user_text, tool_outputs, body })
    }

    /// Returns the call ids of all tool outputs, those of earlier turns among them.
    pub(super) fn answered_calls(&self) -> Vec<String> {
        let input = self.body["input"].as_array().map(Vec::as_slice).unwrap_or_default();
        input.iter().filter_map(ToolOutput::read).map(|output| output.call_id).collect()
    }
}

impl ToolOutput {
    fn read(item: &Value) -> Option<Self> {
        if !item["type"].as_str()?.ends_with("_call_output") {
            return None;
        }
        let output = &item["output"];
        Some(Self {
            call_id: item["call_id"].as_str().unwrap_or_default().to_owned(),
            output: output.as_str().map_or_else(|| output.to_string(), str::to_owned),
        })
    }
}

fn is_user_message(item: &Value) -> bool {
    item["type"] == "message" && item["role"] == "user"
}

fn message_text(item: &Value) -> String {
    let parts = item["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    texts.join("\n")
}
