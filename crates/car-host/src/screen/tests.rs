//! A snapshot shows what the program's own output shows, and no output breaks the model.

use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::Flags;
use proptest::prelude::*;

use super::*;

const SIZE: Size = Size { cols: 20, rows: 6 };

fn screen(output: &[u8]) -> Screen {
    let mut screen = Screen::new(SIZE);
    screen.advance(output);
    screen
}

/// The text of the rows, history included, and where the cursor is.
fn text(screen: &Screen) -> (Vec<String>, (i32, usize)) {
    let grid = screen.emulator.as_ref().expect("whole").term.grid();
    let row = |line| {
        let flags = |column| grid[Line(line)][Column(column)].flags;
        let letter = |column| {
            let is_spacer = |flags: Flags| flags.contains(Flags::WIDE_CHAR_SPACER);
            let is_half = flags(column).contains(Flags::WIDE_CHAR)
                && (column + 1 == grid.columns() || !is_spacer(flags(column + 1)));
            let is_space = is_half || is_spacer(flags(column));
            if is_space { ' ' } else { grid[Line(line)][Column(column)].c }
        };
        let text: String = (0..grid.columns()).map(letter).collect();
        text.replace('\t', " ").trim_end().to_owned()
    };
    let rows = (grid.topmost_line().0..=grid.bottommost_line().0).map(row).collect();
    (rows, (grid.cursor.point.line.0, grid.cursor.point.column.0))
}

fn mode(screen: &Screen) -> TermMode {
    *screen.emulator.as_ref().expect("whole").term.mode()
}

/// Shows `output` directly and by way of a snapshot in its middle.
fn same(before: &[u8], after: &[u8]) -> Result<(), TestCaseError> {
    let mut direct = screen(before);
    let mut copy = screen(&direct.snapshot(MAX_HISTORY, ""));
    prop_assert_eq!(text(&direct), text(&copy));
    prop_assert_eq!(mode(&direct), mode(&copy));
    direct.advance(after);
    copy.advance(after);
    prop_assert_eq!(text(&direct), text(&copy));
    prop_assert_eq!(mode(&direct), mode(&copy));
    Ok(())
}

fn check(before: &str, after: &str) {
    same(before.as_bytes(), after.as_bytes()).expect("same");
}

#[test]
fn a_snapshot_shows_text_history_and_cursor() {
    check("one\r\ntwo\r\n\r\nfour", " more");
    let many: String = (1..50).map(|line| format!("line {line}\r\n")).collect();
    check(&many, "end");
    check("a line that is longer than the screen is wide and goes on and on", " and on");
    check("日本語のテキストがここにあります、長いです", "続");
    check("e\u{301}\u{302} \u{1f389} x", "y");
}

#[test]
fn a_snapshot_restores_where_writing_goes_on() {
    check("12345678901234567890", "x");
    check("\x1b[3;5H\x1b7\x1b[1;1Habc", "\x1b8def");
    check("\x1b[2;4r\x1b[4;1Habc", "\r\nnext\r\nnext");
    check("\x1b[2;4r\x1b[?6h\x1b[2;3Hx", "\x1b[1;1Hy\r\n\r\n\r\nz");
    check("\x1b(0lqk", "x");
    check("\x1b[4habc\x1b[1;1H", "def");
}

#[test]
fn rows_that_wrapped_and_were_written_over_stay_where_they_are() {
    check("12345678901234567890ab\x1b[2;1H\x1b[2K\x1b[2;9Hx", "y");
    check("12345678901234567890ab\x1b[2;1H\x1b[2K\r\n\r\n\r\n\r\n\r\n\r\nend", "");
    check("1234567890123456789日\x1b[2;1Hx", "y");
    check("1234567890123456789日\x1b[2;2Hx\x1b[1;3H日\x1b[1;4Hz", "y");
    check("1234567890123456日日日\x1b[1;1H\x1b[@", "y");
}

#[test]
fn a_snapshot_restores_modes_and_the_alternate_screen() {
    check(
        "shell\r\n$ vi\x1b[?1049h\x1b[H~\r\n~\x1b[5;1Hstatus\x1b[?1h\x1b=\x1b[?25l",
        "\x1b[?1049l$",
    );
    check("\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?1004h", "\x1b[?1000l");
    check("\x1b[?1002h\x1b[?7l", "a very long line that does not wrap");
}

#[test]
fn a_snapshot_in_the_middle_of_a_sequence_is_no_different() {
    let all = "a\x1b[31mred\x1b]0;title\x07\x1b[2;3Hüber 日本 \x1b[?1049h🎉".as_bytes();
    for at in 0..all.len() {
        same(&all[..at], &all[at..]).expect("same");
    }
}

