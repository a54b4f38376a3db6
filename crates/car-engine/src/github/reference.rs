//! How people name an issue or a pull request: by number, or by the address of its page.

use crate::EngineError;

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// An issue.
    Issue,
    /// A pull request.
    Pull,
}

impl Reference {
    /// The word in file names and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Pull => "pr",
        }
    }
}

/// The address of an issue's or pull request's page, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubUrl {
    /// `owner/name`.
    pub slug: String,
    /// What it is about.
    pub kind: Reference,
    /// Its number.
    pub number: u64,
}

impl GithubUrl {
    /// Reads an address such as `https://github.com/owner/name/issues/5#comment`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (url, end) = Self::at_start(text)?;
        let rest = &text[end..];
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(url)
    }

    /// Reads the address `text` begins with, and says where its number ends.
    fn at_start(text: &str) -> Option<(Self, usize)> {
        let path = ["https://github.com/", "http://github.com/"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))?;
        let mut parts = path.splitn(4, '/');
        let (owner, name) = (parts.next()?, parts.next()?);
        let is_name = |name: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !name.is_empty() && name.chars().all(fits)
        };
        if !is_name(owner) || !is_name(name) {
            return None;
        }
        let kind = match parts.next()? {
            "issues" => Reference::Issue,
            "pull" => Reference::Pull,
            _ => return None,
        };
        let rest = parts.next()?;
        let n_digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[..n_digits].parse().ok()?;
        let end = text.len() - rest.len() + n_digits;
        Some((Self { slug: format!("{owner}/{name}"), kind, number }, end))
    }
}

/// The issue `text` names, and the repository (`owner/name`) when it says that, too.
///
/// # Errors
/// When it is neither a number nor the address of an issue.
pub fn parse_issue(text: &str) -> Result<(Option<String>, u64), EngineError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(EngineError::invalid("issue is required"));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Ok((None, number));
    }
    match GithubUrl::parse(text) {
        Some(GithubUrl { slug, kind: Reference::Issue, number }) => Ok((Some(slug), number)),
        _ => Err(EngineError::invalid(
            "Invalid issue reference (expected issue number or GitHub issue URL)",
        )),
    }
}

/// Every address of an issue or a pull request in `text`, each up to the next white space.
pub fn find_links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("http").map(|found| at + found) {
        let found = GithubUrl::at_start(&text[start..]);
        let Some(end) = found.map(|(_, end)| start + end) else {
            at = start + "http".len();
            continue;
        };
        let rest = &text[end..];
        let tail = if rest.starts_with(['/', '?', '#']) {
            rest.find(char::is_whitespace).unwrap_or(rest.len())
        } else {
            0
        };
        links.push(&text[start..end + tail]);
        at = end + tail;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_issue_is_named_by_number_or_address() {
        let issue = |text: &str| parse_issue(text).map_err(|error| error.to_string());
        assert_eq!(issue(" 12 "), Ok((None, 12)));
        for tail in ["", "/", "?a=1", "#issuecomment-9", "/x y"] {
            let text = format!("https://github.com/o/r.s/issues/7{tail}");
            assert_eq!(issue(&text), Ok((Some("o/r.s".to_owned()), 7)));
        }
        assert_eq!(issue(" "), Err("issue is required".to_owned()));
        let invalid = "Invalid issue reference (expected issue number or GitHub issue URL)";
        for text in [
            "#12",
            "-1",
            "99999999999999999999",
            "https://github.com/o/r/issues/7x",
            "https://github.com/o/r/pull/7",
            "https://github.com.evil/o/r/issues/7",
            "https://github.com/o/r/issues/",
            "https://github.com/o/$(x)/issues/7",
        ] {
            assert_eq!(issue(text), Err(invalid.to_owned()), "{text}");
        }
    }

    #[test]
    fn links_are_found_in_running_text() {
        let text = "see https://github.com/o/r/issues/1, http://github.com/o/r/pull/2/files?x#y\nand \
                    https://github.com/o/r/blob/3 httphttps://github.com/a/b/pull/4";
        assert_eq!(
            find_links(text),
            [
                "https://github.com/o/r/issues/1",
                "http://github.com/o/r/pull/2/files?x#y",
                "https://github.com/a/b/pull/4",
            ]
        );
    }

    proptest! {
        #[test]
        fn every_link_found_can_be_read(text in "(https://github.com/o/r/(issues|pull)/[0-9]{1,3}|[ a/#?\u{e4}]{0,9}){0,6}") {
            for link in find_links(&text) {
                prop_assert!(GithubUrl::parse(link).is_some(), "{}", link);
            }
        }
    }
}
