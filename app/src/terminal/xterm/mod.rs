//! xterm.js behind a few methods. Everything that is made here goes when the [`Xterm`] goes.

mod ext;

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::{Function, Object, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, KeyboardEvent};
use xterm_js_rs::addons::fit::FitAddon;
use xterm_js_rs::addons::search::SearchAddon;
use xterm_js_rs::addons::unicode11::Unicode11Addon;
use xterm_js_rs::addons::web_links::WebLinksAddon;
use xterm_js_rs::addons::webgl::WebglAddon;
use xterm_js_rs::{Terminal, TerminalOptions};

use super::client::Grid;
use super::look::Look;
use super::text;
use ext::{Disposable, FitExt, ParserExt, SearchExt, TerminalExt, WebglExt};

/// Lines of history the browser keeps.
const SCROLLBACK: u32 = 5000;
/// The control sequence programs copy with.
const OSC_COPY: u32 = 52;

/// What happens in a terminal.
pub(super) enum Event {
    /// Somebody typed, or the terminal answers the program.
    Data(String),
    /// The mouse says something that is no text.
    Binary(Vec<u8>),
    /// Everything before this offset is shown.
    Shown(u64),
    /// Another text is selected, or none.
    Selection,
    /// The program wants this text to be copied.
    Copy(String),
    /// A link was followed.
    Link(String),
    /// It was scrolled.
    Scroll,
    /// Results of a search: which one is marked, and of how many.
    Found(Option<u32>, u32),
}

/// Called with what happens.
pub(super) type OnEvent = Rc<dyn Fn(Event)>;
/// Asked about each key before the terminal gets it; false keeps it away.
pub(super) type OnKey = Rc<dyn Fn(&KeyboardEvent) -> bool>;

/// A terminal in the page.
pub(super) struct Xterm {
    terminal: Terminal,
    fit: JsValue,
    search: JsValue,
    webgl: Rc<RefCell<Option<JsValue>>>,
    /// Offsets of what is being shown, in order.
    writing: Rc<RefCell<VecDeque<u64>>>,
    written: Closure<dyn FnMut()>,
    /// Called by the terminal as long as it lives.
    _closures: Vec<Box<dyn Any>>,
}

/// Loads xterm.js itself; before that, no [`Xterm`] can be made.
pub(super) async fn load() -> Result<(), JsValue> {
    ext::load().await.map(drop)
}

/// What is called from JavaScript, kept until the terminal is gone.
struct Listeners(Vec<Box<dyn Any>>);

impl Listeners {
    fn keep<T: ?Sized + wasm_bindgen::closure::WasmClosure + 'static>(
        &mut self,
        closure: Closure<T>,
    ) -> Function {
        let function = closure.as_ref().unchecked_ref::<Function>().clone();
        self.0.push(Box::new(closure));
        function
    }
}

impl Xterm {
    /// Opens a terminal in `parent`.
    pub(super) fn open(
        parent: &HtmlElement,
        grid: Grid,
        look: &Look,
        on_event: &OnEvent,
        on_key: OnKey,
    ) -> Result<Self, JsValue> {
        let mut listeners = Listeners(Vec::new());
        let options = options(grid, look, on_event, &mut listeners);
        let terminal = Terminal::new(options.unchecked_ref::<TerminalOptions>());
        let own: &TerminalExt = terminal.unchecked_ref();
        let fit: JsValue = FitAddon::new().into();
        let search: JsValue = SearchAddon::new().into();
        let unicode: JsValue = Unicode11Addon::new().into();
        let links = listeners.keep(link_listener(on_event));
        let links: JsValue = WebLinksAddon::new(Some(&links), None, None).into();
        for addon in [&fit, &search, &unicode, &links] {
            own.try_load_addon(addon)?;
        }
        set(terminal.get_unicode().as_ref(), "activeVersion", &"11".into());
        listen(own, on_event, on_key, &mut listeners);
        let results = listeners.keep(results_listener(on_event));
        search.unchecked_ref::<SearchExt>().on_results(&results);
        let copy = listeners.keep(copy_listener(on_event));
        let parser: JsValue = terminal.get_parser().into();
        parser.unchecked_ref::<ParserExt>().on_osc(OSC_COPY, &copy);
        styled(|| terminal.open(parent.clone()));
        let webgl = Rc::default();
        draw_fast(own, &webgl, &mut listeners);
        let writing = Rc::new(RefCell::new(VecDeque::new()));
        let written = shown_listener(on_event, &writing);
        Ok(Self { terminal, fit, search, webgl, writing, written, _closures: listeners.0 })
    }

    /// Shows bytes that end at `end`.
    pub(super) fn write(&self, bytes: &[u8], end: u64) {
        self.writing.borrow_mut().push_back(end);
        let function = self.written.as_ref().unchecked_ref();
        self.own().write_bytes(&Uint8Array::from(bytes), function);
    }

