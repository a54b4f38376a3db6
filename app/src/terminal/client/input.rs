//! What was typed and is not known to be written.

use std::collections::VecDeque;

use car_domain::terminal::ClientFrame;

/// Most bytes of one frame; longer texts become several.
const MAX_FRAME: usize = 64 << 10;
/// Most bytes that wait; more is not taken.
const MAX_WAITING: usize = 1 << 20;
/// Characters of what waits that people are shown.
const MAX_SHOWN: usize = 400;

/// Inputs in the order they were typed in, each until its fate is known.
#[derive(Debug)]
pub(super) struct Inputs {
    name: String,
    n_made: u64,
    n_bytes: usize,
    waiting: VecDeque<(String, String)>,
}

impl Inputs {
    /// None yet; their ids begin with `name`.
    pub(super) fn new(name: String) -> Self {
        Self { name, n_made: 0, n_bytes: 0, waiting: VecDeque::new() }
    }

    /// Takes a text; what is to be sent of it. All of it or nothing.
    pub(super) fn add(&mut self, text: &str) -> Result<Vec<ClientFrame>, String> {
        if self.n_bytes + text.len() > MAX_WAITING {
            return Err("Too much waits to be sent already.".to_owned());
        }
        let mut frames = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (data, after) = rest.split_at(rest.floor_char_boundary(MAX_FRAME.min(rest.len())));
            rest = after;
            self.n_made += 1;
            let id = format!("{}-{}", self.name, self.n_made);
            self.n_bytes += data.len();
            self.waiting.push_back((id.clone(), data.to_owned()));
            frames.push(ClientFrame::Input { id, data: data.to_owned() });
        }
        Ok(frames)
    }

    /// The fate of the input with this id is known; its text, if it was ours and not settled before.
    pub(super) fn settle(&mut self, id: &str) -> Option<String> {
        let at = self.waiting.iter().position(|(known, _)| known == id)?;
        let (_, text) = self.waiting.remove(at)?;
        self.n_bytes -= text.len();
        Some(text)
    }

    /// Everything that waits, to be sent once more.
    pub(super) fn again(&self) -> impl Iterator<Item = ClientFrame> {
        let frame = |(id, data): &(String, String)| ClientFrame::Input {
            id: id.clone(),
            data: data.clone(),
        };
        self.waiting.iter().map(frame)
    }

    /// What waits, as people read it: without keys that are no text, and not more than can be read.
    pub(super) fn waiting(&self) -> String {
        let texts = self.waiting.iter().map(|(_, text)| super::super::text::readable(text));
        let mut shown = String::new();
        for text in texts {
            shown.push_str(&text);
            if shown.chars().count() > MAX_SHOWN {
                return shown.chars().take(MAX_SHOWN).chain(['…']).collect();
            }
        }
        shown
    }
}
