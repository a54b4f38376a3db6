//! However the bytes of a session file arrive, the sums are the same.

use std::io::Cursor;

use car_domain::usage::TokenTotals;
use proptest::prelude::*;

use super::*;
use crate::usage::lines::SessionLines;
use crate::usage::session::{Fact, SessionState};

/// Longer than every line that counts, shorter than the long ones.
const PIECE: usize = 2_000;

/// What happens in a session.
#[derive(Clone, Debug)]
enum Step {
    /// A call as today's Codex tells it; perhaps the count is missing.
    Call(Tokens, bool),
    /// The last count again.
    Again,
    /// A count without usage.
    NoInfo,
    /// Another model.
    Model(u8),
    /// Something that cannot be read.
    Junk(String),
    /// A line that does not fit into the buffer.
    Long(usize),
    /// A call of the thread this one was forked from.
    Foreign(Tokens),
}

fn step() -> impl Strategy<Value = Step> {
    let tokens = || [0u64..1000, 0..100, 1..100, 0..10];
    prop_oneof![
        4 => (tokens(), any::<bool>()).prop_map(|(tokens, counted)| Step::Call(tokens, counted)),
        2 => Just(Step::Again),
        1 => Just(Step::NoInfo),
        1 => (0u8..3).prop_map(Step::Model),
        1 => "[^\n]{0,40}".prop_map(Step::Junk),
        1 => (PIECE..3 * PIECE).prop_map(Step::Long),
        1 => tokens().prop_map(Step::Foreign),
    ]
}

fn plus(a: Tokens, b: Tokens) -> Tokens {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
}

/// A session file in which the first `n_old` calls are told as older versions of Codex did, and the tokens of its own calls,
/// added up while it is written.
fn session(steps: &[Step], n_old: usize) -> (String, Tokens) {
    let dir = Path::new("/work");
    let mut text = meta("own", dir);
    let (mut total, mut own, mut n_calls) = ([0; 4], [0; 4], 0);
    let mut last_count = String::new();
    for step in steps {
        match step {
            Step::Call(tokens, is_counted) => {
                n_calls += 1;
                total = plus(total, *tokens);
                own = plus(own, *tokens);
                let is_old = n_calls <= n_old;
                if !is_old {
                    text += &record(AT, "own", *tokens, total);
                }
                if is_old || *is_counted {
                    last_count = count(AT, Some(total), Some(*tokens));
                    text += &last_count;
                }
            }
            Step::Again => text += &last_count,
            Step::NoInfo => {
                let payload = json!({"type": "token_count", "info": null, "rate_limits": null});
                text += &line(AT, "event_msg", &payload);
            }
            Step::Model(n) => text += &turn(&format!("model-{n}"), dir),
            Step::Junk(junk) => text += &format!("{junk}\n"),
            Step::Long(len) => text += &format!("\"token_count\" {}\n", "x".repeat(*len)),
            Step::Foreign(tokens) if n_calls >= n_old => {
                total = plus(total, *tokens);
                text += &record(AT, "parent", *tokens, total);
            }
            Step::Foreign(_) => {}
        }
    }
    (text, own)
}

/// Reads a file that grew to each of `ends` in turn, with nothing kept in between but what is stored.
fn read(text: &str, ends: &[usize]) -> (Vec<Fact>, SessionState) {
    let (mut facts, mut state, mut offset) = (Vec::new(), SessionState::default(), 0);
    for end in ends {
        let there = &text.as_bytes()[..*end];
        let stored = serde_json::to_string(&state).expect("stored");
        state = serde_json::from_str(&stored).expect("read back");
        let rest = Cursor::new(&there[usize::try_from(offset).expect("small")..]);
        let mut lines = SessionLines::new(rest, offset, PIECE);
        while lines.next(|line| facts.extend(state.read(line))).expect("memory") {}
        offset = lines.offset();
    }
    (facts, state)
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_what_one_reading_gives(
        steps in prop::collection::vec(step(), 0..30),
        n_old in 0usize..6,
        mut ends in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let (text, own) = session(&steps, n_old);
        let mut ends: Vec<usize> = ends.drain(..).map(|end| end.index(text.len() + 1)).collect();
        ends.push(text.len());
        ends.sort_unstable();
        let at_once = read(&text, &[text.len()]);
        let sum = at_once.0.iter().filter_map(|fact| fact.tokens);
        let sum = sum.fold(TokenTotals::default(), |sum, tokens| sum.plus(&tokens));
        let [input, cached, output, reasoning] = own;
        prop_assert_eq!(sum, TokenTotals {
            input_tokens: input,
            cached_input_tokens: cached,
            output_tokens: output,
            reasoning_output_tokens: reasoning,
            total_tokens: input + output,
        });
        prop_assert_eq!(read(&text, &ends), at_once);
    }
}
