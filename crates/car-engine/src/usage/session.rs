//! What the records of one session file say about tokens.
//!
//! Two kinds of records tell of a call of the model. `token_usage_record` names the tokens of exactly one call of one thread;
//! `token_count` tells running totals of the session, comes again when only rate limits changed, and is all that older versions
//! of Codex write. Where both describe a call the record counts. What must stay true: a call counts once, however often and in
//! however many ways it is told, and the state behind a line depends on nothing but the lines up to it.

use car_domain::Timestamp;
use car_domain::usage::TokenTotals;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::range::parse_time;

/// The name of a model that was never told.
pub(super) const UNKNOWN_MODEL: &str = "unknown";

/// What is known behind a line of a session file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SessionState {
    /// Id of the thread, from the first `session_meta`.
    pub(super) thread: Option<String>,
    cwd: Option<String>,
    model: Option<String>,
    /// Totals of the last `token_count`.
    counted: Option<TokenTotals>,
    /// Totals of the thread in the last `token_usage_record`.
    recorded: Option<TokenTotals>,
    /// A `token_usage_record` came after the last `token_count`, which will tell the same.
    covered: bool,
    /// Records that could not be read.
    pub(super) bad: u64,
}

/// What a record tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) at: Timestamp,
    pub(super) cwd: String,
    pub(super) model: String,
    /// A call of the model.
    pub(super) tokens: Option<TokenTotals>,
    /// Rate limits; alone they are an event, too.
    pub(super) limits: Option<Value>,
    /// Whether it counts as an event.
    pub(super) is_event: bool,
}

impl SessionState {
    /// Reads one line. A line that cannot be read is counted and changes nothing else.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Fact> {
        let Ok(record) = serde_json::from_slice::<Value>(line) else {
            self.bad += 1;
            return None;
        };
        let payload = &record["payload"];
        match (record["type"].as_str(), payload["type"].as_str()) {
            (Some("session_meta"), _) => self.meta(payload),
            (Some("turn_context"), _) => self.turn(payload),
            (Some("token_usage_record"), _) => return self.usage_record(&record, payload),
            (Some("event_msg"), Some("token_count")) => return self.token_count(&record, payload),
            _ => {}
        }
        None
    }

    fn meta(&mut self, payload: &Value) {
        let id = payload["id"].as_str();
        if let (Some(thread), Some(id)) = (&self.thread, id)
            && thread != id
        {
            return; // A fork begins with the history of the thread it was made from.
        }
        self.thread = self.thread.take().or_else(|| id.map(str::to_owned));
        self.cwd = text(&payload["cwd"]).or(self.cwd.take());
        self.model = text(&payload["model"]).or(self.model.take());
    }

    fn turn(&mut self, payload: &Value) {
        self.cwd = text(&payload["cwd"]).or(self.cwd.take());
        self.model = text(&payload["model"]).or(self.model.take());
    }

    fn usage_record(&mut self, record: &Value, payload: &Value) -> Option<Fact> {
        let at = self.time_of(record)?;
        let Some(tokens) = totals(&payload["usage"]) else {
            self.bad += 1;
            return None;
        };
        self.covered = true;
        self.recorded = totals(&payload["thread_token_usage"]).or(self.recorded);
        let is_foreign = match (&self.thread, payload["thread_id"].as_str()) {
            (Some(own), Some(told)) => own != told,
            _ => false,
        };
        // Copied from the thread this one was forked from, in whose file it counts.
        (!is_foreign).then(|| self.fact(at, Some(tokens), None))
    }

    fn token_count(&mut self, record: &Value, payload: &Value) -> Option<Fact> {
        let limits = Some(&payload["rate_limits"]).filter(|limits| has_windows(limits)).cloned();
        let info = &payload["info"];
        let (total, last) = (totals(&info["total_token_usage"]), totals(&info["last_token_usage"]));
        if total.is_none() && last.is_none() && limits.is_none() {
            return None;
        }
        let at = self.time_of(record)?;
        let told_usage = total.is_some() || last.is_some();
        let tokens = if told_usage { self.not_yet_counted(total, last) } else { None };
        let fact =
            Fact { is_event: tokens.is_some() || !told_usage, ..self.fact(at, tokens, limits) };
        (fact.is_event || fact.limits.is_some()).then_some(fact)
    }

    /// The tokens a `token_count` adds to what is known.
    fn not_yet_counted(
        &mut self,
        total: Option<TokenTotals>,
        last: Option<TokenTotals>,
    ) -> Option<TokenTotals> {
        let before = self.counted.unwrap_or_default();
        let is_repeated = total.is_some() && total == self.counted;
        let is_recorded = std::mem::take(&mut self.covered)
            || matches!((total, self.recorded), (Some(total), Some(recorded))
                if total.total_tokens <= recorded.total_tokens);
        self.counted = total.or_else(|| last.map(|last| before.plus(&last)));
        if is_repeated || is_recorded {
            return None;
        }
        last.or_else(|| total.map(|total| total.since(&before)))
    }

    fn fact(&self, at: Timestamp, tokens: Option<TokenTotals>, limits: Option<Value>) -> Fact {
        let model = self.model.clone().unwrap_or_else(|| UNKNOWN_MODEL.to_owned());
        let cwd = self.cwd.clone().unwrap_or_default();
        Fact { at, cwd, model, tokens, limits, is_event: true }
    }

    fn time_of(&mut self, record: &Value) -> Option<Timestamp> {
        let at = record["timestamp"].as_str().and_then(parse_time);
        let at = at.filter(|at| at.as_millis() >= 0);
        self.bad += u64::from(at.is_none());
        at
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether a window is told; today's Codex writes rate limits of nothing but nulls when it knows none.
fn has_windows(limits: &Value) -> bool {
    ["primary", "secondary"].iter().any(|name| limits[name].is_object())
}

fn totals(value: &Value) -> Option<TokenTotals> {
    let fields = value.as_object().filter(|fields| !fields.is_empty())?;
    let number = |name: &str| {
        let value = fields.get(name)?;
        value.as_u64().or_else(|| value.as_f64().map(|number| number.max(0.0) as u64))
    };
    let input = number("input_tokens").unwrap_or(0);
    let output = number("output_tokens").unwrap_or(0);
    Some(TokenTotals {
        input_tokens: input,
        cached_input_tokens: number("cached_input_tokens").unwrap_or(0),
        output_tokens: output,
        reasoning_output_tokens: number("reasoning_output_tokens").unwrap_or(0),
        total_tokens: number("total_tokens").unwrap_or_else(|| input.saturating_add(output)),
    })
}
