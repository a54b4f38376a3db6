//! `If-Match` and `If-None-Match`: what a client has seen of a document.
//!
//! The tag of a document is its version, `"missing"` where there is no file. A tag that a proxy has weakened by compressing the
//! answer counts as the one it was.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use car_domain::docs::Document;

/// What a request says about versions.
#[derive(Debug, Default)]
pub(super) struct Precondition {
    matches: Option<Tags>,
    none_matches: Option<Tags>,
}

/// The tags of one header.
#[derive(Debug)]
enum Tags {
    /// `*`: whatever there is, as long as there is something.
    Existing,
    These(Vec<String>),
}

impl Tags {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Option<Self> {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let tags: Vec<String> =
            values.flat_map(|value| value.split(',')).map(|tag| bare(tag).to_owned()).collect();
        match tags.iter().any(|tag| tag == "*") {
            true => Some(Self::Existing),
            false => headers.contains_key(name).then_some(Self::These(tags)),
        }
    }

    fn has(&self, version: &str) -> bool {
        match self {
            Self::Existing => version != Document::MISSING,
            Self::These(tags) => tags.iter().any(|tag| tag == version),
        }
    }
}

impl Precondition {
    /// Whether a writer says what is to be replaced.
    pub(super) fn is_given(&self) -> bool {
        self.matches.is_some() || self.none_matches.is_some()
    }

    /// Whether a writer has seen `version`.
    pub(super) fn holds(&self, version: &str) -> bool {
        self.matches.as_ref().is_none_or(|tags| tags.has(version))
            && !self.none_matches.as_ref().is_some_and(|tags| tags.has(version))
    }

    /// Whether a reader knows `version` already.
    pub(super) fn is_known(&self, version: &str) -> bool {
        self.none_matches.as_ref().is_some_and(|tags| tags.has(version))
    }
}

impl<S: Sync> FromRequestParts<S> for Precondition {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            matches: Tags::of(&parts.headers, &IF_MATCH),
            none_matches: Tags::of(&parts.headers, &IF_NONE_MATCH),
        })
    }
}

/// The header that tells `version`.
pub(super) fn etag(version: &str) -> [(HeaderName, HeaderValue); 1] {
    let tag = HeaderValue::from_str(&format!("\"{version}\""));
    [(ETAG, tag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")))]
}

fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: HeaderName, value: &'static str) -> Precondition {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        Precondition {
            matches: Tags::of(&headers, &IF_MATCH),
            none_matches: Tags::of(&headers, &IF_NONE_MATCH),
        }
    }

    #[test]
    fn a_writer_names_the_version_that_is_replaced() {
        for (value, version, expected) in [
            ("\"abc\"", "abc", true),
            ("\"abc\"", "abd", false),
            ("\"x\", W/\"abc\"", "abc", true),
            ("*", "abc", true),
            ("*", "missing", false),
            ("\"missing\"", "missing", true),
            ("", "abc", false),
        ] {
            assert_eq!(said(IF_MATCH, value).holds(version), expected, "{value} and {version}");
        }
        assert!(Precondition::default().holds("abc"), "who says nothing replaces anything");
        assert!(said(IF_NONE_MATCH, "*").holds("missing"), "only a new one");
        assert!(!said(IF_NONE_MATCH, "*").holds("abc"));
    }
}
