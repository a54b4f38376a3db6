//! Keys a phone has not, and modifiers that stay down until the next key.

/// Modifiers that are down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modifiers {
    /// Control.
    pub ctrl: bool,
    /// Alt.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
}

impl Modifiers {
    /// Whether one of them is down.
    pub(crate) fn any(self) -> bool {
        self.ctrl || self.alt || self.shift
    }

    /// As xterm numbers them: 1 and a bit for each.
    fn number(self) -> u8 {
        1 + u8::from(self.shift) + 2 * u8::from(self.alt) + 4 * u8::from(self.ctrl)
    }
}

/// A key of the key bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character.
    Letter(char),
    /// Escape.
    Escape,
    /// Tab.
    Tab,
    /// Enter.
    Enter,
    /// Backspace.
    Backspace,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Right.
    Right,
    /// Left.
    Left,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// A letter with Control.
    Control(char),
}

impl Key {
    /// What it is called, for whoever cannot see it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Letter(letter) => letter.to_string(),
            Self::Escape => "Escape".into(),
            Self::Tab => "Tab".into(),
            Self::Enter => "Enter".into(),
            Self::Backspace => "Backspace".into(),
            Self::Up => "Up".into(),
            Self::Down => "Down".into(),
            Self::Right => "Right".into(),
            Self::Left => "Left".into(),
            Self::Home => "Home".into(),
            Self::End => "End".into(),
            Self::PageUp => "Page up".into(),
            Self::PageDown => "Page down".into(),
            Self::Control(letter) => format!("Control {letter}"),
        }
    }

    /// What is written on it.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Escape => "Esc".into(),
            Self::Enter => "⏎".into(),
            Self::Backspace => "⌫".into(),
            Self::Up => "↑".into(),
            Self::Down => "↓".into(),
            Self::Right => "→".into(),
            Self::Left => "←".into(),
            Self::PageUp => "PgUp".into(),
            Self::PageDown => "PgDn".into(),
            Self::Control(letter) => format!("^{letter}"),
            other => other.name(),
        }
    }

    /// Whether it goes on while it is held.
    pub(crate) fn repeats(self) -> bool {
        use Key::{Backspace, Down, Left, PageDown, PageUp, Right, Up};
        matches!(self, Up | Down | Left | Right | Backspace | PageUp | PageDown)
    }

    /// What it sends. `application` is the mode of the cursor keys many full-screen programs ask for.
    pub(crate) fn sequence(self, modifiers: Modifiers, application: bool) -> String {
        match self {
            Self::Letter(letter) => with_modifiers(&letter.to_string(), modifiers),
            Self::Control(letter) => {
                with_modifiers(&letter.to_string(), Modifiers { ctrl: true, ..modifiers })
            }
            Self::Escape => alt("\x1b", modifiers),
            Self::Tab if modifiers.shift => "\x1b[Z".into(),
            Self::Tab => alt("\t", modifiers),
            // Programs that know the difference take this for a new line, others for Enter.
            Self::Enter if modifiers.shift => "\x1b\r".into(),
            Self::Enter => alt("\r", modifiers),
            Self::Backspace if modifiers.ctrl => alt("\x08", modifiers),
            Self::Backspace => alt("\x7f", modifiers),
            Self::Up => cursor('A', modifiers, application),
            Self::Down => cursor('B', modifiers, application),
            Self::Right => cursor('C', modifiers, application),
            Self::Left => cursor('D', modifiers, application),
            Self::Home => cursor('H', modifiers, application),
            Self::End => cursor('F', modifiers, application),
            Self::PageUp => tilde(5, modifiers),
            Self::PageDown => tilde(6, modifiers),
        }
    }
}

/// Typed text with the modifiers that are down applied to it, as if they were on the keyboard it came from. Only single characters
/// come from keys; everything else is left alone.
pub(crate) fn with_modifiers(text: &str, modifiers: Modifiers) -> String {
    let mut letters = text.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return text.to_owned() };
    let letter =
        if modifiers.shift { letter.to_uppercase().next().unwrap_or(letter) } else { letter };
    let letter = if modifiers.ctrl { control(letter).unwrap_or(letter) } else { letter };
    alt(&letter.to_string(), modifiers)
}

/// The control character of a letter.
fn control(letter: char) -> Option<char> {
    let code = match letter.to_ascii_uppercase() {
        ' ' | '@' => 0,
        letter @ 'A'..='_' => letter as u8 - b'@',
        '?' | '\x7f' => 0x7f,
        '/' | '-' => 0x1f,
        _ => return None,
    };
    Some(char::from(code))
}

fn alt(keys: &str, modifiers: Modifiers) -> String {
    if modifiers.alt { format!("\x1b{keys}") } else { keys.to_owned() }
}

fn cursor(end: char, modifiers: Modifiers, application: bool) -> String {
    match (modifiers.any(), application) {
        (true, _) => format!("\x1b[1;{}{end}", modifiers.number()),
        (false, true) => format!("\x1bO{end}"),
        (false, false) => format!("\x1b[{end}"),
    }
}

fn tilde(number: u8, modifiers: Modifiers) -> String {
    if modifiers.any() {
        return format!("\x1b[{number};{}~", modifiers.number());
    }
    format!("\x1b[{number}~")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Modifiers = Modifiers { ctrl: false, alt: false, shift: false };
    const CTRL: Modifiers = Modifiers { ctrl: true, ..NONE };
    const ALT: Modifiers = Modifiers { alt: true, ..NONE };

    #[test]
    fn arrows_follow_the_mode_of_the_program() {
        assert_eq!(Key::Up.sequence(NONE, false), "\x1b[A");
        assert_eq!(Key::Up.sequence(NONE, true), "\x1bOA");
        assert_eq!(Key::Left.sequence(CTRL, true), "\x1b[1;5D");
        assert_eq!(Key::End.sequence(Modifiers { shift: true, ..NONE }, false), "\x1b[1;2F");
        assert_eq!(Key::PageDown.sequence(NONE, true), "\x1b[6~");
        assert_eq!(Key::PageUp.sequence(ALT, false), "\x1b[5;3~");
    }

    #[test]
    fn modifiers_apply_to_letters_of_any_keyboard() {
        assert_eq!(with_modifiers("c", CTRL), "\x03");
        assert_eq!(with_modifiers("C", CTRL), "\x03");
        assert_eq!(with_modifiers("[", CTRL), "\x1b");
        assert_eq!(with_modifiers("b", ALT), "\x1bb");
        assert_eq!(with_modifiers("b", Modifiers { ctrl: true, alt: true, ..NONE }), "\x1b\x02");
        assert_eq!(with_modifiers("ä", Modifiers { shift: true, ..NONE }), "Ä");
        assert_eq!(with_modifiers("日", CTRL), "日");
        assert_eq!(with_modifiers("a word", CTRL), "a word");
    }

    #[test]
    fn keys_with_modifiers_are_those_of_a_keyboard() {
        assert_eq!(Key::Control('C').sequence(NONE, false), "\x03");
        assert_eq!(Key::Control('Z').sequence(NONE, true), "\x1a");
        assert_eq!(Key::Tab.sequence(Modifiers { shift: true, ..NONE }, false), "\x1b[Z");
        assert_eq!(Key::Backspace.sequence(ALT, false), "\x1b\x7f");
        assert_eq!(Key::Letter('/').sequence(NONE, false), "/");
        assert_eq!(Key::Escape.sequence(NONE, false), "\x1b");
    }
}
