//! A terminal that is open in the page: xterm, a socket, and the [`Client`] that tells both what to do.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::client::{Client, Effect, Grid};
use super::handle::{Found, TerminalHandle};
use super::keys::{self, Key, Modifiers};
use super::look::Look;
use super::socket::{Heard, Socket};
use super::xterm::{self, Event, Xterm};
use super::{fit, text};
use crate::api::{AppError, AppErrorKind};
use crate::clock::Clock;
use crate::components::Toasts;
use crate::platform::{self, PageListeners, Watch};

/// Where it is remembered whether programs may copy.
const MAY_COPY: &str = "car.terminal.may-copy";
/// Where the size of letters is remembered.
const FONT_SIZE: &str = "car.terminal.font-size";
/// Sizes of letters, in pixels.
const FONT_SIZES: std::ops::RangeInclusive<f64> = 8.0..=28.0;
/// How long a window has to keep its size before the terminal follows.
const SETTLED: Duration = Duration::from_millis(50);
/// How often the connection is looked after.
const TICK: Duration = Duration::from_secs(5);

/// An open terminal.
pub(super) struct Live {
    handle: TerminalHandle,
    client: RefCell<Client>,
    xterm: Xterm,
    socket: RefCell<Option<Socket>>,
    /// Counts sockets, so that an old one is not heard any more.
    n_sockets: Cell<u32>,
    address: String,
    window: HtmlElement,
    surface: HtmlElement,
    clock: Clock,
    toasts: Toasts,
    look: RefCell<Look>,
    may_copy: Cell<Option<bool>>,
    /// Whether something was selected since the pointer went down; a search selects, too.
    has_selected: Cell<bool>,
    /// Counts changes of size, so that only the last one of many counts.
    n_sizes: Cell<u32>,
    own: Weak<Self>,
    watches: RefCell<Vec<Watch>>,
    wake: RefCell<Option<PageListeners>>,
}

/// Where a terminal is opened, and what of the page it needs.
pub(super) struct Place {
    /// Id of the element it is drawn in.
    pub(super) surface: &'static str,
    /// Path of its WebSocket.
    pub(super) address: String,
    /// The page's clock.
    pub(super) clock: Clock,
    /// Where it is said what went wrong.
    pub(super) toasts: Toasts,
}

/// Loads what a terminal needs; says why it cannot be.
pub(super) async fn load() -> Result<(), String> {
    xterm::load().await.map_err(|_| "The terminal could not be loaded.".to_owned())
}

impl Live {
    /// Opens the terminal of `handle` in an element of the page.
    pub(super) fn open(handle: TerminalHandle, place: Place) -> Result<Rc<Self>, String> {
        let Place { surface, address, clock, toasts } = place;
        let gone = || "The page has no place for the terminal.".to_owned();
        let surface = document().get_element_by_id(surface).ok_or_else(gone)?;
        let surface: HtmlElement = surface.dyn_into().map_err(|_| gone())?;
        let window = surface.parent_element().ok_or_else(gone)?;
        let window: HtmlElement = window.dyn_into().map_err(|_| gone())?;
        let status = handle.status.get_untracked();
        let first = status.grid.unwrap_or(Grid { cols: 80, rows: 24 });
        let look = Look::of_page(font_size());
        let may_copy = platform::recall(MAY_COPY).map(|answer| answer == "yes");
        // What xterm calls must find the terminal, which is made of what calls it.
        let own: Rc<RefCell<Weak<Self>>> = Rc::default();
        let (tell, ask) = (Rc::clone(&own), Rc::clone(&own));
        let on_event: xterm::OnEvent = Rc::new(move |event| {
            let live = tell.borrow().upgrade();
            if let Some(live) = live {
                live.happened(event);
            }
        });
        let on_key: xterm::OnKey = Rc::new(move |key| {
            let live = ask.borrow().upgrade();
            live.is_none_or(|live| live.passes_on(key))
        });
        let xterm = Xterm::open(&surface, first, &look, &on_event, on_key)
            .map_err(|_| "The browser could not open the terminal.".to_owned())?;
        let fits = xterm.fits().and_then(|fits| fit::wanted(fits, first, false)).unwrap_or(first);
        let id = handle.id.get_value();
        let client = Client::new(id, platform::unique_name(), status, fits);
        let live = Rc::new_cyclic(|weak: &Weak<Self>| Self {
            handle,
            client: RefCell::new(client),
            xterm,
            socket: RefCell::default(),
            n_sockets: Cell::default(),
            address,
            window,
            surface,
            clock,
            toasts,
            look: RefCell::new(look),
            may_copy: Cell::new(may_copy),
            has_selected: Cell::default(),
            n_sizes: Cell::default(),
            own: weak.clone(),
            watches: RefCell::default(),
            wake: RefCell::default(),
        });
        *own.borrow_mut() = Rc::downgrade(&live);
        live.begin();
        Ok(live)
    }

