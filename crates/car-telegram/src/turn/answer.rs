//! The messages that answer a turn.

use std::time::Duration;

use car_domain::conversation::{TurnOutcome, TurnStatus};
use car_domain::format::tokens;
use car_domain::text::headline;
use car_store::{NewMessage, Place};

use crate::payload::{Content, Letter, Payload, Priority};
use crate::render::{self, Part};

/// Messages of one answer; a longer one comes as a file with its beginning.
const MAX_PARTS: usize = 8;
/// Characters of a longer one that are shown.
const MAX_BEGINNING: usize = 1500;

/// What came of a turn.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) outcome: TurnOutcome,
    /// All that the agent said, in order.
    pub(super) messages: Vec<String>,
    pub(super) took: Option<Duration>,
}

/// The answer's text, in Markdown.
fn text(ended: &Ended) -> String {
    let mut messages = ended.messages.clone();
    if let Some(last) = &ended.outcome.final_message
        && !messages.contains(last)
    {
        messages.push(last.clone());
    }
    messages.dedup();
    let said = messages.join("\n\n");
    let why = ended.outcome.error.as_deref().unwrap_or_default().trim();
    let note = match (ended.outcome.status, why) {
        (TurnStatus::Completed, "") if said.trim().is_empty() => {
            "Codex ended without a message.".to_owned()
        }
        (TurnStatus::Completed, _) => String::new(),
        (TurnStatus::Interrupted, "") => "⏹ Stopped.".to_owned(),
        (TurnStatus::Interrupted, why) => format!("⏹ Stopped: {why}"),
        (TurnStatus::Failed, "") => "⚠ Codex failed and did not say why.".to_owned(),
        (TurnStatus::Failed, why) => format!("⚠ Codex failed: {why}"),
    };
    match (note.is_empty(), said.trim().is_empty()) {
        (true, _) => said,
        (false, true) => note,
        (false, false) => format!("{note}\n\n{said}"),
    }
}

/// The messages, in order, under names that belong to the turn.
pub(super) fn messages(
    turn: i64,
    place: Place,
    reply_to: Option<i64>,
    ended: &Ended,
) -> Vec<NewMessage> {
    let text = text(ended);
    let mut parts = render::markdown(&text);
    if parts.len() > MAX_PARTS {
        let beginning = headline_lines(&text);
        parts = vec![
            Part::Text { html: render::escape(&beginning), plain: beginning },
            Part::File { name: "answer.md".to_owned(), text },
        ];
    }
    let n = parts.len();
    let metrics = metrics(ended);
    let mut all = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        let reply_to = reply_to.filter(|_| at == 0);
        let payload = match part {
            Part::Text { mut html, mut plain } => {
                if at + 1 == n
                    && let Some(metrics) = &metrics
                {
                    html.push_str(&format!("\n\n<i>{}</i>", render::escape(metrics)));
                    plain.push_str(&format!("\n\n{metrics}"));
                }
                let letter = Letter { html: Some(html), ..Letter::plain(plain) };
                Payload::Text(letter.reply_to(reply_to))
            }
            Part::File { name, text } => {
                let caption = match &metrics {
                    Some(metrics) if at + 1 == n => format!("{name} · {metrics}"),
                    _ => name.clone(),
                };
                Payload::File { name, caption, content: Content::Text(text), reply_to }
            }
        };
        all.push(payload.to(place, format!("turn:{turn}:{at}"), Priority::Usual));
    }
    all
}

fn headline_lines(text: &str) -> String {
    let beginning = render::head(text, MAX_BEGINNING);
    format!("{beginning}…\n\nThe whole answer is in the file.")
}

/// Time and tokens; `None` when nothing is known.
fn metrics(ended: &Ended) -> Option<String> {
    let usage = &ended.outcome.usage;
    let mut parts = Vec::new();
    if let Some(took) = ended.took {
        parts.push(format!("{:.1} s", took.as_secs_f64()));
    }
    if usage.total() > 0 {
        let (input, output) = (tokens(usage.input_tokens), tokens(usage.output_tokens));
        parts.push(format!("{input} tokens in, {output} out"));
    }
    (!parts.is_empty()).then(|| headline(&parts.join(" · "), 200))
}

#[cfg(test)]
mod tests {
    use super::*;
    use car_domain::run::Usage;

    const PLACE: Place = Place { chat: 1, topic: 0 };

    fn ended(status: TurnStatus, said: &[&str], error: Option<&str>) -> Ended {
        let outcome = TurnOutcome {
            status,
            final_message: said.last().map(|text| (*text).to_owned()),
            usage: Usage { input_tokens: 1200, output_tokens: 34, ..Usage::default() },
            thread_usage: Usage::default(),
            error: error.map(str::to_owned),
        };
        let messages = said.iter().map(|text| (*text).to_owned()).collect();
        Ended { outcome, messages, took: Some(Duration::from_millis(1500)) }
    }

    #[test]
    fn an_answer_says_how_it_ended_and_what_it_cost() {
        for (ended, expected) in [
            (ended(TurnStatus::Completed, &["One.", "Two."], None), "One.\n\nTwo."),
            (ended(TurnStatus::Completed, &[], None), "Codex ended without a message."),
            (ended(TurnStatus::Interrupted, &["Half"], None), "⏹ Stopped.\n\nHalf"),
            (ended(TurnStatus::Failed, &[], Some("no model")), "⚠ Codex failed: no model"),
        ] {
            let all = messages(7, PLACE, Some(3), &ended);
            assert_eq!((all.len(), all[0].key.as_str()), (1, "turn:7:0"));
            let payload: Payload = serde_json::from_str(&all[0].payload).expect("readable");
            let Payload::Text(letter) = payload else { panic!("{payload:?}") };
            assert!(letter.plain.starts_with(expected), "{}", letter.plain);
            assert!(letter.plain.contains("1.5 s · "), "{}", letter.plain);
            assert_eq!(letter.reply_to, Some(3));
        }
    }

    #[test]
    fn an_endless_answer_is_a_file_with_its_beginning() {
        let long = "A paragraph of some words.\n\n".repeat(3000);
        let all = messages(7, PLACE, None, &ended(TurnStatus::Completed, &[&long], None));
        assert_eq!(all.len(), 2);
        let payload: Payload = serde_json::from_str(&all[1].payload).expect("readable");
        let Payload::File { name, content: Content::Text(text), .. } = payload else { panic!() };
        assert_eq!((name.as_str(), text), ("answer.md", long));
    }
}
