//! A screen as bytes: what a fresh terminal has to be sent to show it.
//!
//! The history is written as lines that scroll away, the rows of the screen each at its place, so that a terminal that thinks
//! another way about the width of some character is wrong about one row and not about all that follow.

use std::io::Write;

use alacritty_terminal::event::EventListener;
use alacritty_terminal::grid::{Cursor, Dimensions, Grid};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::{Cell, Flags, Hyperlink};
use alacritty_terminal::term::{Term, TermMode};
use alacritty_terminal::vte::ansi::{CharsetIndex, CursorShape, StandardCharset};

use super::cells::on_primary;
use super::scan::Region;
use super::style::{Style, is_background};

/// Bytes of history in a snapshot; older lines are left out.
const MAX_HISTORY_BYTES: usize = 1 << 20;
/// Beyond this a snapshot has no links any more; hostile ones could be the larger part.
const MAX_WITH_LINKS: usize = 4 << 20;
/// Blank cells that are jumped over rather than written.
const JUMP: usize = 6;

/// Appends to a vector, which does not fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => { let _ = write!($out, $($text)*); };
}

/// The bytes for what `term` shows.
pub(super) fn dump<T: EventListener>(
    term: &mut Term<T>,
    lines: usize,
    region: Region,
    title: &str,
) -> Vec<u8> {
    let mut out = Vec::new();
    // RIS: whatever the terminal showed before.
    put!(out, "\x1bc");
    on_primary(term, |primary| {
        history(&mut out, primary, lines);
        rows(&mut out, primary);
        position(&mut out, &primary.cursor);
        Style::of(&primary.cursor.template).write(&mut out);
        put!(out, "\x1b[?1049h\x1b[0m\x1b[2J");
    });
    if !term.mode().contains(TermMode::ALT_SCREEN) {
        history(&mut out, term.grid(), lines);
    }
    rows(&mut out, term.grid());
    palette(&mut out, term);
    saved_cursor(&mut out, term.grid());
    if let Some((top, bottom)) = region {
        put!(out, "\x1b[{top};{}r", usize::from(bottom).min(term.screen_lines()));
    }
    cursor(&mut out, term, region);
    modes(&mut out, *term.mode());
    cursor_shape(&mut out, term);
    if !title.is_empty() {
        put!(out, "\x1b]2;{title}\x1b\\");
    }
    out
}

/// The newest lines of history that fit, and room for the screen below them.
fn history(out: &mut Vec<u8>, grid: &Grid<Cell>, lines: usize) {
    let mut written: Vec<Vec<u8>> = Vec::new();
    let mut size = 0;
    for line in 1..=lines.min(grid.history_size()) {
        let mut bytes = Vec::new();
        let mut style = Style::plain();
        let is_wrapped = row(&mut bytes, grid, Line(-(line as i32)), &mut style, false);
        finish(&mut bytes, style);
        if !is_wrapped {
            bytes.extend(b"\r\n");
        }
        size += bytes.len();
        if size > MAX_HISTORY_BYTES {
            break;
        }
        written.push(bytes);
    }
    if written.is_empty() {
        return;
    }
    // A line that goes on in the first row of the screen ends here all the same.
    if !written[0].ends_with(b"\n") {
        written[0].extend(b"\r\n");
    }
    written.iter().rev().for_each(|line| out.extend(line));
    out.extend(b"\r\n".repeat(grid.screen_lines() - 1));
    out.extend(b"\x1b[H");
}

fn rows(out: &mut Vec<u8>, grid: &Grid<Cell>) {
    let mut style = Style::plain();
    let mut goes_on = false;
    for line in 0..grid.screen_lines() {
        let before = out.len();
        if !goes_on {
            put!(out, "\x1b[{};1H", line + 1);
        }
        let placed = out.len();
        goes_on = row(out, grid, Line(line as i32), &mut style, out.len() < MAX_WITH_LINKS);
        if out.len() == placed {
            out.truncate(before);
        }
    }
    finish(out, style);
}

fn finish(out: &mut Vec<u8>, style: Style) {
    if style != Style::plain() {
        out.extend(b"\x1b[0m");
    }
}