    fn begin(&self) {
        let of = |work: fn(&Self)| {
            let own = self.own.clone();
            move || {
                if let Some(live) = own.upgrade() {
                    work(&live);
                }
            }
        };
        *self.watches.borrow_mut() = vec![
            platform::on_theme(of(Self::looks_changed)),
            platform::on_size(&self.window, of(Self::size_changed)),
            platform::on(&self.window, "pointerdown", of(|live| live.has_selected.set(false))),
            platform::on(&self.window, "mouseup", of(Self::pointer_up)),
            platform::follow_keyboard(),
        ];
        *self.wake.borrow_mut() = Some(platform::on_page_wakes(of(Self::wake)));
        self.tick();
        self.act(Client::connect);
        if !platform::has_touch() {
            self.xterm.focus();
        }
    }

    /// Looks after the connection as long as there is somebody to.
    fn tick(&self) {
        let own = self.own.clone();
        platform::after(TICK, move || {
            if let Some(live) = own.upgrade() {
                live.act(Client::tick);
                live.tick();
            }
        });
    }

    /// Asks the client, does what it says, and shows what it knows then.
    fn act(&self, ask: impl FnOnce(&mut Client, car_domain::Timestamp) -> Vec<Effect>) {
        let effects = ask(&mut self.client.borrow_mut(), self.clock.at_once());
        for effect in effects {
            self.run(effect);
        }
        let status = self.client.borrow().status().clone();
        let Some(before) = self.handle.status.try_get_untracked() else { return };
        if before == status {
            return;
        }
        let is_placed = (before.role, before.grid) == (status.role, status.grid);
        if before.can_type() != status.can_type() {
            self.xterm.set_typing(status.can_type());
        }
        self.handle.status.try_set(status);
        if !is_placed {
            self.place();
        }
    }

    fn run(&self, effect: Effect) {
        match effect {
            Effect::Open(query) => self.open_socket(&query),
            Effect::Close => {
                self.socket.take();
                self.act(|client, now| client.closed(1006, now, platform::random()));
            }
            Effect::Send(text) => {
                if let Some(socket) = &*self.socket.borrow() {
                    socket.send(&text);
                }
            }
            Effect::Reset(grid) => self.xterm.reset(grid),
            Effect::Write(bytes, end) => self.xterm.write(&bytes, end),
            Effect::Resize(grid) => self.xterm.resize(grid),
            Effect::Retry(wait, generation) => {
                let own = self.own.clone();
                platform::after(wait, move || {
                    if let Some(live) = own.upgrade() {
                        live.act(|client, now| client.retry(generation, now));
                    }
                });
            }
            Effect::NotSent { text, why } => {
                let hint = Some("Take over to type, or try again.".to_owned());
                self.toasts.error(AppError { kind: AppErrorKind::Conflict, message: why, hint });
                self.handle.given_back.try_set(Some(text));
            }
        }
    }

