//! What a terminal shows. The only place that prints, through `anstream`, which drops colours where they are not wanted.

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
