//! Commands, as people type them.

use serde::{Deserialize, Serialize};

/// Words that stop the work, without a command.
const STOP_WORDS: [&str; 5] = ["^c", "ctrl-c", "ctrl+c", "esc", "escape"];

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command {
    /// Its name, without the slash, in small letters.
    pub(crate) name: String,
    /// What follows.
    pub(crate) rest: String,
}

/// Whose command a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Addressed {
    /// Ours.
    Ours(Command),
    /// That of another bot.
    Others,
    /// It is no command.
    None,
}

impl Command {
    /// The words that follow, as a shell would split them.
    pub(crate) fn words(&self) -> Vec<String> {
        shell_words::split(&self.rest)
            .unwrap_or_else(|_| self.rest.split_whitespace().map(str::to_owned).collect())
    }
}

/// Reads a text of which Telegram says that its first `units` units of UTF-16 are a command.
pub(super) fn parse(text: &str, units: usize, bot: &str) -> Addressed {
    let head = crate::render::head(text, units);
    let Some(word) = head.strip_prefix('/') else { return Addressed::None };
    let (name, addressee) = word.split_once('@').unwrap_or((word, bot));
    if !addressee.eq_ignore_ascii_case(bot) {
        return Addressed::Others;
    }
    let rest = text[head.len()..].trim().to_owned();
    Addressed::Ours(Command { name: name.to_lowercase(), rest })
}

/// Whether a text asks to stop.
pub(crate) fn is_stop_word(text: &str) -> bool {
    STOP_WORDS.contains(&text.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_ours_when_it_names_us_or_nobody() {
        let ours = |name: &str, rest: &str| {
            Addressed::Ours(Command { name: name.into(), rest: rest.into() })
        };
        assert_eq!(parse("/Bind  my repo", 5, "car_bot"), ours("bind", "my repo"));
        assert_eq!(parse("/bind@CAR_bot x", 13, "car_bot"), ours("bind", "x"));
        assert_eq!(parse("/bind@other x", 11, "car_bot"), Addressed::Others);
        assert_eq!(parse("bind", 4, "car_bot"), Addressed::None);
    }

    #[test]
    fn words_are_split_as_in_a_shell_or_plainly() {
        let words = |rest: &str| Command { name: String::new(), rest: rest.into() }.words();
        assert_eq!(words("a \"b c\""), ["a", "b c"]);
        assert_eq!(words("it's fine"), ["it's", "fine"]);
    }

    #[test]
    fn stop_words_stand_alone() {
        assert!(is_stop_word(" Ctrl-C "));
        assert!(!is_stop_word("please escape"));
    }
}