/// One row, without the blanks at its end. Tells whether its text goes on in the next one.
fn row(
    out: &mut Vec<u8>,
    grid: &Grid<Cell>,
    line: Line,
    style: &mut Style,
    with_links: bool,
) -> bool {
    let columns = grid.columns();
    let cells = &grid[line];
    let goes_on = goes_on(grid, line);
    // Only a character written leads from a full row into the next one, a jump does not.
    let is_continued = line > grid.topmost_line() && self::goes_on(grid, line - 1_i32);
    let used = (0..columns).rev().find(|column| !is_blank(&cells[Column(*column)]));
    // One blank at least, where writing it is what leads into the row.
    let end = used.map_or(usize::from(is_continued), |column| column + 1);
    let end = if goes_on { columns } else { end };
    let mut link: Option<Hyperlink> = None;
    let mut blanks = 0;
    for column in 0..end {
        let cell = &cells[Column(column)];
        if is_blank(cell) && column + 1 < end {
            blanks += 1;
            continue;
        }
        if blanks > 0 {
            set_style(out, style, Style::plain());
            set_link(out, &mut link, None);
            if blanks >= JUMP && !(is_continued && blanks == column) {
                put!(out, "\x1b[{blanks}C");
            } else {
                out.extend(b" ".repeat(blanks));
            }
            blanks = 0;
        }
        let part = part(grid, line, column);
        if part == Part::Nothing {
            continue;
        }
        set_style(out, style, Style::of(cell));
        if with_links {
            set_link(out, &mut link, cell.hyperlink());
        }
        match part {
            Part::Half => out.push(b' '),
            _ => text(out, cell),
        }
    }
    set_link(out, &mut link, None);
    goes_on
}

/// Whether writing the row and then the next one wraps by itself as it did then.
fn goes_on(grid: &Grid<Cell>, line: Line) -> bool {
    let last = grid[line][grid.last_column()].flags;
    // A wide character did not fit; in its place there may be another by now, that would.
    let is_wide = |line: Line| {
        grid[line][Column(0)].flags.contains(Flags::WIDE_CHAR)
            && grid[line][Column(1)].flags.contains(Flags::WIDE_CHAR_SPACER)
    };
    let fits = last.contains(Flags::LEADING_WIDE_CHAR_SPACER)
        && !(line < grid.bottommost_line() && is_wide(line + 1_i32));
    last.contains(Flags::WRAPLINE) && !fits
}

/// What a cell is of the row's text.
#[derive(PartialEq)]
enum Part {
    /// A character, one or two columns wide.
    Whole,
    /// Half of a wide character whose other half was overwritten: a blank.
    Half,
    /// The second column of a wide character, or what one left free because it did not fit.
    Nothing,
}

fn part(grid: &Grid<Cell>, line: Line, column: usize) -> Part {
    let flags = |column: usize| grid[line][Column(column)].flags;
    let (here, last) = (flags(column), grid.columns() - 1);
    let is = |is_it: bool, other: Part| if is_it { other } else { Part::Half };
    if here.contains(Flags::WIDE_CHAR_SPACER) {
        is(column > 0 && flags(column - 1).contains(Flags::WIDE_CHAR), Part::Nothing)
    } else if here.contains(Flags::LEADING_WIDE_CHAR_SPACER) {
        is(column == last && goes_on(grid, line), Part::Nothing)
    } else if here.contains(Flags::WIDE_CHAR) {
        let is_whole = column < last && flags(column + 1).contains(Flags::WIDE_CHAR_SPACER);
        is(is_whole, Part::Whole)
    } else {
        Part::Whole
    }
}

fn text(out: &mut Vec<u8>, cell: &Cell) {
    let letter = if cell.c.is_control() { ' ' } else { cell.c };
    put!(out, "{letter}");
    for letter in cell.zerowidth().unwrap_or_default() {
        put!(out, "{letter}");
    }
}

/// Whether nothing would be seen of the cell if it were never written.
fn is_blank(cell: &Cell) -> bool {
    let seen = Flags::INVERSE
        | Flags::ALL_UNDERLINES
        | Flags::STRIKEOUT
        | Flags::WIDE_CHAR_SPACER
        | Flags::LEADING_WIDE_CHAR_SPACER;
    matches!(cell.c, ' ' | '\t')
        && is_background(cell.bg)
        && !cell.flags.intersects(seen)
        && cell.extra.is_none()
}

fn set_style(out: &mut Vec<u8>, current: &mut Style, style: Style) {
    if *current != style {
        style.write(out);
        *current = style;
    }
}

fn set_link(out: &mut Vec<u8>, current: &mut Option<Hyperlink>, link: Option<Hyperlink>) {
    if *current == link {
        return;
    }
    let clean = |text: &str, extra: &[char]| -> String {
        text.chars().filter(|letter| !letter.is_control() && !extra.contains(letter)).collect()
    };
    match &link {
        Some(link) => {
            let (id, uri) = (clean(link.id(), &[';', ':']), clean(link.uri(), &[]));
            put!(out, "\x1b]8;id={id};{uri}\x1b\\");
        }
        None => out.extend(b"\x1b]8;;\x1b\\"),
    }
    *current = link;
}