#[test]
fn colours_and_attributes_are_the_same_cell_by_cell() {
    let output = b"\x1b[1;31mred\x1b[0m \x1b[48;5;200m  \x1b[0m\x1b[38;2;1;2;3;4:3mrgb\x1b[58;5;9mx\x1b[0m\r\n\
        \x1b[7minverse\x1b[97;102mbright\x1b[m\x1b[3;9mitalic\x1b[2K\r\n\x1b]8;id=a;http://x/\x1b\\link\x1b]8;;\x1b\\.";
    let mut direct = screen(output);
    let copy = screen(&direct.snapshot(0, ""));
    let cells = |screen: &Screen| {
        let grid = screen.emulator.as_ref().expect("whole").term.grid();
        let all = grid.display_iter().map(|cell| cell.cell.clone());
        all.collect::<Vec<_>>()
    };
    for (one, other) in cells(&direct).iter().zip(cells(&copy)) {
        assert_eq!(*one, other);
    }
}

#[test]
fn title_bell_and_answers_are_news() {
    let mut screen = screen(b"\x1b]0;hello\nworld\x07\x07\x07\x1b[6n");
    let news = screen.take_news();
    assert_eq!(news.title.as_deref(), Some("helloworld"));
    assert_eq!((news.bells, news.replies.as_slice()), (2, b"\x1b[1;1R".as_slice()));
    assert_eq!(screen.take_news().title, None);
}

#[test]
fn hostile_output_takes_no_memory() {
    let mut screen = Screen::new(Size { cols: 80, rows: 24 });
    let combining = "\u{301}".repeat(100_000);
    for _ in 0..30 {
        screen.advance(b"x");
        screen.advance(combining.as_bytes());
    }
    let link: Vec<u8> = (0..200)
        .flat_map(|at| format!("\x1b]8;;http://{at}/{}\x1b\\x", "y".repeat(3900)).into_bytes())
        .collect();
    for _ in 0..20 {
        screen.advance(&link);
    }
    let grid = screen.emulator.as_ref().expect("whole").term.grid();
    let cells = grid.display_iter();
    let (mut combining, mut links) = (0, 0);
    for cell in cells {
        combining += cell.cell.zerowidth().map_or(0, <[char]>::len);
        links += cell.cell.hyperlink().map_or(0, |link| link.uri().len());
    }
    assert!(combining < 1 << 20 && links < 6 << 20, "{combining} {links}");
    assert!(screen.snapshot(MAX_HISTORY, "").len() < 8 << 20);
}

#[test]
fn a_resize_keeps_the_text() {
    let mut screen = screen(b"one two three four five\r\nsix");
    screen.resize(Size { cols: 10, rows: 4 });
    screen.resize(SIZE);
    assert!(text(&screen).0.join("").contains("one two three four five"));
    screen.resize(Size { cols: 0, rows: 0 });
    screen.advance(b"text");
    assert_eq!(screen.size(), Size { cols: 2, rows: 2 });
}

/// Bytes as hostile programs write them: sequences, pieces of sequences, text of all kinds.
fn ansi() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![Just(0_u32), 1..30_u32, Just(99_999)];
    let csi = (proptest::collection::vec(number, 0..4), "[?>!]?", "[@-~]").prop_map(
        |(numbers, mark, end)| {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!("\x1b[{mark}{}{end}", numbers.join(";")).into_bytes()
        },
    );
    let mode = proptest::sample::select(vec![
        1, 5, 6, 7, 12, 25, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1047, 1048, 1049, 2004, 2026,
    ]);
    let mode = (mode, "[hl]").prop_map(|(mode, end)| format!("\x1b[?{mode}{end}").into_bytes());
    let escape = "\x1b[ -~]{1,2}".prop_map(String::into_bytes);
    let osc = "\x1b\\][0-9]{1,3};[a-z;:/=]{0,20}(\x07|\x1b\\\\)?".prop_map(String::into_bytes);
    let piece = prop_oneof![
        3 => csi,
        1 => mode,
        1 => escape,
        1 => osc,
        2 => "[a-z 日本🎉ü\u{301}\r\n\t\u{8}]{0,40}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_output_ends_the_model(outputs in proptest::collection::vec((ansi(), 0..600_u16, 0..60_u16), 1..6)) {
        let mut screen = Screen::new(SIZE);
        for (output, cols, rows) in outputs {
            screen.advance(&output);
            let snapshot = screen.snapshot(100, "title");
            Screen::new(screen.size()).advance(&snapshot);
            screen.resize(Size { cols, rows });
        }
        screen.resize(SIZE);
        screen.advance(b"\x1bcstill here");
        prop_assert!(screen.panics > 0 || text(&screen).0.concat().contains("still here"));
    }

    #[test]
    fn a_snapshot_of_anything_shows_the_same_text(output in text_output()) {
        same(&output, b"")?;
    }
}

/// Output of a well-behaved program: text, colours, movements, scroll regions.
fn text_output() -> impl Strategy<Value = Vec<u8>> {
    let place = (1..7_u16, 1..21_u16);
    let piece = prop_oneof![
        4 => "[a-z 日ü]{0,30}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        1 => place.clone().prop_map(|(row, column)| format!("\x1b[{row};{column}H").into_bytes()),
        1 => (0..110_u16).prop_map(|number| format!("\x1b[{number}m").into_bytes()),
        1 => (1..5_u16, "[ABCDJKLMPSTX@]").prop_map(|(n, end)| format!("\x1b[{n}{end}").into_bytes()),
        1 => place.prop_map(|(top, bottom)| format!("\x1b[{top};{}r", top + bottom.min(4)).into_bytes()),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}
