//! What a terminal shows. The only place that prints, through `anstream`, which drops colours where they are not wanted.

use std::io::Write;

use super::error::CliError;

/// Styles as ANSI sequences; `anstream` takes them out when the stream is no terminal.
pub(super) mod style {
    pub(crate) const BOLD: &str = "\x1b[1m";
    pub(crate) const DIM: &str = "\x1b[2m";
    pub(crate) const RED: &str = "\x1b[31m";
    pub(crate) const GREEN: &str = "\x1b[32m";
    pub(crate) const YELLOW: &str = "\x1b[33m";
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

/// Bytes on standard output, whatever they are; for what is not shown on a terminal.
pub(super) fn raw_bytes(bytes: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A line of talk on standard error.
pub(super) fn say(line: &str) {
    anstream::eprintln!("{line}");
}

/// Talk on standard error that is no line yet.
pub(super) fn say_piece(text: &str) {
    let mut stderr = anstream::stderr().lock();
    // Talk that nobody hears is no trouble.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A unified diff with additions green and removals red.
pub(super) fn coloured_diff(diff: &str) -> String {
    use style::{BOLD, CYAN, GREEN, RED, RESET};
    let coloured = |line: &str| {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => BOLD,
            [b'@', b'@', ..] => CYAN,
            [b'+', ..] => GREEN,
            [b'-', ..] => RED,
            _ => return format!("{line}\n"),
        };
        format!("{style}{line}{RESET}\n")
    };
    diff.lines().map(coloured).collect()
}

/// Asks a question on the terminal and reads one line. The end of the input is an answer nobody gave.
pub(super) fn ask(question: &str) -> Result<String, CliError> {
    let mut stderr = anstream::stderr();
    let _ = stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush());
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) | Err(_) => Err(CliError::other("Aborted.")),
        Ok(_) => Ok(line),
    }
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
