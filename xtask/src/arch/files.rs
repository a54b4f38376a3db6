//! Rules a single file can break: who may touch what, length, names, module docs.

use super::check::Finding;
use super::code;

const MAX_LINES: usize = 500;
const BANNED_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "manager", "managers"];

/// Something only certain places may use.
struct Reserved {
    words: &'static [&'static str],
    /// Beginnings of paths, each with the reason it is there.
    places: &'static [(&'static str, &'static str)],
    message: &'static str,
}

const RESERVED: [Reserved; 5] = [
    Reserved {
        words: &["sqlx::"],
        places: &[("crates/car-store/", "the one place that says SQL")],
        message: "sqlx belongs to car-store: give the store a method",
    },
    Reserved {
        words: &["process::Command", "process::{Command", "tokio::process"],
        places: &[
            ("crates/car-agent/", "starts agents and ends them for certain"),
            ("crates/car-process/", "starts what outlives us"),
            ("crates/car-git/", "runs git"),
            ("crates/car-engine/src/demo/scripted.rs", "is an agent, and agents run commands"),
            ("crates/car-testkit/", "starts what it fakes"),
            ("server/src/cli/edit.rs", "opens the owner's editor on the owner's terminal"),
            ("xtask/", "runs cargo and wasm-opt"),
        ],
        message: "starting a process belongs to car-agent, for git to car-git, to outlive us to car-process",
    },
    Reserved {
        words: &["portable_pty"],
        places: &[
            ("crates/car-host/", "owns every PTY"),
            ("xtask/src/bench/terminal/bare.rs", "is what car-host is compared with"),
        ],
        message: "terminals belong to car-host: start a session",
    },
    Reserved {
        words: &["web_sys"],
        places: &[
            ("app/src/platform", "the browser behind functions that exist on the server too"),
            ("app/src/live", "owns the event stream"),
            ("app/src/terminal", "owns the terminal element"),
        ],
        message: "web_sys belongs to app/src/platform: ask for what you need there",
    },
    Reserved {
        words: &["println!", "eprintln!", "print!", "eprint!"],
        places: &[
            ("server/src/cli", "the command line speaks to a person"),
            ("xtask/", "so does this tool"),
        ],
        message: "only server/src/cli prints: return the text, or use tracing",
    },
];

/// Checks the file at `path`, written with slashes and from the top of the checkout.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, message: String| {
        findings.push(Finding { path: path.to_owned(), line, message });
    };
    let tests = is_test(path);
    let length = text.lines().count();
    if length > MAX_LINES && !tests {
        report(MAX_LINES + 1, format!("{length} lines are too many (at most {MAX_LINES}): split"));
    }
    if let Some(name) = path.split(['/', '.']).find(|part| BANNED_NAMES.contains(part)) {
        report(1, format!("`{name}` says nothing: name the file after what it knows"));
    }
    if path.ends_with(".rs") {
        if !text.starts_with("//!") {
            report(1, "the module doc (`//!`) is missing: say what the file is for".to_owned());
        }
        for (line, message) in reserved(path, text, tests) {
            report(line, message);
        }
    }
    findings
}

fn reserved(path: &str, text: &str, tests: bool) -> Vec<(usize, String)> {
    if tests || path.ends_with("build.rs") {
        return Vec::new();
    }
    let code = code::without_tests(&code::without_text(text));
    let rules =
        RESERVED.iter().filter(|rule| !rule.places.iter().any(|(p, _)| path.starts_with(p)));
    rules
        .flat_map(|rule| {
            let lines = code.lines().enumerate();
            let hits = lines.filter(|(_, line)| rule.words.iter().any(|w| has_word(line, w)));
            hits.map(|(index, _)| (index + 1, rule.message.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs" || part.ends_with(".spec.ts"))
}

/// Whether `word` stands in `line` and does not merely end a longer word.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(path, text).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_reserved_word_is_found_outside_of_its_places_only() {
        let text = "//! Doc.\nuse sqlx::Row;\n";
        assert_eq!(lines("crates/car-engine/src/a.rs", text), [2]);
        assert_eq!(lines("crates/car-store/src/a.rs", text), [0; 0]);
        assert_eq!(lines("crates/car-engine/tests/a.rs", text), [0; 0]);
    }

    #[test]
    fn comments_text_and_tests_are_not_code() {
        let text = "//! web_sys\nconst A: &str = \"web_sys\"; // web_sys\n\
                    #[cfg(test)]\nmod tests {\n    use web_sys::A;\n}\nuse web_sys::B;\n";
        assert_eq!(lines("app/src/a.rs", text), [7]);
    }

    #[test]
    fn printing_is_found_once_per_line_and_build_scripts_may() {
        let text = "//! Doc.\nfn a() { eprintln!(); println!() }\n";
        assert_eq!(lines("app/src/a.rs", text), [2]);
        assert_eq!(lines("app/build.rs", text), [0; 0]);
    }

    #[test]
    fn a_longer_word_is_another_word() {
        assert!(has_word("a(web_sys::B)", "web_sys"));
        assert!(!has_word("my_web_sys::B", "web_sys"));
    }

    #[test]
    fn names_docs_and_lengths_are_checked() {
        assert_eq!(lines("app/src/utils/a.rs", "//! Doc."), [1]);
        assert_eq!(lines("app/src/helpers.rs", "//! Doc."), [1]);
        assert_eq!(lines("app/src/a.rs", "use b::C;"), [1]);
        let long = "a\n".repeat(501);
        assert_eq!(lines("style/a.css", &long), [501]);
        assert_eq!(lines("end2end/tests/a.spec.ts", &long), [0; 0]);
    }
}
