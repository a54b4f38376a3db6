//! The previous run's output out of text logs, for runs that have no journal (made by the Python original or by a plain
//! command).

use super::LogLine;
use crate::text::tail_chars;

/// Output of the run whose own log is `text`: everything but markers, from behind the first `tokens used` line when there
/// is one, without stamps, trimmed, at most the last `max_chars` characters (0: all). `None` when nothing is left.
pub fn previous_output_from_run_log(text: &str, max_chars: usize) -> Option<String> {
    clean(text.lines().filter(|line| !line.starts_with("=== run ")), max_chars)
}

/// The same for run `run` out of the log all runs share.
pub fn previous_output_from_global_log(text: &str, run: u64, max_chars: usize) -> Option<String> {
    let start = super::start_marker(run);
    let end = format!("=== run {run} end");
    let block = text.lines().skip_while(|line| *line != start).skip(1);
    clean(block.take_while(|line| !line.starts_with(&end)), max_chars)
}

fn clean<'a>(lines: impl Iterator<Item = &'a str>, max_chars: usize) -> Option<String> {
    let lines: Vec<&str> = lines.collect();
    let from = lines
        .iter()
        .position(|line| line.contains("stdout: tokens used"))
        .map_or(0, |position| position + 1);
    let texts: Vec<&str> = lines[from..]
        .iter()
        .map(|line| match LogLine::parse(line) {
            LogLine::Stdout(_, text) => text.trim_end(),
            LogLine::Start(_) | LogLine::End(..) | LogLine::Message(..) | LogLine::Other(_) => line,
        })
        .collect();
    let joined = texts.join("\n");
    let text = joined.trim();
    (!text.is_empty()).then(|| tail_chars(text, max_chars).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "=== run 2 start ===\n\
        [2026-01-01T00:00:00Z] run=2 stdout: exec ls\n\
        [2026-01-01T00:00:01Z] run=2 stdout: tokens used\n\
        [2026-01-01T00:00:01Z] run=2 stdout: 1,234\n\
        [2026-01-01T00:00:01Z] run=2 stdout: Done:\n\
        [2026-01-01T00:00:01Z] run=2 stdout:   - indented\n\
        === run 2 end (code 0) ===\n";

    #[test]
    fn the_output_starts_behind_the_token_count_line() {
        assert_eq!(
            previous_output_from_run_log(LOG, 6000).as_deref(),
            Some("1,234\nDone:\n  - indented")
        );
        assert_eq!(previous_output_from_run_log(LOG, 3).as_deref(), Some("ted"));
    }

    #[test]
    fn a_block_is_found_between_others() {
        let all = format!(
            "=== run 1 start ===\nx\n=== run 1 end (code 0) ===\n{LOG}=== run 3 start ===\ny\n"
        );
        assert_eq!(
            previous_output_from_global_log(&all, 2, 0).as_deref(),
            Some("1,234\nDone:\n  - indented")
        );
        assert_eq!(previous_output_from_global_log(&all, 9, 0), None);
    }

    #[test]
    fn a_run_that_said_nothing_has_no_output() {
        assert_eq!(
            previous_output_from_run_log("=== run 2 start ===\n=== run 2 end (code 0) ===\n", 10),
            None
        );
    }
}
