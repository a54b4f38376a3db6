//! What `car run` shows while an agent is at work: one line a step, output below it.

use std::io::IsTerminal;
use std::time::Duration;

use car_domain::conversation::Decision;
use car_domain::format::took;
use car_domain::run::{JournalEntry, RunEvent};
use car_domain::text::headline;
use car_engine::conversation::TurnEvent;
use car_engine::runner::RunnerNews;

use super::ui::style::{BOLD, CYAN, DIM, RED, RESET};
use super::ui::{say, say_piece};

/// Lines shown of a command's output; the log has them all.
const OUTPUT_LINES: usize = 8;
/// Characters shown of a line.
const WIDTH: usize = 160;

/// Shows news on standard error.
#[derive(Default)]
pub(super) struct LiveOutput {
    run: u64,
    /// Whether a message is being written out piece by piece.
    streams: bool,
}

impl LiveOutput {
    /// Shows one piece of news.
    pub(super) fn show(&mut self, news: &RunnerNews<'_>) {
        match news {
            RunnerNews::Ready => {}
            RunnerNews::Pausing(until) => say(&format!("{DIM}next run at {until}{RESET}")),
            RunnerNews::Live(event) => self.live(event),
            RunnerNews::Entry(entry) => self.entry(entry),
        }
    }

    /// The agent's words as they come; on a terminal only, for in a file the whole message is enough.
    pub(super) fn live(&mut self, event: &TurnEvent) {
        if let TurnEvent::MessageDelta { text, .. } = event
            && std::io::stderr().is_terminal()
        {
            if !std::mem::replace(&mut self.streams, true) {
                say_piece("  ");
            }
            say_piece(&text.replace('\n', "\n  "));
        }
    }

    pub(super) fn entry(&mut self, entry: &JournalEntry) {
        if std::mem::take(&mut self.streams) {
            say("");
            if matches!(entry.event, RunEvent::Message { .. }) {
                return;
            }
        }
        match &entry.event {
            RunEvent::RunStarted { run, agent, item, .. } => {
                self.run = *run;
                let item = item.as_deref().unwrap_or("no open item");
                say(&format!("{BOLD}run {run}{RESET} {item} {DIM}({agent}){RESET}"));
            }
            RunEvent::Reasoning { text } => {
                say(&format!("  {DIM}{}{RESET}", headline(text, WIDTH)))
            }
            RunEvent::Message { text } => text.lines().for_each(|line| say(&format!("  {line}"))),
            RunEvent::CommandStarted { command, .. } => {
                say(&format!("  {CYAN}${RESET} {}", headline(command, WIDTH)));
            }
            RunEvent::CommandFinished { output, exit_code, .. } => {
                command_output(output, *exit_code)
            }
            RunEvent::FilesChanged { changes, status, .. } if status != "in_progress" => {
                changes
                    .iter()
                    .for_each(|change| say(&format!("  {} {}", change.kind, change.path)));
            }
            RunEvent::Notice { text, .. } => {
                say(&format!("  {DIM}{}{RESET}", headline(text, WIDTH)))
            }
            RunEvent::ApprovalRequested { request } => {
                let words: Vec<_> = request.offered.iter().map(Decision::word).collect();
                say(&format!("  {BOLD}asks:{RESET} {}", headline(&request.headline(), WIDTH)));
                say(&format!("  {DIM}car answer {} {}{RESET}", request.id, words.join("|")));
            }
            RunEvent::ApprovalResolved { .. } => {
                say(&format!("  {DIM}{}{RESET}", entry.event.text()))
            }
            RunEvent::Steered { text } => {
                say(&format!("  {BOLD}you:{RESET} {}", headline(text, WIDTH)))
            }
            RunEvent::TurnFailed { message } => {
                say(&format!("  {RED}failed:{RESET} {}", headline(message, WIDTH)));
            }
            RunEvent::Output { text, .. } => say(&format!("  {}", headline(text, WIDTH))),
            RunEvent::TodoChanged { done, open, ticked } => {
                ticked.iter().for_each(|item| say(&format!("  [x] {item}")));
                say(&format!("  {DIM}{done} of {} items done{RESET}", done + open));
            }
            RunEvent::Checkpoint { .. } | RunEvent::Committed { .. } => {
                entry.event.text().lines().for_each(|line| say(&format!("  {DIM}{line}{RESET}")));
            }
            RunEvent::RunFinished { end, duration_ms } => {
                let reason = end.reason.as_deref().unwrap_or_default();
                let word = end.outcome.word().to_lowercase();
                say(&format!(
                    "{BOLD}run {}{RESET} {word} in {} {reason}",
                    self.run,
                    took(Duration::from_millis(*duration_ms))
                ));
            }
            RunEvent::FilesChanged { .. }
            | RunEvent::ThreadStarted { .. }
            | RunEvent::TurnStarted
            | RunEvent::UsageReported { .. }
            | RunEvent::Raw { .. } => {}
        }
    }
}

fn command_output(output: &str, exit_code: Option<i64>) {
    let lines: Vec<&str> = output.lines().collect();
    let from = lines.len().saturating_sub(OUTPUT_LINES);
    if from > 0 {
        say(&format!("    {DIM}… {from} more lines{RESET}"));
    }
    for line in &lines[from..] {
        say(&format!("    {DIM}{}{RESET}", headline(line, WIDTH)));
    }
    if let Some(code) = exit_code.filter(|code| *code != 0) {
        say(&format!("    {RED}exit {code}{RESET}"));
    }
}
