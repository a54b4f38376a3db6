//! Ticking one box of a document.

use car_domain::docs::{DocKind, Document};
use car_domain::todo::{TodoList, with_box};

use super::{Docs, Expected};
use crate::EngineError;

/// Which box is ticked or opened, as a person has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick<'a> {
    /// Line of the item, from 0.
    pub line: usize,
    /// The item's text.
    pub text: &'a str,
    /// Whether it is done from now on.
    pub done: bool,
    /// The version of the document that was seen.
    pub version: &'a str,
}

impl Docs<'_> {
    /// Ticks or opens one box. When the document was changed meanwhile, the item is found by its text.
    ///
    /// # Errors
    /// When the item is not there any more or not told from others, or the document cannot be written.
    pub fn tick(
        &self,
        kind: DocKind,
        tick: Tick<'_>,
        author: &str,
    ) -> Result<Document, EngineError> {
        loop {
            let document = self.read(kind)?;
            let line = find(&document, tick).ok_or_else(|| lost(kind, tick.text))?;
            let Some(text) = with_box(&document.text, line, tick.done) else {
                return Err(lost(kind, tick.text));
            };
            if text == document.text {
                return Ok(document);
            }
            let written = self.write(kind, &text, Expected::Version(&document.version), author)?;
            if !written.is_stale() {
                return written.into_result();
            }
        }
    }
}

/// The line of the item that was seen: where it was, or where the only item with its text is now.
fn find(document: &Document, tick: Tick<'_>) -> Option<usize> {
    let items = TodoList::parse(&document.text).items;
    let mut same = items.iter().filter(|item| item.text == tick.text);
    if document.version == tick.version {
        return same.find(|item| item.line == tick.line).map(|item| item.line);
    }
    let first = same.next()?;
    same.next().is_none().then_some(first.line)
}

fn lost(kind: DocKind, text: &str) -> EngineError {
    EngineError::conflict(format!(
        "{} was changed meanwhile, and `{text}` is not to be found in it for certain",
        kind.title()
    ))
    .with_hint("look at the present text, then tick it there")
}