    /// Becomes a fresh terminal of this size.
    pub(super) fn reset(&self, grid: Grid) {
        // In order with what is being written: the sequence that resets a terminal, not the method.
        self.write(b"\x1bc", 0);
        self.resize(grid);
    }

    /// Takes this size.
    pub(super) fn resize(&self, grid: Grid) {
        if self.grid() != grid {
            self.terminal.resize(grid.cols.into(), grid.rows.into());
        }
    }

    /// Its size.
    pub(super) fn grid(&self) -> Grid {
        let side = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        Grid { cols: side(self.terminal.get_cols()), rows: side(self.terminal.get_rows()) }
    }

    /// The size that would fill its parent; nothing while that cannot be told.
    pub(super) fn fits(&self) -> Option<Grid> {
        let fits = self.fit.unchecked_ref::<FitExt>().propose()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest number there is"
        )]
        let side = |n: f64| n as u16;
        let (cols, rows) = (fits.cols(), fits.rows());
        (cols.is_finite() && rows.is_finite()).then(|| Grid { cols: side(cols), rows: side(rows) })
    }

    /// Width and height of what it draws, in pixels.
    pub(super) fn drawn(&self) -> Option<(f64, f64)> {
        let screen = self.terminal.get_element().query_selector(".xterm-screen").ok().flatten()?;
        let screen: HtmlElement = screen.dyn_into().ok()?;
        Some((screen.offset_width().into(), screen.offset_height().into()))
    }

    /// The line of the screen the cursor is in, from 0.
    pub(super) fn cursor_line(&self) -> f64 {
        self.buffer().cursor_y().into()
    }

    /// How many lines the screen has.
    pub(super) fn n_rows(&self) -> f64 {
        self.terminal.get_rows().max(1).into()
    }

    /// Looks like this from now on.
    pub(super) fn set_look(&self, look: &Look) {
        let options = self.own().options();
        set(&options, "theme", &look.theme());
        set(&options, "fontSize", &look.font_size.into());
        set(&options, "fontFamily", &look.font_family.as_str().into());
    }

    /// Tells screen readers what is on the screen, or not, which is faster.
    pub(super) fn set_screen_reader(&self, is_on: bool) {
        set(&self.own().options(), "screenReaderMode", &is_on.into());
    }

    /// Takes keys, or not.
    pub(super) fn set_typing(&self, can_type: bool) {
        let options = self.own().options();
        set(&options, "disableStdin", &(!can_type).into());
        set(&options, "cursorBlink", &can_type.into());
    }

    /// Puts the focus into it.
    pub(super) fn focus(&self) {
        self.terminal.focus();
    }

    /// Whether the program wants the cursor keys of the application mode.
    pub(super) fn application_cursor_keys(&self) -> bool {
        self.own().modes().application_cursor_keys()
    }

    /// Whether the program wants to be told pasted text from keys.
    pub(super) fn takes_paste(&self) -> bool {
        self.own().modes().bracketed_paste()
    }

    /// The selected text.
    pub(super) fn selection(&self) -> String {
        self.terminal.get_selection()
    }

    /// Marks the next place with this text, or the one before.
    pub(super) fn find(&self, text: &str, backwards: bool, look: &Look) {
        let search: &SearchExt = self.search.unchecked_ref();
        if text.is_empty() {
            search.clear_decorations();
            self.terminal.clear_selection();
            return;
        }
        let options = look.search();
        if backwards {
            search.find_previous(text, &options);
        } else {
            search.find_next(text, &options);
        }
    }

    /// Whether the newest line is in view.
    pub(super) fn is_at_end(&self) -> bool {
        let buffer = self.buffer();
        buffer.viewport() >= buffer.base()
    }

    /// Scrolls to the newest line.
    pub(super) fn scroll_to_end(&self) {
        self.terminal.scroll_to_bottom();
    }

    /// Everything on the screen and above it, each line with whether it goes on with the one before.
    pub(super) fn lines(&self) -> Vec<(String, bool)> {
        let buffer = self.buffer();
        let line = |y| {
            let line = buffer.line(y)?;
            let goes_on = buffer.line(y + 1).is_some_and(|next| next.is_wrapped());
            // A line that goes on keeps the space at its end.
            Some((line.text(!goes_on), line.is_wrapped()))
        };
        (0..buffer.length()).filter_map(line).collect()
    }

    fn own(&self) -> &TerminalExt {
        self.terminal.unchecked_ref()
    }

    fn buffer(&self) -> ext::Buffer {
        let buffers: JsValue = self.terminal.get_buffer().into();
        buffers.unchecked_ref::<ext::Buffers>().active()
    }
}

impl Drop for Xterm {
    fn drop(&mut self) {
        self.webgl.borrow_mut().take();
        self.terminal.dispose();
    }
}

