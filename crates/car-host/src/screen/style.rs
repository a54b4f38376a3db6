//! How a cell looks, as the sequence that makes the next character look like it.

use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{Color, NamedColor};
use std::io::Write;

/// Everything SGR sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    fg: Color,
    bg: Color,
    underline: Option<Color>,
    flags: Flags,
}

/// The flags SGR sets, with its numbers.
const ATTRIBUTES: [(Flags, &str); 11] = [
    (Flags::BOLD, ";1"),
    (Flags::DIM, ";2"),
    (Flags::ITALIC, ";3"),
    (Flags::UNDERLINE, ";4"),
    (Flags::DOUBLE_UNDERLINE, ";4:2"),
    (Flags::UNDERCURL, ";4:3"),
    (Flags::DOTTED_UNDERLINE, ";4:4"),
    (Flags::DASHED_UNDERLINE, ";4:5"),
    (Flags::INVERSE, ";7"),
    (Flags::HIDDEN, ";8"),
    (Flags::STRIKEOUT, ";9"),
];

impl Style {
    /// How an untouched cell looks.
    pub(super) fn plain() -> Self {
        Self::of(&Cell::default())
    }

    /// How `cell` looks.
    pub(super) fn of(cell: &Cell) -> Self {
        let known = ATTRIBUTES.iter().fold(Flags::empty(), |all, (flag, _)| all | *flag);
        Self {
            fg: cell.fg,
            bg: cell.bg,
            underline: cell.underline_color(),
            flags: cell.flags & known,
        }
    }

    /// Appends the sequence.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend(b"\x1b[0");
        for (flag, number) in ATTRIBUTES {
            if self.flags.contains(flag) {
                out.extend(number.as_bytes());
            }
        }
        color(out, self.fg, [30, 90, 38]);
        color(out, self.bg, [40, 100, 48]);
        if let Some(underline) = self.underline {
            // There are no short numbers for it.
            color(out, long(underline), [0, 0, 58]);
        }
        out.push(b'm');
    }
}

fn long(color: Color) -> Color {
    match color {
        Color::Named(name) if (name as usize) < 16 => Color::Indexed(name as u8),
        color => color,
    }
}

/// Appends a colour; `bases` are the numbers of the first dark and bright one and of the long forms.
fn color(out: &mut Vec<u8>, color: Color, [dark, bright, other]: [usize; 3]) {
    // Writing to a vector does not fail.
    let _ = match color {
        Color::Named(name) => match name as usize {
            index @ 0..8 => write!(out, ";{}", dark + index),
            index @ 8..16 => write!(out, ";{}", bright + index - 8),
            // The default, which the 0 in front has set. Dim ones are only made when drawing.
            _ => Ok(()),
        },
        Color::Indexed(index) => write!(out, ";{other};5;{index}"),
        Color::Spec(rgb) => write!(out, ";{other};2;{};{};{}", rgb.r, rgb.g, rgb.b),
    };
}

/// Whether `color` is what a cell has when nothing was set.
pub(super) fn is_background(color: Color) -> bool {
    color == Color::Named(NamedColor::Background)
}
