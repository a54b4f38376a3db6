//! The documents of a repository and their versions, as every door shows them.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DocKind {
    /// Long-horizon tasks.
    Todo,
    /// What was done.
    Progress,
    /// How to do it.
    Opinions,
    /// What is to be built.
    Spec,
    /// Report to the owner.
    Summary,
    /// Description of the repository for other chats.
    Snapshot,
}

impl DocKind {
    /// The five documents agents work with.
    pub const WORK: [Self; 5] =
        [Self::Todo, Self::Progress, Self::Opinions, Self::Spec, Self::Summary];
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Todo, Self::Progress, Self::Opinions, Self::Spec, Self::Summary, Self::Snapshot];

    /// Its name in commands and addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Progress => "progress",
            Self::Opinions => "opinions",
            Self::Spec => "spec",
            Self::Summary => "summary",
            Self::Snapshot => "snapshot",
        }
    }

    /// Its name in prompts and titles.
    pub fn title(self) -> String {
        self.name().to_uppercase()
    }

    /// Reads a name in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
    }
}

impl std::fmt::Display for DocKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A document as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Document {
    /// Which.
    pub kind: DocKind,
    /// Where it is, relative to the root, or absolute when it lies outside.
    pub path: String,
    /// Its text; empty when there is no file, with replacement characters where the file is no UTF-8.
    pub text: String,
    /// SHA-256 of the file in hex, or [`Document::MISSING`].
    pub version: String,
    /// When the file was last written.
    pub modified_at: Option<Timestamp>,
}

impl Document {
    /// The version of a document that has no file.
    pub const MISSING: &'static str = "missing";

    /// Whether there is a file.
    pub fn exists(&self) -> bool {
        self.version != Self::MISSING
    }
}

/// One version in a document's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocVersion {
    /// SHA-256 of the text in hex.
    pub version: String,
    /// When it was first seen.
    pub at: Timestamp,
    /// Who wrote it: `run 3`, `command line`, `document chat`, …; `outside` when nobody told.
    pub author: String,
    /// Its length in bytes.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_any_case() {
        for kind in DocKind::ALL {
            assert_eq!(DocKind::parse(&kind.title()), Some(kind));
            assert_eq!(serde_json::to_value(kind).expect("json"), kind.name());
        }
        assert_eq!(DocKind::parse("readme"), None);
    }
}
