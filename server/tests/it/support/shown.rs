//! What a command printed, as a test shows it: without what differs from machine to machine and day to day.

use std::fmt;

use car_testkit::process::Finished;

/// A finished command whose `Display` is for snapshots: standard output, standard error behind `!`, the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    redactions: Vec<(String, &'static str)>,
}

impl Shown {
    /// Replaces each of `redactions` wherever it stands.
    pub(crate) fn new(finished: Finished, redactions: Vec<(String, &'static str)>) -> Self {
        let Finished { code, stdout, stderr } = finished;
        Self { code, stdout, stderr, redactions }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("JSON on standard output")
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redact = |line: &str| {
            let mut line = line.to_owned();
            for (text, name) in &self.redactions {
                line = line.replace(text, name);
            }
            without_numbers(&without_times(&line)).trim_end().to_owned()
        };
        for line in self.stdout.lines() {
            writeln!(f, "{}", redact(line))?;
        }
        for line in self.stderr.lines() {
            writeln!(f, "! {}", redact(line))?;
        }
        match self.code {
            Some(code) => write!(f, "[exit {code}]"),
            None => write!(f, "[ended by a signal]"),
        }
    }
}

/// `2026-01-02T03:04:05.678Z` becomes `<time>`.
fn without_times(line: &str) -> String {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let fits = |text: &[u8]| {
        text.len() >= SHAPE.len()
            && SHAPE.iter().zip(text).all(|(shape, byte)| match shape {
                b'd' => byte.is_ascii_digit(),
                other => other == byte,
            })
    };
    let mut out = String::new();
    let mut rest = line;
    while let Some(next) = rest.chars().next() {
        if fits(rest.as_bytes()) {
            let end = rest.find('Z').map_or(rest.len(), |at| at + 1);
            out.push_str("<time>");
            rest = &rest[end..];
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// `pid 123`, `pid=123` and `Runner pid: 123` become `pid <pid>` and so on; `in 0.3 s` and `in 1:02` become `in <span>`.
fn without_numbers(line: &str) -> String {
    let mut line = line.to_owned();
    for (before, name) in
        [("pid ", "<pid>"), ("pid=", "<pid>"), ("pid: ", "<pid>"), (" in ", "<span>")]
    {
        let Some(at) = line.find(before).map(|at| at + before.len()) else { continue };
        let rest = &line[at..];
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || b".:".contains(b)).count();
        let unit = if rest[digits..].starts_with(" s") { 2 } else { 0 };
        let is_span = unit > 0 || rest[..digits].contains(':');
        if digits > 0 && (name != "<span>" || is_span) {
            line.replace_range(at..at + digits + unit, name);
        }
    }
    line
}
