//! What the agent is told in a chat. Whole every time, so that an answer does not depend on a conversation that may be gone.

use std::path::Path;

use car_domain::chat::{ChatOutcome, ChatTurn};
use car_domain::docs::DocKind;

use crate::docs::DocTexts;
use crate::prompt::contained;

/// Turns before this one that are told again.
const RECENT_TURNS: usize = 6;

/// What a prompt is made of.
pub(super) struct Parts<'p> {
    /// Root of the repository.
    pub root: &'p Path,
    /// Documents to change, each with the path of its copy.
    pub targets: Vec<(DocKind, std::path::PathBuf)>,
    /// The work documents as they are.
    pub docs: &'p DocTexts,
    /// Final output of the last run.
    pub recent_run: Option<&'p str>,
    /// What was said before.
    pub turns: &'p [ChatTurn],
    /// What the person says now.
    pub message: &'p str,
}

pub(super) fn write(parts: &Parts<'_>) -> String {
    let mut text = String::from(
        "You help the owner of a git repository with the documents that steer its coding agents. Change the documents below as \
         the owner asks, and nothing else.\n\n",
    );
    for (kind, path) in &parts.targets {
        text.push_str(&format!("Target doc: {}\nIts file: {}\n", kind.title(), path.display()));
    }
    text.push_str(&format!(
        "\nEdit these files in place. They are copies: the owner sees your changes first and decides. You may read the repository \
         at {}, but change nothing there and start nothing long. When the owner only asks a question, answer it and change \
         nothing. End with one short message to the owner about what you changed and why; when you print plain text, begin that \
         message with `Agent:`.\n\n",
        parts.root.display()
    ));
    text.push_str("<WORK_DOCS>\n");
    let docs = parts.docs;
    let all = [
        (DocKind::Todo, &docs.todo),
        (DocKind::Progress, &docs.progress),
        (DocKind::Opinions, &docs.opinions),
        (DocKind::Spec, &docs.spec),
    ];
    for (kind, doc) in all {
        let title = kind.title();
        text.push_str(&format!("<{title}>\n{}\n</{title}>\n", contained(doc, &title)));
    }
    text.push_str("</WORK_DOCS>\n\n");
    match parts.recent_run {
        Some(run) => text.push_str(&format!(
            "<RECENT_RUN>\n{}\n</RECENT_RUN>\n\n",
            contained(run, "RECENT_RUN")
        )),
        None => text.push_str("No run has finished yet.\n\n"),
    }
    let from = parts.turns.len().saturating_sub(RECENT_TURNS);
    if from < parts.turns.len() {
        text.push_str("<CHAT_SO_FAR>\n");
        for turn in &parts.turns[from..] {
            let answer = match &turn.outcome {
                ChatOutcome::Answered(answer) => answer.as_str(),
                ChatOutcome::Failed(_) => "(no answer)",
            };
            let said = format!("Owner: {}\nYou: {answer}\n", turn.message);
            text.push_str(&contained(&said, "CHAT_SO_FAR"));
        }
        text.push_str("</CHAT_SO_FAR>\n\n");
    }
    text.push_str(&format!("User request: {}\n", parts.message));
    text
}