    fn open_socket(&self, query: &str) {
        self.socket.take();
        let number = self.n_sockets.get() + 1;
        self.n_sockets.set(number);
        let own = self.own.clone();
        let on_heard = Rc::new(move |heard| {
            let live = own.upgrade().filter(|live| live.n_sockets.get() == number);
            if let Some(live) = live {
                live.heard(heard);
            }
        });
        match Socket::open(&format!("{}?{query}", self.address), on_heard) {
            Ok(socket) => *self.socket.borrow_mut() = Some(socket),
            Err(_) => self.act(|client, now| client.closed(1006, now, platform::random())),
        }
    }

    fn heard(&self, heard: Heard) {
        self.act(|client, now| match heard {
            Heard::Text(text) => client.text(&text, now),
            Heard::Bytes(bytes) => client.bytes(&bytes, now),
            Heard::Closed(code) => client.closed(code, now, platform::random()),
        });
    }

    fn happened(&self, event: Event) {
        match event {
            Event::Data(data) => self.typed(&data),
            Event::Binary(bytes) => {
                if let Some(socket) = &*self.socket.borrow() {
                    socket.send_bytes(&bytes);
                }
            }
            Event::Shown(end) => {
                self.act(|client, _| client.shown(end));
                if platform::is_keyboard_open() {
                    self.place();
                }
            }
            Event::Selection => self.has_selected.set(true),
            Event::Copy(text) => self.program_copies(text),
            Event::Link(link) => {
                if text::is_web_link(&link) {
                    platform::open_elsewhere(&link);
                }
            }
            Event::Scroll => self.note_scroll(),
            Event::Found(marked, n) => {
                self.handle.found.try_set(Found { marked, n });
            }
        }
    }

    fn typed(&self, data: &str) {
        let down = self.handle.modifiers.try_get_untracked().unwrap_or_default();
        if down.any() {
            self.handle.modifiers.try_set(Modifiers::default());
            self.send(&keys::with_modifiers(data, down));
        } else {
            self.send(data);
        }
    }

    fn send(&self, data: &str) {
        self.act(|client, _| client.input(data));
    }

    pub(super) fn press(&self, key: Key) {
        let down = self.handle.modifiers.try_get_untracked().unwrap_or_default();
        if down.any() {
            self.handle.modifiers.try_set(Modifiers::default());
        }
        self.send(&key.sequence(down, self.xterm.application_cursor_keys()));
        self.xterm.scroll_to_end();
    }

    pub(super) fn submit(&self, text: &str) {
        self.send(&text::submission(text, self.xterm.takes_paste()));
        self.xterm.scroll_to_end();
    }

    pub(super) fn take_over(&self) {
        self.act(|client, _| client.take());
        if !platform::has_touch() {
            self.xterm.focus();
        }
    }

    pub(super) fn wake(&self) {
        self.act(Client::wake);
    }

    pub(super) fn focus(&self) {
        self.xterm.focus();
    }

    pub(super) fn find(&self, text: &str, backwards: bool) {
        self.xterm.find(text, backwards, &self.look.borrow());
        if text.is_empty() {
            self.handle.found.try_set(Found::default());
        }
    }

    pub(super) fn text(&self) -> String {
        text::reflowed(self.xterm.lines())
    }

    pub(super) fn set_speaks(&self, speaks: bool) {
        self.xterm.set_screen_reader(speaks);
    }

    pub(super) fn scroll_to_end(&self) {
        self.xterm.scroll_to_end();
        self.note_scroll();
    }

    fn note_scroll(&self) {
        let is_scrolled = !self.xterm.is_at_end();
        if self.handle.is_scrolled.try_get_untracked() != Some(is_scrolled) {
            self.handle.is_scrolled.try_set(is_scrolled);
        }
    }

    /// Keys that are for the page. What the terminal gets it takes from the page, so there is one that leads out of it.
    fn passes_on(&self, key: &KeyboardEvent) -> bool {
        if key.type_() != "keydown" || !key.ctrl_key() || !key.shift_key() {
            return true;
        }
        match key.key().as_str() {
            "C" | "c" => {
                key.prevent_default();
                self.copy_selection();
            }
            "F" | "f" => {
                key.prevent_default();
                platform::focus("terminal-find");
            }
            "ArrowUp" => {
                key.prevent_default();
                platform::focus("terminal-sessions");
            }
            // The browser pastes; the terminal hears of it by itself.
            "V" | "v" => {}
            _ => return true,
        }
        false
    }

