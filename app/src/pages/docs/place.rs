//! Which document, and how it is looked at, as its address says.

use car_domain::docs::DocKind;
use leptos_router::params::ParamsMap;

/// The address of a page of documents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Id of the repository; absent for the only one.
    pub repo: Option<String>,
    /// Which document.
    pub kind: DocKind,
    /// How it is looked at.
    pub view: View,
}

/// How a document is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum View {
    /// As it reads.
    Rendered,
    /// Its source, to be edited.
    Source {
        /// Begins with the text of this version instead of the present one.
        from: Option<String>,
    },
    /// Its versions.
    History,
    /// One of them, compared with the present one.
    Version(String),
    /// A text that could not be saved, beside the present one.
    Conflict {
        /// Its version.
        mine: String,
        /// The version it began on.
        base: String,
    },
}

impl Place {
    /// Reads an address; nothing when there is no such document or view.
    pub(super) fn read(params: &ParamsMap, query: &ParamsMap) -> Option<Self> {
        let kind = match params.get("kind") {
            Some(kind) => DocKind::parse(&kind)?,
            None => DocKind::Todo,
        };
        let version = query.get("version").filter(|version| !version.is_empty());
        let view = match (query.get("view").as_deref(), version) {
            (None | Some(""), _) => View::Rendered,
            // Only CAR writes it.
            (Some("source"), _) if kind == DocKind::Snapshot => View::Rendered,
            (Some("source"), from) => View::Source { from },
            (Some("history"), None) => View::History,
            (Some("history"), Some(version)) => View::Version(version),
            (Some("conflict"), Some(mine)) => {
                View::Conflict { mine, base: query.get("base").unwrap_or_default() }
            }
            _ => return None,
        };
        Some(Self { repo: params.get("id"), kind, view })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> ParamsMap {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn every_view_has_an_address() {
        let view = |query: &[(&'static str, &str)]| {
            Place::read(&map(&[("kind", "SPEC")]), &map(query)).map(|place| place.view)
        };
        assert_eq!(view(&[]), Some(View::Rendered));
        assert_eq!(view(&[("view", "source")]), Some(View::Source { from: None }));
        assert_eq!(view(&[("view", "history")]), Some(View::History));
        let version = [("view", "history"), ("version", "ab12")];
        assert_eq!(view(&version), Some(View::Version("ab12".into())));
        let conflict = [("view", "conflict"), ("version", "a"), ("base", "b")];
        let expected = View::Conflict { mine: "a".into(), base: "b".into() };
        assert_eq!(view(&conflict), Some(expected));
        assert_eq!(view(&[("view", "conflict")]), None);
        assert_eq!(view(&[("view", "hologram")]), None);
    }

    #[test]
    fn a_repository_may_be_named_and_a_document_must_exist() {
        let place = Place::read(&map(&[("id", "api")]), &map(&[]));
        let place = place.expect("the first document");
        assert_eq!((place.repo.as_deref(), place.kind), (Some("api"), DocKind::Todo));
        assert_eq!(Place::read(&map(&[("kind", "readme")]), &map(&[])), None);
        let snapshot = map(&[("kind", "snapshot")]);
        let place = Place::read(&snapshot, &map(&[("view", "source")])).expect("it reads");
        assert_eq!(place.view, View::Rendered);
    }
}
