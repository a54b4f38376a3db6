//! Typed events as the text lines the logs hold, in the order and words the Codex CLI itself uses for people.

use crate::run::RunEvent;

/// The lines of output an event becomes in the text logs; none for events that are our own bookkeeping.
pub fn stdout_lines(event: &RunEvent) -> Vec<String> {
    match event {
        RunEvent::Output { text, cut_bytes } if *cut_bytes > 0 => {
            vec![format!("{text} [… {cut_bytes} bytes left out]")]
        }
        RunEvent::Output { text, .. } => vec![text.clone()],
        RunEvent::Reasoning { text } => headed("thinking", text),
        RunEvent::Message { text } => headed("codex", text),
        RunEvent::CommandStarted { command, .. } => headed("exec", command),
        RunEvent::CommandFinished { output, exit_code, status, .. } => {
            let code = exit_code.map_or_else(|| status.clone(), |code| format!("exited {code}"));
            headed(&code, output)
        }
        // The edit is told once, when it is done.
        RunEvent::FilesChanged { status, .. } if status == "in_progress" => Vec::new(),
        RunEvent::FilesChanged { changes, status, .. } => {
            let mut lines = vec![format!("file update {status}")];
            lines.extend(changes.iter().map(|change| format!("{} {}", change.kind, change.path)));
            lines
        }
        RunEvent::Notice { text, .. } => headed("notice", text),
        RunEvent::ApprovalRequested { .. } | RunEvent::ApprovalResolved { .. } => {
            headed("approval", &event.text())
        }
        RunEvent::Steered { text } => headed("user", text),
        RunEvent::TurnFailed { message } => headed("ERROR", message),
        RunEvent::Raw { value } => vec![value.to_string()],
        RunEvent::RunStarted { .. }
        | RunEvent::ThreadStarted { .. }
        | RunEvent::TurnStarted
        | RunEvent::UsageReported { .. }
        | RunEvent::TodoChanged { .. }
        | RunEvent::Checkpoint { .. }
        | RunEvent::Committed { .. }
        | RunEvent::RunFinished { .. } => Vec::new(),
    }
}

fn headed(head: &str, body: &str) -> Vec<String> {
    std::iter::once(head).chain(body.lines()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_two_groups_of_lines() {
        let started = RunEvent::CommandStarted { id: "1".into(), command: "ls".into() };
        let finished = RunEvent::CommandFinished {
            id: "1".into(),
            command: "ls".into(),
            output: "a\nb\n".into(),
            output_cut_bytes: 0,
            exit_code: Some(3),
            status: "failed".into(),
        };
        assert_eq!(stdout_lines(&started), ["exec", "ls"]);
        assert_eq!(stdout_lines(&finished), ["exited 3", "a", "b"]);
    }
}
