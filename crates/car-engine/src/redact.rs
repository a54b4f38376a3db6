//! Taking secrets out of text that people, logs or other services will see.
//!
//! Two ways together: by value, for the secrets of a root, whatever they look like; and by shape, for keys of services we
//! know. What was taken out stays visible as a mark. Redacting twice changes nothing more.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::config::RootEnv;

/// What stands where a secret was.
const MARK: &str = "[REDACTED]";
/// Shorter values are words and numbers rather than secrets, and would make every text unreadable.
const MIN_VALUE: usize = 6;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Each secret in every spelling it may appear in.
    values: Vec<String>,
}

impl Redactor {
    /// Knows shapes, and the secrets in the environment of a root.
    pub fn of(env: &RootEnv) -> Self {
        env.secrets().into_iter().fold(Self::default(), Self::with)
    }

    /// Knows `value`, too. Values of fewer than 6 bytes are not taken for secrets.
    #[must_use]
    pub fn with(mut self, value: impl AsRef<str>) -> Self {
        let value = value.as_ref().trim();
        if value.len() < MIN_VALUE || MARK.contains(value) {
            return self;
        }
        let json = serde_json::to_string(value).unwrap_or_default();
        for spelling in [value.to_owned(), json.trim_matches('"').to_owned(), percent(value)] {
            if !self.values.contains(&spelling) {
                self.values.push(spelling);
            }
        }
        self
    }

    /// `text` without secrets.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = self.without_values(text);
        for shape in SHAPES.iter() {
            if let Cow::Owned(changed) = shape.apply(&text) {
                text = Cow::Owned(changed);
            }
        }
        text
    }

    /// Every byte of every occurrence goes, also where two secrets overlap.
    fn without_values<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for value in &self.values {
            let mut from = 0;
            while let Some(at) = text[from..].find(value.as_str()).map(|at| from + at) {
                found.push(at..at + value.len());
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_by_key(|range| (range.start, range.end));
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for range in found {
            if range.start >= done {
                out.push_str(&text[done..range.start]);
                out.push_str(MARK);
            }
            done = done.max(range.end);
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }
}

/// How many, never which.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("n_values", &self.values.len()).finish()
    }
}

/// As a URL spells it.
fn percent(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What a kind of key looks like, and what to put in its place.
struct Shape {
    pattern: Regex,
    replacement: &'static str,
    /// Whether a match counts only when its group `value` does not look like a word of a program.
    needs_digit: bool,
}

impl Shape {
    fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.needs_digit {
            return self.pattern.replace_all(text, self.replacement);
        }
        self.pattern.replace_all(text, |found: &Captures<'_>| {
            let value = found.name("value").map_or("", |value| value.as_str());
            let mut out = String::new();
            if value.bytes().any(|byte| byte.is_ascii_digit()) {
                found.expand(self.replacement, &mut out);
            } else {
                out.push_str(&found[0]);
            }
            out
        })
    }
}

