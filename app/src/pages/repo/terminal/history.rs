//! What was sent before, to be sent again.

use crate::platform;

/// Where the browser keeps it.
const KEY: &str = "car.terminal.history";
/// Texts that are kept.
const MAX: usize = 100;
/// A longer text is no command somebody looks for.
const MAX_BYTES: usize = 4096;

/// Texts, the oldest first, and the one that is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    texts: Option<Vec<String>>,
    at: Option<usize>,
    /// What was being written when one began to look.
    unsent: String,
}

impl History {
    /// Read from the browser when it is first needed.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a text that was sent.
    pub(super) fn add(&mut self, text: &str) {
        self.at = None;
        if text.trim().is_empty() || text.len() > MAX_BYTES {
            return;
        }
        let texts = self.texts();
        texts.retain(|known| known != text);
        texts.push(text.to_owned());
        let surplus = texts.len().saturating_sub(MAX);
        texts.drain(..surplus);
        if let Ok(json) = serde_json::to_string(texts) {
            platform::remember(KEY, &json);
        }
    }

    /// The text before the one that is looked at; `written` is what is in the field.
    pub(super) fn older(&mut self, written: &str) -> Option<String> {
        let n = self.texts().len();
        let at = self.at.unwrap_or(n).checked_sub(1)?;
        if self.at.is_none() {
            written.clone_into(&mut self.unsent);
        }
        self.at = Some(at);
        self.texts().get(at).cloned()
    }

    /// The text after it, at last what was written.
    pub(super) fn newer(&mut self) -> Option<String> {
        let at = self.at? + 1;
        if at < self.texts().len() {
            self.at = Some(at);
            return self.texts().get(at).cloned();
        }
        self.at = None;
        Some(std::mem::take(&mut self.unsent))
    }

    fn texts(&mut self) -> &mut Vec<String> {
        self.texts.get_or_insert_with(|| {
            let kept = platform::recall(KEY);
            kept.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_and_forth_and_finds_what_one_wrote() {
        let mut history = History::new();
        for text in ["ls", "pwd", "ls", "  "] {
            history.add(text);
        }
        assert_eq!(history.older("dra").as_deref(), Some("ls"));
        assert_eq!(history.older("ls").as_deref(), Some("pwd"));
        assert_eq!(history.older("pwd"), None);
        assert_eq!(history.newer().as_deref(), Some("ls"));
        assert_eq!(history.newer().as_deref(), Some("dra"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut history = History::new();
        for n in 0..MAX + 10 {
            history.add(&n.to_string());
        }
        history.add(&"x".repeat(MAX_BYTES + 1));
        assert_eq!(history.texts().len(), MAX);
        assert_eq!(history.older("").as_deref(), Some("109"));
    }
}
