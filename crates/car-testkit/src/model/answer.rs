//! Takes from a turn's steps what answers one HTTP request.

use std::collections::VecDeque;

use axum::response::sse;

use super::event;
use super::script::{Reply, Step};
use super::usage::Usage;

/// The answer to one request.
pub(super) enum Answer {
    /// An HTTP error.
    Refused { status: u16, retry_after: Option<u32>, body: String },
    /// A stream, and the id of the tool call in it.
    Streamed { parts: VecDeque<Part>, call_id: Option<String> },
}

/// One moment of a streamed answer.
pub(super) enum Part {
    Event(sse::Event),
    Hang,
    Cut,
    Completed(sse::Event, Usage),
}

impl Answer {
    /// Makes the `n`th answer of the server, or nothing when no step is left.
    pub(super) fn next(steps: &mut VecDeque<Step>, n: u64) -> Option<Self> {
        while let Some(Reply::RateLimited { times: 0, .. }) = steps.front().map(|step| &step.reply)
        {
            steps.pop_front();
        }
        match &mut steps.front_mut()?.reply {
            Reply::Fail { status, body } => {
                Some(Self::Refused { status: *status, retry_after: None, body: body.clone() })
            }
            Reply::RateLimited { times, retry_after } => {
                *times -= 1;
                let body = r#"{"error":{"message":"fake rate limit","type":"rate_limit"}}"#;
                let retry_after = Some(*retry_after);
                Some(Self::Refused { status: 429, retry_after, body: body.to_owned() })
            }
            Reply::Message(_)
            | Reply::HalfMessage { .. }
            | Reply::Shell(_)
            | Reply::Escalated { .. }
            | Reply::Question(_)
            | Reply::Reasoning(_)
            | Reply::Drop
            | Reply::Hang => Some(Self::stream(steps, n)),
        }
    }

    fn stream(steps: &mut VecDeque<Step>, n: u64) -> Self {
        let mut parts = VecDeque::from([Part::Event(event::created(n))]);
        let mut usage = Usage::of_answer(n);
        let mut index = 0;
        while let Some(step) = steps.pop_front_if(|step| !step.reply.refuses()) {
            usage = step.usage.unwrap_or(usage);
            let id = format!("item_{n}_{index}");
            if let Some(call) = Self::tool_call(&step.reply, &id, index, n) {
                parts.push_back(Part::Event(call));
                parts.push_back(Part::Completed(event::completed(n, usage), usage));
                return Self::Streamed { parts, call_id: Some(call_id(n)) };
            }
            match step.reply {
                Reply::Message(text) => {
                    parts.extend(event::message(&id, index, &text).into_iter().map(Part::Event));
                }
                Reply::HalfMessage { before, after } => {
                    parts.push_back(Part::Event(event::message_begins(&id, index)));
                    parts.push_back(Part::Event(event::message_delta(&id, index, &before)));
                    parts.push_back(Part::Hang);
                    parts.push_back(Part::Event(event::message_delta(&id, index, &after)));
                    let whole = format!("{before}{after}");
                    parts.push_back(Part::Event(event::message_ends(&id, index, &whole)));
                }
                Reply::Reasoning(text) => {
                    parts.extend(event::reasoning(&id, index, &text).into_iter().map(Part::Event));
                }
                Reply::Drop => {
                    parts.push_back(Part::Cut);
                    return Self::Streamed { parts, call_id: None };
                }
                Reply::Hang => {
                    parts.push_back(Part::Hang);
                    continue;
                }
                Reply::Shell(_)
                | Reply::Escalated { .. }
                | Reply::Question(_)
                | Reply::Fail { .. }
                | Reply::RateLimited { .. } => break,
            }
            index += 1;
        }
        parts.push_back(Part::Completed(event::completed(n, usage), usage));
        Self::Streamed { parts, call_id: None }
    }

    /// The event of a step that is a tool call.
    fn tool_call(reply: &Reply, id: &str, index: usize, n: u64) -> Option<sse::Event> {
        let call_id = call_id(n);
        Some(match reply {
            Reply::Shell(command) => event::shell(id, &call_id, index, command),
            Reply::Escalated { command, reason } => {
                event::escalated(id, &call_id, index, command, reason)
            }
            Reply::Question(text) => event::question(id, &call_id, index, text),
            _ => return None,
        })
    }
}

/// The id of the tool call in the `n`th answer, which holds one at most.
fn call_id(n: u64) -> String {
    format!("call_{n}")
}

impl Reply {
    fn refuses(&self) -> bool {
        matches!(self, Self::Fail { .. } | Self::RateLimited { .. })
    }
}
