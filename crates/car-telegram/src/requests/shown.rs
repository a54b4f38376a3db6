//! A request as people see it: what is asked, and the buttons below it.

use car_domain::conversation::{AgentRequest, Decision, RequestSubject};

use crate::payload::{Button, Letter};
use crate::render;

/// Files that are listed.
const MAX_FILES: usize = 10;
/// Units of a command or a diff that are shown; a longer diff comes as a file.
const MAX_SHOWN: usize = 2500;

/// A request as people see it; of questions the one at `at`.
pub(super) fn shown(request: &AgentRequest, token: &str, at: usize) -> Letter {
    let mut html = String::new();
    let mut plain = String::new();
    let mut add = |markup: String, words: String| {
        html.push_str(&markup);
        plain.push_str(&words);
    };
    let pre = |text: &str| {
        let text = render::head(text, MAX_SHOWN);
        (format!("\n<pre>{}</pre>", render::escape(text)), format!("\n{text}"))
    };
    let line = |text: &str| {
        let text = render::head(text, 600);
        (format!("\n{}", render::escape(text)), format!("\n{text}"))
    };
    let title = |text: &str| (format!("<b>{}</b>", render::escape(text)), text.to_owned());
    match &request.subject {
        RequestSubject::Command { command, cwd } => {
            let (a, b) = title("Codex wants to run a command");
            add(a, b);
            let (a, b) = pre(command);
            add(a, b);
            if let Some(cwd) = cwd {
                let (a, b) = line(&format!("in {cwd}"));
                add(a, b);
            }
        }
        RequestSubject::Files { changes } => {
            let (a, b) = title("Codex wants to change files");
            add(a, b);
            let names: Vec<String> = changes
                .iter()
                .take(MAX_FILES)
                .map(|change| format!("{} {}", change.kind, change.path))
                .collect();
            let (a, b) = line(&names.join("\n"));
            add(a, b);
            if changes.len() > MAX_FILES {
                let (a, b) = line(&format!("and {} more", changes.len() - MAX_FILES));
                add(a, b);
            }
            let diff = diff(request);
            if !diff.is_empty() && render::units(&diff) <= MAX_SHOWN {
                let (a, b) = pre(&diff);
                add(a, b);
            }
        }
        RequestSubject::Permissions { permissions } => {
            let (a, b) = title("Codex wants more rights");
            add(a, b);
            let (a, b) = pre(&format!("{permissions:#}"));
            add(a, b);
        }
        RequestSubject::Questions { questions } => {
            let Some(question) = questions.get(at) else { return Letter::plain("Codex asks") };
            let of = match questions.len() {
                1 => String::new(),
                n => format!(" ({} of {n})", at + 1),
            };
            let (a, b) = title(&format!("Codex asks{of}"));
            add(a, b);
            let (a, b) = line(&question.text);
            add(a, b);
            for option in question.options.iter().filter(|option| !option.description.is_empty()) {
                let (a, b) = line(&format!("• {}: {}", option.label, option.description));
                add(a, b);
            }
            if question.options.is_empty() || question.allows_other {
                let (a, b) = line("Answer this message to say it in your own words.");
                add(a, b);
            }
        }
        RequestSubject::Tool { server, message } => {
            let (a, b) = title(&format!("The tool server {server} asks"));
            add(a, b);
            let (a, b) = line(message);
            add(a, b);
        }
    }
    if let Some(reason) = &request.reason {
        let (a, b) = line(&format!("Reason: {reason}"));
        add(a, b);
    }
    Letter { html: Some(html), ..Letter::plain(plain) }.buttons(buttons(request, token, at))
}

fn buttons(request: &AgentRequest, token: &str, at: usize) -> Vec<Vec<Button>> {
    let button = |text: String, n: usize| Button::new(text, format!("r:{token}:{at}:{n}"));
    if let RequestSubject::Questions { questions } = &request.subject {
        let options = questions.get(at).map(|question| &question.options);
        return options
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(n, option)| vec![button(car_domain::text::headline(&option.label, 60), n)])
            .collect();
    }
    let named = |decision: &Decision| match decision {
        Decision::Accept => "Allow".to_owned(),
        Decision::AcceptForSession => "Allow in this session".to_owned(),
        Decision::AcceptAlways(words) => {
            format!("Always allow {}", car_domain::text::headline(&words.join(" "), 40))
        }
        Decision::ApplyNetworkRule(_) => "Apply the network rule".to_owned(),
        Decision::Decline => "Decline".to_owned(),
        Decision::Cancel => "Decline and stop".to_owned(),
        Decision::Answers(_) => "Answer".to_owned(),
    };
    let offered = request.offered.iter().enumerate();
    offered.map(|(n, decision)| vec![button(named(decision), n)]).collect()
}

fn diff(request: &AgentRequest) -> String {
    let RequestSubject::Files { changes } = &request.subject else { return String::new() };
    let part = |change: &car_domain::conversation::ProposedChange| {
        let text = change.diff.trim_end();
        // Of a new file Codex gives the text instead of a difference.
        match change.kind.as_str() {
            "add" => {
                let lines: Vec<String> = text.lines().map(|line| format!("+{line}")).collect();
                format!("+++ {}\n{}", change.path, lines.join("\n"))
            }
            _ => format!("--- {}\n{text}", change.path),
        }
    };
    changes.iter().map(part).collect::<Vec<_>>().join("\n")
}

pub(super) fn long_diff(request: &AgentRequest) -> Option<String> {
    Some(diff(request)).filter(|diff| render::units(diff) > MAX_SHOWN)
}