/// Colours the program has changed.
fn palette<T>(out: &mut Vec<u8>, term: &Term<T>) {
    for index in 0..259 {
        let Some(rgb) = term.colors()[index] else { continue };
        let color = format!("rgb:{:02x}/{:02x}/{:02x}", rgb.r, rgb.g, rgb.b);
        match index {
            0..256 => {
                put!(out, "\x1b]4;{index};{color}\x1b\\");
            }
            index => {
                put!(out, "\x1b]{};{color}\x1b\\", 10 + index - 256);
            }
        }
    }
}

fn position(out: &mut Vec<u8>, cursor: &Cursor<Cell>) {
    put!(out, "\x1b[{};{}H", cursor.point.line.0 + 1, cursor.point.column.0 + 1);
}

/// What DECRC brings back.
fn saved_cursor(out: &mut Vec<u8>, grid: &Grid<Cell>) {
    let saved = &grid.saved_cursor;
    if *saved == Cursor::default() {
        return;
    }
    position(out, saved);
    Style::of(&saved.template).write(out);
    out.extend(b"\x1b7");
}

fn cursor<T: EventListener>(out: &mut Vec<u8>, term: &Term<T>, region: Region) {
    let (grid, cursor) = (term.grid(), &term.grid().cursor);
    let is_origin = term.mode().contains(TermMode::ORIGIN);
    let top = region.filter(|_| is_origin).map_or(0, |(top, _)| i32::from(top) - 1);
    if is_origin {
        out.extend(b"\x1b[?6h");
    }
    let Cursor { point, .. } = cursor;
    let cell = &grid[point.line][point.column];
    // The last column is full and the next character goes to the next line: only writing there leads there.
    let is_spacer = cursor.input_needs_wrap && cell.flags.contains(Flags::WIDE_CHAR_SPACER);
    let column = point.column.0 - usize::from(is_spacer && point.column.0 > 0);
    put!(out, "\x1b[{};{}H", (point.line.0 - top).max(0) + 1, column + 1);
    if cursor.input_needs_wrap {
        let cell = &grid[point.line][Column(column)];
        Style::of(cell).write(out);
        text(out, cell);
    }
    Style::of(&cursor.template).write(out);
    set_link(out, &mut None, cursor.template.hyperlink());
    let charsets = [(CharsetIndex::G0, '('), (CharsetIndex::G1, ')')];
    for (index, designator) in charsets {
        if cursor.charsets[index] == StandardCharset::SpecialCharacterAndLineDrawing {
            put!(out, "\x1b{designator}0");
        }
    }
}

/// Modes that are not what they are on a fresh terminal.
fn modes(out: &mut Vec<u8>, mode: TermMode) {
    let set = [
        (TermMode::APP_CURSOR, "\x1b[?1h"),
        (TermMode::APP_KEYPAD, "\x1b="),
        (TermMode::MOUSE_REPORT_CLICK, "\x1b[?1000h"),
        (TermMode::MOUSE_DRAG, "\x1b[?1002h"),
        (TermMode::MOUSE_MOTION, "\x1b[?1003h"),
        (TermMode::UTF8_MOUSE, "\x1b[?1005h"),
        (TermMode::SGR_MOUSE, "\x1b[?1006h"),
        (TermMode::FOCUS_IN_OUT, "\x1b[?1004h"),
        (TermMode::BRACKETED_PASTE, "\x1b[?2004h"),
        (TermMode::INSERT, "\x1b[4h"),
        (TermMode::LINE_FEED_NEW_LINE, "\x1b[20h"),
    ];
    let unset = [(TermMode::LINE_WRAP, "\x1b[?7l"), (TermMode::SHOW_CURSOR, "\x1b[?25l")];
    let on = set.iter().filter(|(flag, _)| mode.contains(*flag));
    let off = unset.iter().filter(|(flag, _)| !mode.contains(*flag));
    for (_, sequence) in on.chain(off) {
        out.extend(sequence.as_bytes());
    }
}

fn cursor_shape<T: EventListener>(out: &mut Vec<u8>, term: &Term<T>) {
    let style = term.cursor_style();
    let number = match style.shape {
        CursorShape::Underline => 3,
        CursorShape::Beam => 5,
        _ if style.blinking => 1,
        _ => return,
    };
    put!(out, "\x1b[{} q", number + usize::from(!style.blinking && number > 1));
}
