//! Writing and reading single log lines.

use crate::Timestamp;

/// The marker before the first line of a run.
pub fn start_marker(run: u64) -> String {
    format!("=== run {run} start ===")
}

/// The marker after the last line of a run.
pub fn end_marker(run: u64, exit_code: i32) -> String {
    format!("=== run {run} end (code {exit_code}) ===")
}

/// A stamped line. A message must not hold a newline; one that does would break the grammar, so it is shown as `\n`.
pub fn log_line(at: Timestamp, run: u64, message: &str) -> String {
    let at = at.whole_seconds();
    if message.contains(['\n', '\r']) {
        let message = message.replace('\r', "").replace('\n', "\\n");
        return format!("[{at}] run={run} {message}");
    }
    format!("[{at}] run={run} {message}")
}

/// A stamped line of the agent's output.
pub fn stdout_line(at: Timestamp, run: u64, text: &str) -> String {
    log_line(at, run, &format!("stdout: {text}"))
}

/// What a line of a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogLine<'a> {
    /// `=== run N start ===`
    Start(u64),
    /// `=== run N end (code C) ===`
    End(u64, i32),
    /// A line of the agent's output, without stamp and prefix, indentation kept.
    Stdout(u64, &'a str),
    /// Another stamped line: run and message.
    Message(u64, &'a str),
    /// Anything else.
    Other(&'a str),
}

impl<'a> LogLine<'a> {
    /// Reads a line without its newline.
    pub fn parse(line: &'a str) -> Self {
        Self::marker(line).or_else(|| Self::stamped(line)).unwrap_or(Self::Other(line))
    }

    fn marker(line: &str) -> Option<Self> {
        let inner = line.strip_prefix("=== run ")?.strip_suffix(" ===")?;
        let (run, rest) = inner.split_once(' ')?;
        let run = run.parse().ok()?;
        if rest == "start" {
            return Some(LogLine::Start(run));
        }
        let code = rest.strip_prefix("end (code ")?.strip_suffix(')')?.parse().ok()?;
        Some(LogLine::End(run, code))
    }

    fn stamped(line: &'a str) -> Option<Self> {
        let (_, rest) = line.strip_prefix('[')?.split_once("] run=")?;
        let (run, message) = rest.split_once(' ')?;
        let run = run.parse().ok()?;
        Some(match message.strip_prefix("stdout:") {
            Some(text) => Self::Stdout(run, text.strip_prefix(' ').unwrap_or(text)),
            None => Self::Message(run, message),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_have_the_originals_shape() {
        let at = Timestamp::from_millis(1_700_000_000_900);
        assert_eq!(stdout_line(at, 3, "hi"), "[2023-11-14T22:13:20Z] run=3 stdout: hi");
        assert_eq!(start_marker(3), "=== run 3 start ===");
        assert_eq!(end_marker(3, -15), "=== run 3 end (code -15) ===");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(run in 1u64..1_000_000, code in -64i32..256, text in "[^\r\n]{0,60}") {
            let at = Timestamp::from_millis(1_700_000_000_000);
            let (start, end) = (start_marker(run), end_marker(run, code));
            prop_assert_eq!(LogLine::parse(&start), LogLine::Start(run));
            prop_assert_eq!(LogLine::parse(&end), LogLine::End(run, code));
            let line = stdout_line(at, run, &text);
            prop_assert_eq!(LogLine::parse(&line), LogLine::Stdout(run, &text));
        }

        #[test]
        fn any_line_can_be_read(line in "\\PC{0,80}") {
            let _ = LogLine::parse(&line);
        }

        #[test]
        fn a_message_never_becomes_two_lines(text in "[a\r\n]{0,20}") {
            let line = log_line(Timestamp::from_millis(0), 1, &text);
            prop_assert!(!line.contains(['\n', '\r']));
        }
    }
}