/// Shape, replacement, and whether the value must hold a digit. Whole blocks come first, names with values last.
const PATTERNS: [(&str, &str, bool); 19] = [
    (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        "[PRIVATE_KEY_REDACTED]",
        false,
    ),
    (r"(discord(?:app)?\.com/api/(?:v\d+/)?webhooks/)\d+/[A-Za-z0-9_-]+", "${1}[REDACTED]", false),
    (r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9_/-]+", "${1}[REDACTED]", false),
    (r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@", "${1}[REDACTED]@", false),
    (r"(https?://)[A-Za-z0-9_-]{20,}@", "${1}[REDACTED]@", false),
    (r"(\b|bot)\d{6,12}:[A-Za-z0-9_-]{30,}", "${1}[REDACTED]", false),
    (r"\bsk-[A-Za-z0-9]{20,}", "sk-[REDACTED]", false),
    (r"\bsk-(?:proj|ant|svcacct|admin|or|lf)-[A-Za-z0-9_-]{16,}", "sk-[REDACTED]", false),
    (r"\b([sr]k)_(?:live|test)_[A-Za-z0-9]{16,}", "${1}_[REDACTED]", false),
    (r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})", "gh_[REDACTED]", false),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "glpat-[REDACTED]", false),
    (r"\b(AKIA|ASIA)[0-9A-Z]{16}", "${1}[REDACTED]", false),
    (r"\bxox[a-z]-[A-Za-z0-9-]{10,}", "xox-[REDACTED]", false),
    (r"\bAIza[0-9A-Za-z_-]{35}", "AIza[REDACTED]", false),
    (r"\b(npm_|hf_|pypi-)[A-Za-z0-9_-]{30,}", "${1}[REDACTED]", false),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", "[JWT_REDACTED]", false),
    (r"((?i:bearer)\s+)(?<value>[A-Za-z0-9._~+/=-]{16,})", "${1}[REDACTED]", true),
    (
        // As in `.env` files and on command lines: a name in capitals and a value right behind the sign.
        r#"\b([A-Z0-9_]{0,40}(?:TOKEN|SECRET|PASSWORD|PASSWD|API_KEY|APIKEY|PRIVATE_KEY|ACCESS_KEY|WEBHOOK_URL)=["']?)[^\s"'$<{\[\](),;&][^\s"'\[\](),;&]{5,}"#,
        "${1}[REDACTED]",
        false,
    ),
    (
        // As in YAML, JSON, programs and query strings: the value must look like one.
        r#"((?i:\b[a-z0-9_-]{0,40}(?:token|secret|password|passwd|api[_-]?key|private[_-]?key|access[_-]?key))["']?\s*[:=]\s*["']?)(?<value>[A-Za-z0-9+/=_.~!@%^*-]{8,})"#,
        "${1}[REDACTED]",
        true,
    ),
];

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and every test here compiles them"
)]
static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let shape = |(pattern, replacement, needs_digit): (&str, &'static str, bool)| Shape {
        pattern: Regex::new(pattern).expect("a valid pattern"),
        replacement,
        needs_digit,
    };
    PATTERNS.into_iter().map(shape).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redact(text: &str) -> String {
        Redactor::default().redact(text).into_owned()
    }

    #[test]
    fn keys_of_known_services_are_taken_out_by_their_shape() {
        let x = |n: usize| "aB3".repeat(n).chars().take(n).collect::<String>();
        let (x16, x20, x35, x40) = (x(16).to_uppercase(), x(20), x(35), x(40));
        for (text, expected) in [
            (format!("key sk-{x20}."), "key sk-[REDACTED].".to_owned()),
            (format!("sk-proj-{x20}_-{x20}"), "sk-[REDACTED]".to_owned()),
            (format!("ghp_{x40} ghs_{x40}"), "gh_[REDACTED] gh_[REDACTED]".to_owned()),
            (format!("github_pat_11{x20}_{x20}"), "gh_[REDACTED]".to_owned()),
            (format!("AKIA{x16}"), "AKIA[REDACTED]".to_owned()),
            (format!("xoxb-{x20}-1"), "xox-[REDACTED]".to_owned()),
            (format!("AIza{x35}"), "AIza[REDACTED]".to_owned()),
            (format!("eyJ{x20}.{x20}.{x20}"), "[JWT_REDACTED]".to_owned()),
            (
                format!("POST https://api.telegram.org/bot1234567890:{x35}/sendMessage"),
                "POST https://api.telegram.org/bot[REDACTED]/sendMessage".to_owned(),
            ),
            (
                format!("https://discord.com/api/webhooks/123/{x40} x"),
                "https://discord.com/api/webhooks/[REDACTED] x".to_owned(),
            ),
            ("postgres://me:pa55@db/x".to_owned(), "postgres://[REDACTED]@db/x".to_owned()),
            (format!("https://{x40}@github.com/a"), "https://[REDACTED]@github.com/a".to_owned()),
            (
                "export MY_TOKEN='hunter22' B=1".to_owned(),
                "export MY_TOKEN='[REDACTED]' B=1".to_owned(),
            ),
            (r#"{"api_key": "a1b2c3d4e5"}"#.to_owned(), r#"{"api_key": "[REDACTED]"}"#.to_owned()),
            (format!("Authorization: Bearer {x20}"), "Authorization: Bearer [REDACTED]".to_owned()),
            (
                format!(
                    "a\n-----BEGIN RSA PRIVATE KEY-----\n{x40}\n-----END RSA PRIVATE KEY-----\nb"
                ),
                "a\n[PRIVATE_KEY_REDACTED]\nb".to_owned(),
            ),
            (
                format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{x40}\n"),
                "[PRIVATE_KEY_REDACTED]".to_owned(),
            ),
        ] {
            assert_eq!(redact(&text), expected);
            assert_eq!(redact(&expected), expected, "a second time");
        }
    }

    #[test]
    fn text_that_speaks_about_secrets_stays_readable() {
        for text in [
            "let password = read_password(prompt);",
            "const API_TOKEN: &str = env!(\"API_TOKEN\");",
            "max_tokens=128000, token = os.environ['TOKEN']",
            "export TOKEN=$OTHER_TOKEN and API_KEY=<your key>",
            "git clone ssh://git@github.com/a/b http://localhost:8080/x@y",
            "run sk-learn, task-force, at 12:34:56",
            "Bearer authentication is used",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let redactor = Redactor::default().with("p/a \"s\":s").with("short").with("REDACTED");
        assert_eq!(
            redactor.redact("p/a \"s\":s p%2Fa%20%22s%22%3As p/a \\\"s\\\":s short REDACTED"),
            "[REDACTED] [REDACTED] [REDACTED] short REDACTED"
        );
        assert!(!format!("{redactor:?}").contains("p/a"));
    }

    #[test]
    fn overlapping_secrets_leave_nothing_of_either() {
        let redactor = Redactor::default().with("abcdefgh").with("efghijkl");
        assert_eq!(redactor.redact("xabcdefghijkly"), "x[REDACTED]y");
    }

    proptest! {
        #[test]
        fn no_secret_survives_and_a_second_time_changes_nothing(
            secrets in proptest::collection::vec("[a-z0-9:/+=%]{6,20}", 1..4),
            words in proptest::collection::vec("\\PC{0,12}", 1..8),
            glue in proptest::sample::select(vec!["", " ", "\n", "\"", "/"]),
        ) {
            let redactor = secrets.iter().fold(Redactor::default(), Redactor::with);
            let mut parts = Vec::new();
            for (at, word) in words.iter().enumerate() {
                parts.push(word.as_str());
                parts.push(&secrets[at % secrets.len()]);
            }
            let once = redactor.redact(&parts.join(glue)).into_owned();
            for secret in &secrets {
                prop_assert!(!once.contains(secret.as_str()), "{once}");
            }
            prop_assert_eq!(redactor.redact(&once), once.as_str());
        }

        #[test]
        fn ordinary_text_is_unchanged(words in proptest::collection::vec("[A-Za-z]{0,12}[,.]?", 0..40)) {
            let text = words.join(" ");
            prop_assert_eq!(redact(&text), text);
        }
    }
}
