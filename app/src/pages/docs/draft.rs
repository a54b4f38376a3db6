//! A text that is not saved yet, kept by the browser until it is.

use serde::{Deserialize, Serialize};

use super::frame::DocPlace;
use crate::base::base_path;
use crate::platform;

/// A text and the version it began on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    /// The version.
    pub version: String,
    /// The text.
    pub text: String,
}

/// Where the draft of a document is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DraftPlace(String);

impl DraftPlace {
    pub(super) fn of(place: &DocPlace) -> Self {
        Self(format!("car:draft:{}:{}:{}", base_path(), place.repo, place.kind))
    }

    /// The draft, if there is one.
    pub(super) fn read(&self) -> Option<Draft> {
        serde_json::from_str(&platform::recall(&self.0)?).ok()
    }

    /// Keeps a draft; says whether the browser did.
    pub(super) fn write(&self, draft: &Draft) -> bool {
        serde_json::to_string(draft).is_ok_and(|text| platform::remember(&self.0, &text))
    }

    /// Forgets it.
    pub(super) fn remove(&self) {
        platform::forget(&self.0);
    }
}
