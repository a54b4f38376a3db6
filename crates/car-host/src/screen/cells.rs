//! What cells keep besides one character, bounded: combining characters and links.

use std::sync::Arc;

use alacritty_terminal::event::EventListener;
use alacritty_terminal::grid::{Dimensions, Grid};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::Cell;
use alacritty_terminal::term::{Term, TermMode};

/// Combining characters kept in a cell; no script stacks more.
const MAX_COMBINING: usize = 8;
/// Bytes of all links together.
const MAX_LINKS: usize = 4 << 20;

/// Cuts what hostile output may have piled up in cells, on both screens.
pub(super) fn trim<T: EventListener>(term: &mut Term<T>) {
    trim_grid(term.grid_mut());
    on_primary(term, trim_grid);
}

/// Lets `look` at the primary screen while the program shows the alternate one; does nothing otherwise.
pub(super) fn on_primary<T: EventListener>(term: &mut Term<T>, look: impl FnOnce(&mut Grid<Cell>)) {
    if !term.mode().contains(TermMode::ALT_SCREEN) {
        return;
    }
    // The emulator shows only the screen in use. Going back and forth clears the alternate one, so it is put back.
    let alternate = term.grid().clone();
    term.swap_alt();
    look(term.grid_mut());
    term.swap_alt();
    *term.grid_mut() = alternate;
}

fn trim_grid(grid: &mut Grid<Cell>) {
    let mut links = 0;
    let mut last = None;
    each(grid, |cell| {
        let Some(extra) = &cell.extra else { return };
        let is_same = last.as_ref().is_some_and(|last| Arc::ptr_eq(last, extra));
        if !is_same {
            links += cell.hyperlink().map_or(0, |link| link.uri().len() + link.id().len());
            last = Some(extra.clone());
        }
        if let Some(kept) = cell.zerowidth().filter(|all| all.len() > MAX_COMBINING) {
            let (kept, underline, link) =
                (kept[..MAX_COMBINING].to_vec(), cell.underline_color(), cell.hyperlink());
            cell.extra = None;
            kept.into_iter().for_each(|letter| cell.push_zerowidth(letter));
            cell.set_underline_color(underline);
            cell.set_hyperlink(link);
        }
    });
    if links > MAX_LINKS {
        each(grid, |cell| cell.set_hyperlink(None));
        grid.cursor.template.set_hyperlink(None);
    }
}

fn each(grid: &mut Grid<Cell>, mut look: impl FnMut(&mut Cell)) {
    for line in grid.topmost_line().0..=grid.bottommost_line().0 {
        for column in 0..grid.columns() {
            // Looking at a row mutably marks all of it as used, so cells without anything are only read.
            if grid[Line(line)][Column(column)].extra.is_some() {
                look(&mut grid[Line(line)][Column(column)]);
            }
        }
    }
}
