//! A model of the screen: what a terminal shows after everything the program wrote.
//!
//! The emulation is `alacritty_terminal`'s. Around it is what hostile output makes necessary: strings are cut before they
//! reach it (`scan`), what it keeps per cell is [bounded](Screen::advance), and a panic in it costs the picture,
//! not the session. What it does not know, a snapshot does not have: tab stops, the alternate screens of old (`?47`, `?1047`),
//! images.

mod cells;
mod dump;
mod scan;
mod style;

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alacritty_terminal::event::{Event, EventListener};
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::{Config, Osc52, Term};
use alacritty_terminal::vte::ansi::{Processor, Timeout};

use crate::protocol::MAX_TITLE;
use crate::session::Size;
use scan::Scanner;

/// Most lines of history.
pub const MAX_HISTORY: usize = 2000;
/// Most cells of history: a wide screen has fewer lines. At 24 bytes a cell this is under 10 MiB.
const MAX_HISTORY_CELLS: usize = 400_000;
/// Between two looks at what cells keep besides a character; so much can be added meanwhile.
const TRIM_EVERY: usize = 1 << 20;
/// Bytes of answers kept until somebody takes them; more is no conversation but a flood.
const MAX_REPLIES: usize = 4096;
/// After so many panics the output is out to break the model, and there is no model any more.
const MAX_PANICS: u32 = 20;

/// The model.
pub struct Screen {
    /// `None` once the model has broken too often.
    emulator: Option<Emulator>,
    scanner: Scanner,
    size: Size,
    panics: u32,
    since_trim: usize,
    news: Listener,
}

/// What the output asked for besides showing characters, since the last look.
#[derive(Debug, Default)]
pub struct News {
    /// The new title; empty when it was taken back.
    pub title: Option<String>,
    /// How often the bell rang.
    pub bells: u64,
    /// What a terminal answers to the program's questions.
    pub replies: Vec<u8>,
}

struct Emulator {
    term: Term<Listener>,
    processor: Processor<Never>,
}

/// Synchronized updates are shown as they come: a snapshot must not lack what is held back.
#[derive(Default)]
struct Never;

impl Timeout for Never {
    fn set_timeout(&mut self, _: Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}

/// Collects what the emulator has to say.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<News>>);

impl Listener {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        let mut news = self.lock();
        match event {
            Event::Title(title) => news.title = Some(cleaned(&title)),
            Event::ResetTitle => news.title = Some(String::new()),
            Event::Bell => news.bells += 1,
            Event::PtyWrite(reply) if news.replies.len() + reply.len() <= MAX_REPLIES => {
                news.replies.extend(reply.as_bytes());
            }
            _ => {}
        }
    }
}

/// A title as it may be shown and repeated: one line, not too long.
fn cleaned(title: &str) -> String {
    let mut title: String = title.chars().filter(|letter| !letter.is_control()).collect();
    title.truncate(title.floor_char_boundary(MAX_TITLE));
    title
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.cols)
    }
}

impl Emulator {
    fn new(size: Size, news: Listener) -> Self {
        let config = Config {
            scrolling_history: history(size),
            osc52: Osc52::Disabled,
            ..Config::default()
        };
        Self { term: Term::new(config, &size, news), processor: Processor::new() }
    }
}

fn history(size: Size) -> usize {
    MAX_HISTORY.min(MAX_HISTORY_CELLS / usize::from(size.cols.max(1)))
}

impl Screen {
    /// An empty screen.
    pub fn new(size: Size) -> Self {
        let (size, news) = (size.clamped(), Listener::default());
        Self {
            emulator: Some(Emulator::new(size, news.clone())),
            scanner: Scanner::default(),
            size,
            panics: 0,
            since_trim: 0,
            news,
        }
    }

    /// Shows what the program wrote. Whatever it is, memory stays bounded.
    pub fn advance(&mut self, bytes: &[u8]) {
        // In pieces, so that no piece can add more than a look between two pieces allows.
        for piece in bytes.chunks(TRIM_EVERY) {
            let mut scanner = std::mem::take(&mut self.scanner);
            self.guarded(|emulator| {
                scanner.scan(piece, |span| emulator.processor.advance(&mut emulator.term, span));
            });
            self.scanner = scanner;
            self.since_trim += piece.len();
            if self.since_trim >= TRIM_EVERY {
                self.since_trim = 0;
                self.guarded(|emulator| cells::trim(&mut emulator.term));
            }
        }
    }

    /// Gives the screen another size; text reflows.
    pub fn resize(&mut self, size: Size) {
        let size = size.clamped();
        self.size = size;
        self.scanner.region_reset();
        self.guarded(|emulator| {
            emulator.term.grid_mut().update_history(history(size));
            emulator.term.resize(size);
        });
    }

    /// Bytes that make a fresh terminal of the same size show this screen, with at most `lines` lines of what scrolled away,
    /// its modes, its title, and the beginning of a sequence the output may have stopped in.
    pub fn snapshot(&mut self, lines: usize, title: &str) -> Vec<u8> {
        let region = self.scanner.region();
        let mut bytes = None;
        self.guarded(|emulator| {
            bytes = Some(dump::dump(&mut emulator.term, lines, region, title));
        });
        // RIS alone, when there is nothing to tell: the program paints anew at the next occasion.
        let mut bytes = bytes.unwrap_or_else(|| b"\x1bc".to_vec());
        bytes.extend_from_slice(self.scanner.pending());
        bytes
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// What happened since the last call.
    pub fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news.lock())
    }

    /// Lets the emulator work; when it panics, a new one takes its place.
    fn guarded(&mut self, work: impl FnOnce(&mut Emulator)) {
        let Some(emulator) = &mut self.emulator else { return };
        if panic::catch_unwind(AssertUnwindSafe(|| work(emulator))).is_ok() {
            return;
        }
        self.panics += 1;
        tracing::warn!(panics = self.panics, "the model of the screen broke and begins anew");
        self.emulator =
            (self.panics < MAX_PANICS).then(|| Emulator::new(self.size, self.news.clone()));
        self.scanner = Scanner::default();
    }
}

#[cfg(test)]
mod tests;
