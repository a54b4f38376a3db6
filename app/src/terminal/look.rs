//! How a terminal looks: the colours and the letters of the page, in what xterm understands.

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use crate::platform;

/// Names of xterm's colours, and the token each comes from.
const COLOURS: [(&str, &str); 22] = [
    ("background", "--term"),
    ("foreground", "--term-text"),
    ("cursor", "--accent"),
    ("cursorAccent", "--accent-ink"),
    ("selectionBackground", "--term-selection"),
    ("black", "--term-black"),
    ("red", "--term-red"),
    ("green", "--term-green"),
    ("yellow", "--term-yellow"),
    ("blue", "--term-blue"),
    ("magenta", "--term-magenta"),
    ("cyan", "--term-cyan"),
    ("white", "--term-white"),
    ("brightBlack", "--term-bright-black"),
    ("brightRed", "--term-bright-red"),
    ("brightGreen", "--term-bright-green"),
    ("brightYellow", "--term-bright-yellow"),
    ("brightBlue", "--term-bright-blue"),
    ("brightMagenta", "--term-bright-magenta"),
    ("brightCyan", "--term-bright-cyan"),
    ("brightWhite", "--term-bright-white"),
    ("overviewRulerBorder", "--term"),
];

/// The look.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    colours: Vec<(&'static str, String)>,
    found: String,
    marked: String,
    /// Size of letters in pixels.
    pub(super) font_size: f64,
    /// The letters.
    pub(super) font_family: String,
}

impl Look {
    /// As the page looks now; letters are `font_size` pixels high.
    pub(super) fn of_page(font_size: f64) -> Self {
        let colours = COLOURS.map(|(name, token)| (name, platform::colour(token)));
        Self {
            colours: colours.into(),
            found: platform::colour("--term-found"),
            marked: platform::colour("--state-needs-fill"),
            font_size,
            font_family: platform::font_family("--font-mono"),
        }
    }

    /// As xterm's `theme`.
    pub(super) fn theme(&self) -> JsValue {
        object(self.colours.iter().map(|(name, colour)| (*name, colour.as_str().into())))
    }

    /// As options of a search that marks what it finds.
    pub(super) fn search(&self) -> JsValue {
        let (found, marked): (JsValue, JsValue) =
            (self.found.as_str().into(), self.marked.as_str().into());
        let decorations = object([
            ("matchBackground", found.clone()),
            ("matchOverviewRuler", found),
            ("activeMatchBackground", marked.clone()),
            ("activeMatchColorOverviewRuler", marked),
        ]);
        object([("decorations", decorations), ("incremental", false.into())])
    }
}

fn object<'a>(values: impl IntoIterator<Item = (&'a str, JsValue)>) -> JsValue {
    let object = Object::new();
    for (name, value) in values {
        // Fails for frozen objects only.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}
