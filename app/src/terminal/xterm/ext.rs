//! What xterm.js 6 has and the crate, written for version 4, does not know.
//!
//! Types by shape only: values are cast to them unchecked, so nothing is imported for them.

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

// The shim in `public/xterm-lazy.mjs`, under the name the page's import map gives it.
#[wasm_bindgen(module = "xterm")]
extern "C" {
    /// Loads xterm and its addons; only then may any of them be constructed.
    #[wasm_bindgen(catch)]
    pub(super) async fn load() -> Result<JsValue, JsValue>;

    /// Runs `work`, in which xterm may make style elements.
    #[wasm_bindgen(catch)]
    pub(super) fn styled(work: &mut dyn FnMut()) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A `Terminal`.
    pub(super) type TerminalExt;

    #[wasm_bindgen(method, getter)]
    pub(super) fn options(this: &TerminalExt) -> JsValue;

    #[wasm_bindgen(method, getter)]
    pub(super) fn modes(this: &TerminalExt) -> Modes;

    #[wasm_bindgen(method, js_name = write)]
    pub(super) fn write_bytes(this: &TerminalExt, bytes: &Uint8Array, then: &Function);

    #[wasm_bindgen(method, catch, js_name = loadAddon)]
    pub(super) fn try_load_addon(this: &TerminalExt, addon: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, js_name = onData)]
    pub(super) fn on_data(this: &TerminalExt, listener: &Function) -> JsValue;

    #[wasm_bindgen(method, js_name = onBinary)]
    pub(super) fn on_binary(this: &TerminalExt, listener: &Function) -> JsValue;

    #[wasm_bindgen(method, js_name = onSelectionChange)]
    pub(super) fn on_selection_change(this: &TerminalExt, listener: &Function) -> JsValue;

    #[wasm_bindgen(method, js_name = onScroll)]
    pub(super) fn on_scroll(this: &TerminalExt, listener: &Function) -> JsValue;

    #[wasm_bindgen(method, js_name = attachCustomKeyEventHandler)]
    pub(super) fn on_key_event(this: &TerminalExt, handler: &Function);

    /// Modes the program asked for.
    pub(super) type Modes;

    #[wasm_bindgen(method, getter, js_name = applicationCursorKeysMode)]
    pub(super) fn application_cursor_keys(this: &Modes) -> bool;

    #[wasm_bindgen(method, getter, js_name = bracketedPasteMode)]
    pub(super) fn bracketed_paste(this: &Modes) -> bool;

    /// A `FitAddon`.
    pub(super) type FitExt;

    #[wasm_bindgen(method, js_name = proposeDimensions)]
    pub(super) fn propose(this: &FitExt) -> Option<Dimensions>;

    /// What fits.
    pub(super) type Dimensions;

    #[wasm_bindgen(method, getter)]
    pub(super) fn cols(this: &Dimensions) -> f64;

    #[wasm_bindgen(method, getter)]
    pub(super) fn rows(this: &Dimensions) -> f64;

    /// A `WebglAddon`.
    pub(super) type WebglExt;

    #[wasm_bindgen(method, js_name = onContextLoss)]
    pub(super) fn on_context_loss(this: &WebglExt, listener: &Function) -> JsValue;

    /// A `SearchAddon`.
    pub(super) type SearchExt;

    #[wasm_bindgen(method, js_name = findNext)]
    pub(super) fn find_next(this: &SearchExt, text: &str, options: &JsValue) -> bool;

    #[wasm_bindgen(method, js_name = findPrevious)]
    pub(super) fn find_previous(this: &SearchExt, text: &str, options: &JsValue) -> bool;

    #[wasm_bindgen(method, js_name = clearDecorations)]
    pub(super) fn clear_decorations(this: &SearchExt);

    #[wasm_bindgen(method, js_name = onDidChangeResults)]
    pub(super) fn on_results(this: &SearchExt, listener: &Function) -> JsValue;

    /// `terminal.parser`.
    pub(super) type ParserExt;

    #[wasm_bindgen(method, js_name = registerOscHandler)]
    pub(super) fn on_osc(this: &ParserExt, number: u32, handler: &Function) -> JsValue;

    /// Something that can be disposed of.
    pub(super) type Disposable;

    #[wasm_bindgen(method)]
    pub(super) fn dispose(this: &Disposable);

    /// `terminal.buffer`.
    pub(super) type Buffers;

    #[wasm_bindgen(method, getter)]
    pub(super) fn active(this: &Buffers) -> Buffer;

    /// A screen with its history.
    pub(super) type Buffer;

    #[wasm_bindgen(method, getter, js_name = type)]
    pub(super) fn kind(this: &Buffer) -> String;

    #[wasm_bindgen(method, getter)]
    pub(super) fn length(this: &Buffer) -> u32;

    #[wasm_bindgen(method, getter, js_name = baseY)]
    pub(super) fn base(this: &Buffer) -> u32;

    #[wasm_bindgen(method, getter, js_name = viewportY)]
    pub(super) fn viewport(this: &Buffer) -> u32;

    #[wasm_bindgen(method, getter, js_name = cursorY)]
    pub(super) fn cursor_y(this: &Buffer) -> u32;

    #[wasm_bindgen(method, js_name = getLine)]
    pub(super) fn line(this: &Buffer, y: u32) -> Option<Line>;

    /// A line of it.
    pub(super) type Line;

    #[wasm_bindgen(method, getter, js_name = isWrapped)]
    pub(super) fn is_wrapped(this: &Line) -> bool;

    #[wasm_bindgen(method, js_name = translateToString)]
    pub(super) fn text(this: &Line, trimmed: bool) -> String;
}
