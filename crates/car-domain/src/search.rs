//! Searching runs and documents: what people type, and what is found.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What is searched for: every term must occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerms(Vec<Term>);

/// A word, a phrase, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The words as they were typed.
    pub text: String,
    /// Whether the last word may go on.
    pub is_prefix: bool,
}

/// One place that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SearchHit {
    /// Id of the repository.
    pub repo: String,
    /// Where in it.
    #[serde(flatten)]
    pub place: SearchPlace,
    /// When it was said, or the document was written last.
    pub at: Option<Timestamp>,
    /// Some words around it.
    pub snippet: String,
    /// Where in the snippet the terms are, in characters: from, to.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<usize>>))]
    pub marks: Vec<(usize, usize)>,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum SearchPlace {
    /// In an event of a run.
    Event {
        /// Number of the run.
        run: u64,
        /// Position in its journal.
        seq: u64,
        /// Type of the event.
        #[serde(rename = "type")]
        kind: String,
    },
    /// In a document.
    Document {
        /// Always `document`.
        #[serde(rename = "type")]
        kind: String,
        /// Name of the document.
        document: String,
        /// Number of the line.
        line: usize,
    },
}

impl SearchTerms {
    /// Reads what a person typed: words, `"a phrase"`, and `begin*`. A quote that is not closed goes to the end. None when
    /// there is nothing to search for.
    pub fn parse(text: &str) -> Option<Self> {
        let mut terms = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (words, after) = if first == '"' {
                let inner = &rest[1..];
                inner.split_once('"').unwrap_or((inner, ""))
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
                rest.split_at(end)
            };
            let starred = words.strip_suffix('*').filter(|_| first != '"');
            let is_prefix = starred.is_some() || (first == '"' && after.starts_with('*'));
            let after = after.strip_prefix('*').filter(|_| first == '"').unwrap_or(after);
            let words = starred.unwrap_or(words);
            if words.chars().any(char::is_alphanumeric) {
                terms.push(Term { text: words.replace('\0', " "), is_prefix });
            }
            rest = after.trim_start();
        }
        (!terms.is_empty()).then_some(Self(terms))
    }

    /// The terms.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }
}

impl Term {
    /// Where in `line` the term occurs first as whole words, in any case: bytes from, to.
    pub fn find(&self, line: &str) -> Option<(usize, usize)> {
        let wanted: Vec<String> = words(&self.text).map(|(_, word)| word.to_lowercase()).collect();
        let there: Vec<(usize, &str)> = words(line).collect();
        let last = wanted.len().checked_sub(1)?;
        let fits = |window: &&[(usize, &str)]| {
            window.iter().zip(&wanted).enumerate().all(|(position, ((_, word), wanted))| {
                let word = word.to_lowercase();
                word == *wanted
                    || (self.is_prefix && position == last && word.starts_with(wanted.as_str()))
            })
        };
        let window = there.windows(wanted.len()).find(fits)?;
        let (from, _) = window.first()?;
        let (start, word) = window.last()?;
        Some((*from, start + word.len()))
    }
}

/// The words of a text and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, bool)> {
        let terms = SearchTerms::parse(text).map(|terms| terms.0).unwrap_or_default();
        terms.into_iter().map(|term| (term.text, term.is_prefix)).collect()
    }

    #[test]
    fn words_phrases_and_beginnings_are_understood() {
        let term = |text: &str, is_prefix| (text.to_owned(), is_prefix);
        assert_eq!(
            parsed("retry \"rate limit\" time*"),
            [term("retry", false), term("rate limit", false), term("time", true)]
        );
        assert_eq!(parsed("\"open to the end"), [term("open to the end", false)]);
        assert_eq!(parsed("\"rate lim\"*"), [term("rate lim", true)]);
        assert_eq!(parsed("a\"b\"c"), [term("a", false), term("b", false), term("c", false)]);
        assert_eq!(parsed("-> * \"\" AND"), [term("AND", false)]);
        assert_eq!(SearchTerms::parse(" -> "), None);
    }

    #[test]
    fn a_term_is_found_as_whole_words() {
        let find = |text: &str, line: &str| SearchTerms::parse(text)?.0.first()?.find(line);
        assert_eq!(find("limit", "No limits, one Limit."), Some((15, 20)));
        assert_eq!(find("limit*", "No limits"), Some((3, 9)));
        assert_eq!(find("\"rate limit\"", "the rate-limit"), Some((4, 14)));
        assert_eq!(find("\"rate limit\"", "the rate of a limit"), None);
        assert_eq!(find("ÄÖ", "x äö"), Some((2, 6)));
    }
}
