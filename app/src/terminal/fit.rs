//! How large the terminal is, and how large it is drawn.

use super::client::Grid;

/// A size programs can live with.
const LEAST: Grid = Grid { cols: 20, rows: 5 };
const MOST: Grid = Grid { cols: 500, rows: 300 };

/// The size our window would give the terminal, or nothing when it is to stay as it is. An on-screen keyboard covers a part of the
/// window for a while; programs are not told of that, or they would paint anew with each touch.
pub(crate) fn wanted(fits: Grid, now: Grid, keyboard_is_open: bool) -> Option<Grid> {
    let fits = Grid {
        cols: fits.cols.clamp(LEAST.cols, MOST.cols),
        rows: fits.rows.clamp(LEAST.rows, MOST.rows),
    };
    let wanted = if keyboard_is_open { Grid { rows: now.rows, ..fits } } else { fits };
    (wanted != now).then_some(wanted)
}

/// How much smaller a terminal of another size is drawn, so that all of it can be seen; never larger, which would only blur it.
pub(crate) fn scale(window: (f64, f64), terminal: (f64, f64)) -> f64 {
    if terminal.0 <= 0.0 || terminal.1 <= 0.0 || window.0 <= 0.0 || window.1 <= 0.0 {
        return 1.0;
    }
    (window.0 / terminal.0).min(window.1 / terminal.1).min(1.0)
}

/// How far up a terminal is moved that is taller than its window, so that the line one types in, which ends at `line_end`, can be
/// seen.
pub(crate) fn shift(window_height: f64, drawn_height: f64, line_end: f64) -> f64 {
    let hidden = (drawn_height - window_height).max(0.0);
    (line_end - window_height).clamp(0.0, hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Grid = Grid { cols: 80, rows: 40 };

    #[test]
    fn the_keyboard_of_a_phone_changes_no_rows() {
        assert_eq!(wanted(Grid { cols: 80, rows: 18 }, NOW, true), None);
        assert_eq!(
            wanted(Grid { cols: 80, rows: 18 }, NOW, false),
            Some(Grid { cols: 80, rows: 18 })
        );
        let turned = Grid { cols: 110, rows: 8 };
        assert_eq!(wanted(turned, NOW, true), Some(Grid { cols: 110, rows: 40 }));
    }

    #[test]
    fn a_window_that_is_hidden_or_tiny_makes_no_tiny_terminal() {
        assert_eq!(wanted(Grid { cols: 1, rows: 0 }, NOW, false), Some(LEAST));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exact halves")]
    fn a_larger_terminal_is_drawn_smaller_and_a_smaller_one_as_it_is() {
        assert_eq!(scale((400.0, 300.0), (800.0, 300.0)), 0.5);
        assert_eq!(scale((400.0, 300.0), (200.0, 100.0)), 1.0);
        assert_eq!(scale((0.0, 300.0), (200.0, 100.0)), 1.0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "whole numbers")]
    fn the_line_one_types_in_stays_in_view() {
        assert_eq!(shift(300.0, 800.0, 20.0), 0.0);
        assert_eq!(shift(300.0, 800.0, 400.0), 100.0);
        assert_eq!(shift(300.0, 800.0, 800.0), 500.0);
        assert_eq!(shift(800.0, 800.0, 800.0), 0.0);
    }
}