fn options(grid: Grid, look: &Look, on_event: &OnEvent, listeners: &mut Listeners) -> Object {
    let options = Object::new();
    let link_handler = Object::new();
    set(&link_handler, "activate", &listeners.keep(link_listener(on_event)));
    let values: [(&str, JsValue); 14] = [
        ("allowProposedApi", true.into()),
        ("cols", grid.cols.into()),
        ("rows", grid.rows.into()),
        ("theme", look.theme()),
        ("fontSize", look.font_size.into()),
        ("fontFamily", look.font_family.as_str().into()),
        ("lineHeight", 1.2.into()),
        ("cursorBlink", true.into()),
        ("scrollback", SCROLLBACK.into()),
        ("minimumContrastRatio", 4.5.into()),
        ("rescaleOverlappingGlyphs", true.into()),
        ("macOptionIsMeta", true.into()),
        ("linkHandler", link_handler.into()),
        ("logLevel", "off".into()),
    ];
    for (name, value) in values {
        set(&options, name, &value);
    }
    options
}

fn listen(own: &TerminalExt, on_event: &OnEvent, on_key: OnKey, listeners: &mut Listeners) {
    let tell = Rc::clone(on_event);
    let data = Closure::<dyn FnMut(String)>::new(move |data| tell(Event::Data(data)));
    own.on_data(&listeners.keep(data));
    let tell = Rc::clone(on_event);
    let binary = Closure::<dyn FnMut(String)>::new(move |data: String| {
        // One character for each byte.
        let bytes = data.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'));
        tell(Event::Binary(bytes.collect()));
    });
    own.on_binary(&listeners.keep(binary));
    let tell = Rc::clone(on_event);
    let selection = Closure::<dyn FnMut()>::new(move || tell(Event::Selection));
    own.on_selection_change(&listeners.keep(selection));
    let tell = Rc::clone(on_event);
    let scroll = Closure::<dyn FnMut()>::new(move || tell(Event::Scroll));
    own.on_scroll(&listeners.keep(scroll));
    let keys = Closure::<dyn FnMut(KeyboardEvent) -> bool>::new(move |key| on_key(&key));
    own.on_key_event(&listeners.keep(keys));
}

fn link_listener(on_event: &OnEvent) -> Closure<dyn FnMut(JsValue, String)> {
    let tell = Rc::clone(on_event);
    Closure::new(move |_, link| tell(Event::Link(link)))
}

fn results_listener(on_event: &OnEvent) -> Closure<dyn FnMut(JsValue)> {
    let tell = Rc::clone(on_event);
    Closure::new(move |results: JsValue| {
        let number = |name: &str| Reflect::get(&results, &name.into()).ok()?.as_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest number there is"
        )]
        let whole = |n: f64| n as u32;
        let marked = number("resultIndex").filter(|n| *n >= 0.0).map(whole);
        tell(Event::Found(marked, number("resultCount").map_or(0, whole)));
    })
}

fn copy_listener(on_event: &OnEvent) -> Closure<dyn FnMut(String) -> bool> {
    let tell = Rc::clone(on_event);
    Closure::new(move |data: String| {
        if let Some(text) = text::to_copy(&data, crate::platform::decode_base64) {
            tell(Event::Copy(text));
        }
        true
    })
}

fn shown_listener(
    on_event: &OnEvent,
    writing: &Rc<RefCell<VecDeque<u64>>>,
) -> Closure<dyn FnMut()> {
    let (tell, writing) = (Rc::clone(on_event), Rc::clone(writing));
    Closure::new(move || {
        let end = writing.borrow_mut().pop_front();
        if let Some(end) = end {
            tell(Event::Shown(end));
        }
    })
}

/// Draws on the graphics card, where there is one the browser lets us use; when it is taken away, the slower way goes on.
fn draw_fast(own: &TerminalExt, webgl: &Rc<RefCell<Option<JsValue>>>, listeners: &mut Listeners) {
    if !crate::platform::has_webgl() {
        return;
    }
    let addon: JsValue = WebglAddon::new(None).into();
    if own.try_load_addon(&addon).is_err() {
        return;
    }
    let held = Rc::clone(webgl);
    let lost = Closure::<dyn FnMut()>::new(move || {
        let addon = held.borrow_mut().take();
        if let Some(addon) = addon {
            styled(|| addon.unchecked_ref::<Disposable>().dispose());
        }
    });
    let lost = listeners.keep(lost);
    addon.unchecked_ref::<WebglExt>().on_context_loss(&lost);
    *webgl.borrow_mut() = Some(addon);
}

/// Does something in which xterm makes style elements, which the page's policy knows by their nonce.
fn styled(work: impl FnOnce()) {
    let mut work = Some(work);
    let once = &mut || {
        if let Some(work) = work.take() {
            work();
        }
    };
    // It fails only where `work` does.
    let _ = ext::styled(once);
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // Fails for frozen objects only.
    let _ = Reflect::set(object, &name.into(), value);
}
