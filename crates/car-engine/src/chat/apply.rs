//! Deciding about a proposal.

use std::collections::BTreeMap;

use car_domain::docs::{DocKind, Document};
use car_domain::proposal::{DocConflict, DocProposal, Proposal};

use super::DocChat;
use crate::docs::{DocChange, DocWrite, Expected};
use crate::proposal::{Merged, merge, with_hunks};
use crate::{EngineError, ErrorKind};

/// What of a document's proposal is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These hunks, by number.
    Hunks(Vec<usize>),
    /// Nothing; the document stays as it is.
    Nothing,
    /// A text a person made of it, on this version of the document.
    Text {
        /// The whole new text.
        text: String,
        /// The version it replaces.
        version: String,
    },
}

/// What came of applying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The documents are written; as they are now.
    Written(Vec<Document>),
    /// Somebody changed the same places meanwhile. Nothing is written; the proposal stays.
    Conflicts(Vec<DocConflict>),
}

impl DocChat<'_> {
    /// Writes what is chosen of the proposal, on top of whatever the documents are by now. Documents that are not in `choices`
    /// get everything proposed for them. All are written or none.
    ///
    /// # Errors
    /// When nothing is proposed, a turn is at work, a chosen hunk does not exist, or the documents cannot be written.
    pub fn apply(&self, choices: &BTreeMap<DocKind, Choice>) -> Result<Applied, EngineError> {
        let _lock = self.lock()?;
        let mut chat = self.load()?;
        let proposal = chat.proposal.as_ref().ok_or_else(nothing_pending)?;
        self.must_be_seen(proposal)?;
        loop {
            let mut changes: Vec<(DocKind, String, String)> = Vec::new();
            let mut conflicts = Vec::new();
            for document in &proposal.documents {
                let live = self.repo.docs().read(document.kind)?;
                match decided(document, &live, choices.get(&document.kind))? {
                    Decided::Keep => {}
                    Decided::Text(text, version) => changes.push((document.kind, text, version)),
                    Decided::Conflict(conflict) => conflicts.push(conflict),
                }
            }
            if !conflicts.is_empty() {
                return Ok(Applied::Conflicts(conflicts));
            }
            let borrowed: Vec<DocChange<'_>> = changes
                .iter()
                .map(|(kind, text, version)| DocChange {
                    kind: *kind,
                    text,
                    expected: Expected::Version(version),
                })
                .collect();
            match self.repo.docs().write_all(&borrowed, "document chat")? {
                DocWrite::Written(documents) => {
                    chat.proposal = None;
                    self.save(&chat)?;
                    return Ok(Applied::Written(documents));
                }
                // A person's own text stands on the version the person saw.
                DocWrite::Stale(current) if is_own_text(choices.get(&current.kind)) => {
                    return DocWrite::Stale(current)
                        .into_result()
                        .map(|document| Applied::Written(vec![document]));
                }
                // Somebody wrote in this very moment: bring it together with that, too.
                DocWrite::Stale(_) => {}
            }
        }
    }

    /// Drops the proposal; the documents stay as they are.
    ///
    /// # Errors
    /// When nothing is proposed or a turn is at work.
    pub fn discard(&self) -> Result<(), EngineError> {
        let _lock = self.lock()?;
        let mut chat = self.load()?;
        let proposal = chat.proposal.take().ok_or_else(nothing_pending)?;
        self.must_be_seen(&proposal)?;
        self.save(&chat)
    }

    /// Refuses a proposal that the person who decides has not seen.
    fn must_be_seen(&self, proposal: &Proposal) -> Result<(), EngineError> {
        match self.seen {
            Some(at) if at != proposal.at => Err(EngineError::conflict(format!(
                "there is a newer proposal for {} than the one you decide about",
                self.name()
            ))
            .with_hint("look at it, then decide again")),
            _ => Ok(()),
        }
    }

    /// Begins anew: what was said and proposed is forgotten.
    ///
    /// # Errors
    /// When a turn is at work.
    pub fn reset(&self) -> Result<(), EngineError> {
        let _lock = self.lock()?;
        self.save(&car_domain::chat::Chat::default())
    }
}

enum Decided {
    Keep,
    Text(String, String),
    Conflict(DocConflict),
}

fn decided(
    document: &DocProposal,
    live: &Document,
    choice: Option<&Choice>,
) -> Result<Decided, EngineError> {
    let wanted = match choice {
        Some(Choice::Nothing) => return Ok(Decided::Keep),
        Some(Choice::Text { text, version }) => {
            return Ok(Decided::Text(text.clone(), version.clone()));
        }
        Some(Choice::Hunks(chosen)) => {
            let n = crate::proposal::hunks(&document.base, &document.proposed).len();
            if let Some(unknown) = chosen.iter().find(|id| !(1..=n).contains(*id)) {
                return Err(EngineError::new(
                    ErrorKind::Invalid,
                    format!("{} has no hunk {unknown}", document.kind.title()),
                )
                .with_hint(format!("the hunks are numbered 1 to {n}")));
            }
            with_hunks(&document.base, &document.proposed, chosen)
        }
        None => document.proposed.clone(),
    };
    if document.base_version == live.version {
        return Ok(Decided::Text(wanted, live.version.clone()));
    }
    Ok(match merge(&document.base, &live.text, &wanted) {
        Merged::Clean(text) => Decided::Text(text, live.version.clone()),
        Merged::Conflict(pieces) => Decided::Conflict(DocConflict {
            kind: document.kind,
            live_version: live.version.clone(),
            pieces,
        }),
    })
}

fn is_own_text(choice: Option<&Choice>) -> bool {
    matches!(choice, Some(Choice::Text { .. }))
}

fn nothing_pending() -> EngineError {
    EngineError::not_found("No pending patch").with_hint("ask the chat for a change first")
}
