//! What a terminal shows. The only place that prints, through `anstream`, which drops colours where they are not wanted.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the place that prints")]

use std::io::Write;

use super::error::CliError;

/// Styles as ANSI sequences; `anstream` takes them out when the stream is no terminal.
pub(super) mod style {
    pub(crate) const BOLD: &str = "\x1b[1m";
    pub(crate) const DIM: &str = "\x1b[2m";
    pub(crate) const RED: &str = "\x1b[31m";
    pub(crate) const CYAN: &str = "\x1b[36m";
    pub(crate) const RESET: &str = "\x1b[0m";
}

/// A line of data on standard output. A reader that went away (`| head`) ends the program quietly.
pub(super) fn out(line: &str) {
    raw_out(&format!("{line}\n"));
}

/// Data on standard output, as it is.
pub(super) fn raw_out(text: &str) {
    let mut stdout = anstream::stdout().lock();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A line of talk on standard error.
pub(super) fn say(line: &str) {
    anstream::eprintln!("{line}");
}

/// An error with its hint.
pub(super) fn error(error: &CliError) {
    use style::{BOLD, CYAN, RED, RESET};
    let (red, cyan) = (format!("{BOLD}{RED}"), format!("{BOLD}{CYAN}"));
    say(&format!("{red}error:{RESET} {}", error.message));
    if let Some(hint) = &error.hint {
        say(&format!("{cyan}hint:{RESET} {hint}"));
    }
}

/// `None`, as the original prints a missing value.
pub(super) fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| value.to_string())
}

/// A time span: `18:42`, from an hour `1 h 58 min`, below a second `0.4 s`.
pub(super) fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..=9 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A count of tokens: `812`, `640k`, `4.1M`, `2.03B`.
pub(super) fn tokens(n: u64) -> String {
    match n {
        0..1000 => n.to_string(),
        1000..1_000_000 => format!("{}k", n / 1000),
        1_000_000..1_000_000_000 => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
        _ => format!("{}.{:02}B", n / 1_000_000_000, n % 1_000_000_000 / 10_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_carry_their_unit() {
        assert_eq!(
            [span(400), span(9_900), span(1_122_000), span(7_080_000)],
            ["0.4 s", "9.9 s", "18:42", "1 h 58 min"]
        );
        assert_eq!(
            [tokens(812), tokens(640_400), tokens(4_190_000), tokens(2_030_000_000)],
            ["812", "640k", "4.1M", "2.03B"]
        );
    }
}