    /// What was selected with the pointer is copied.
    fn pointer_up(&self) {
        if self.has_selected.replace(false) {
            self.copy_selection();
        }
    }

    fn copy_selection(&self) {
        let selected = self.xterm.selection();
        if !selected.is_empty() {
            self.copy(&selected);
        }
    }

    pub(super) fn copy(&self, text: &str) {
        let (copied, n) = (self.handle.copied, text.chars().count());
        platform::copy(text, move |done| {
            if done {
                copied.try_set(Some(n));
            }
        });
    }

    fn program_copies(&self, text: String) {
        match self.may_copy.get() {
            Some(true) => self.copy(&text),
            Some(false) => {}
            None => drop(self.handle.wants_copy.try_set(Some(text))),
        }
    }

    pub(super) fn allow_copy(&self, allows: bool) {
        self.may_copy.set(Some(allows));
        platform::remember(MAY_COPY, if allows { "yes" } else { "no" });
        let text = self.handle.wants_copy.try_get_untracked().flatten();
        self.handle.wants_copy.try_set(None);
        if let Some(text) = text.filter(|_| allows) {
            self.copy(&text);
        }
    }

    fn looks_changed(&self) {
        let look = Look::of_page(font_size());
        self.xterm.set_look(&look);
        *self.look.borrow_mut() = look;
    }

    pub(super) fn zoom(&self, steps: i8) {
        let size = (font_size() + f64::from(steps)).clamp(*FONT_SIZES.start(), *FONT_SIZES.end());
        platform::remember(FONT_SIZE, &size.to_string());
        self.looks_changed();
        self.size_changed();
    }

    /// The window may have another size; once it is settled, so has the terminal.
    fn size_changed(&self) {
        self.place();
        let number = self.n_sizes.get() + 1;
        self.n_sizes.set(number);
        let own = self.own.clone();
        platform::after(SETTLED, move || {
            let live = own.upgrade().filter(|live| live.n_sizes.get() == number);
            if let Some(live) = live {
                live.take_size();
            }
        });
    }

    fn take_size(&self) {
        // A page that is not shown has no size.
        if self.window.offset_width() == 0 || self.window.offset_height() == 0 {
            return;
        }
        let wanted = self
            .xterm
            .fits()
            .and_then(|fits| fit::wanted(fits, self.xterm.grid(), platform::is_keyboard_open()));
        if let Some(grid) = wanted {
            self.act(|client, _| client.resize(grid));
        }
        self.place();
    }

    /// A terminal somebody else gives its size is drawn so that all of it can be seen; one a keyboard covers so that the line one
    /// types in can.
    fn place(&self) {
        let Some(drawn) = self.xterm.drawn() else { return };
        let window = (self.window.client_width().into(), self.window.client_height().into());
        let is_ours = self.client.borrow().is_controller();
        let scale = if is_ours { 1.0 } else { fit::scale(window, drawn) };
        let shift = if is_ours && platform::is_keyboard_open() {
            let line_end = (self.xterm.cursor_line() + 1.0) * drawn.1 / self.xterm.n_rows();
            fit::shift(window.1, drawn.1, line_end)
        } else {
            0.0
        };
        let style = self.surface.style();
        let _ = if scale < 1.0 || shift > 0.0 {
            let placed = format!("translateY(-{shift:.1}px) scale({scale:.4})");
            style.set_property("transform", &placed)
        } else {
            style.remove_property("transform").map(drop)
        };
    }
}

fn font_size() -> f64 {
    let usual = if platform::has_touch() { 12.0 } else { 13.0 };
    let chosen = platform::recall(FONT_SIZE).and_then(|size| size.parse().ok());
    chosen.filter(|size| FONT_SIZES.contains(size)).unwrap_or(usual)
}
