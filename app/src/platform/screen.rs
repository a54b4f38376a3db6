//! What the page looks like to a program that draws for itself, and how large the window is.

use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

/// The present value of a colour token, as `#rrggbb`.
pub(crate) fn colour(token: &str) -> String {
    const UNKNOWN: &str = "#808080";
    rgb(token).map_or_else(
        || UNKNOWN.to_owned(),
        |[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"),
    )
}

/// Drawing it is the one way to learn what a colour of any notation is.
fn rgb(token: &str) -> Option<[u8; 3]> {
    let computed = with_probe(&format!("color: var({token})"), "color")?;
    let canvas = document().create_element("canvas").ok()?;
    let canvas: web_sys::HtmlCanvasElement = canvas.dyn_into().ok()?;
    canvas.set_width(1);
    canvas.set_height(1);
    let context = canvas.get_context("2d").ok()??;
    let context: web_sys::CanvasRenderingContext2d = context.dyn_into().ok()?;
    context.set_fill_style_str(&computed);
    context.fill_rect(0.0, 0.0, 1.0, 1.0);
    let data = context.get_image_data(0.0, 0.0, 1.0, 1.0).ok()?.data();
    Some([*data.first()?, *data.get(1)?, *data.get(2)?])
}

/// The present value of a token for letters.
pub(crate) fn font_family(token: &str) -> String {
    let family = with_probe(&format!("font-family: var({token})"), "font-family");
    family.unwrap_or_else(|| "monospace".to_owned())
}

/// What becomes of a property of an element with this style.
fn with_probe(style: &str, property: &str) -> Option<String> {
    let probe: HtmlElement = document().create_element("span").ok()?.dyn_into().ok()?;
    probe.style().set_css_text(&format!("display: none; {style}"));
    document().body()?.append_child(&probe).ok()?;
    let value = window().get_computed_style(&probe).ok().flatten();
    let value = value.and_then(|style| style.get_property_value(property).ok());
    probe.remove();
    value.filter(|value| !value.is_empty())
}

/// Whether the browser draws with the graphics card for us; asked of a canvas nobody sees, so that nobody is told when not.
pub(crate) fn has_webgl() -> bool {
    let options = js_sys::Object::new();
    // Drawing by the processor as if it were a graphics card is slower than not pretending.
    let _ = js_sys::Reflect::set(&options, &"failIfMajorPerformanceCaveat".into(), &true.into());
    let canvas = document().create_element("canvas").ok();
    let canvas = canvas.and_then(|canvas| canvas.dyn_into::<web_sys::HtmlCanvasElement>().ok());
    let context = canvas
        .and_then(|canvas| canvas.get_context_with_context_options("webgl2", &options).ok())
        .flatten();
    context.is_some()
}

/// Tells when something about the page changes; stops when it is dropped.
pub(crate) struct Watch(Option<Box<dyn FnOnce()>>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

/// Calls `changed` when the page gets another theme.
pub(crate) fn on_theme(changed: impl Fn() + 'static) -> Watch {
    let listener = Closure::<dyn FnMut()>::new(changed);
    let function: js_sys::Function = listener.as_ref().unchecked_ref::<js_sys::Function>().clone();
    let observer = web_sys::MutationObserver::new(&function).ok();
    let options = web_sys::MutationObserverInit::new();
    options.set_attributes(true);
    options.set_attribute_filter(&js_sys::Array::of1(&"data-theme".into()));
    if let (Some(observer), Some(root)) = (&observer, document().document_element()) {
        // Fails for options that contradict each other.
        let _ = observer.observe_with_options(&root, &options);
    }
    let system = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    if let Some(system) = &system {
        let _ = system.add_event_listener_with_callback("change", &function);
    }
    Watch(Some(Box::new(move || {
        if let Some(observer) = observer {
            observer.disconnect();
        }
        if let Some(system) = system {
            let _ = system.remove_event_listener_with_callback("change", &function);
        }
        drop(listener);
    })))
}

/// Calls `changed` when `element` gets another size, and once at the beginning.
pub(crate) fn on_size(element: &HtmlElement, changed: impl Fn() + 'static) -> Watch {
    let listener = Closure::<dyn FnMut()>::new(changed);
    let observer = web_sys::ResizeObserver::new(listener.as_ref().unchecked_ref()).ok();
    if let Some(observer) = &observer {
        observer.observe(element);
    }
    Watch(Some(Box::new(move || {
        if let Some(observer) = observer {
            observer.disconnect();
        }
        drop(listener);
    })))
}

/// Calls `happened` when the event `name` comes from `element`.
pub(crate) fn on(
    element: &HtmlElement,
    name: &'static str,
    happened: impl Fn() + 'static,
) -> Watch {
    let listener = Closure::<dyn FnMut()>::new(happened);
    let function: js_sys::Function = listener.as_ref().unchecked_ref::<js_sys::Function>().clone();
    let _ = element.add_event_listener_with_callback(name, &function);
    let element = element.clone();
    Watch(Some(Box::new(move || {
        let _ = element.remove_event_listener_with_callback(name, &function);
        drop(listener);
    })))
}

/// Keeps `--seen-height` at the height of the window that no on-screen keyboard covers, and `data-keyboard` on the document while
/// there is one.
pub(crate) fn follow_keyboard() -> Watch {
    /// A keyboard covers more than the bars a browser shows and hides.
    const LEAST: f64 = 140.0;
    let Some(seen) = window().visual_viewport() else { return Watch(None) };
    let tallest = std::cell::Cell::new(0.0_f64);
    let width = std::cell::Cell::new(0.0_f64);
    let viewport = seen.clone();
    let follow = move || {
        let Some(root) = document().document_element() else { return };
        let Ok(root) = root.dyn_into::<HtmlElement>() else { return };
        let height = viewport.height();
        if (viewport.width() - width.replace(viewport.width())).abs() > 1.0 {
            // Turned: what was tall is wide now.
            tallest.set(0.0);
        }
        tallest.set(tallest.get().max(height));
        let is_open = super::has_touch() && is_typing() && tallest.get() - height > LEAST;
        let _ = root.style().set_property("--seen-height", &format!("{height}px"));
        let _ = if is_open {
            root.set_attribute("data-keyboard", "")
        } else {
            root.remove_attribute("data-keyboard")
        };
        if is_open && viewport.offset_top() > 0.0 {
            // Some browsers push the page up instead of making it smaller.
            window().scroll_to_with_x_and_y(0.0, 0.0);
        }
    };
    follow();
    let listener = Closure::<dyn FnMut()>::new(follow);
    let function: js_sys::Function = listener.as_ref().unchecked_ref::<js_sys::Function>().clone();
    let _ = seen.add_event_listener_with_callback("resize", &function);
    let _ = seen.add_event_listener_with_callback("scroll", &function);
    Watch(Some(Box::new(move || {
        let _ = seen.remove_event_listener_with_callback("resize", &function);
        let _ = seen.remove_event_listener_with_callback("scroll", &function);
        if let Some(root) = document().document_element() {
            let _ = root.remove_attribute("data-keyboard");
        }
        drop(listener);
    })))
}

/// Whether an on-screen keyboard may be open: a finger points, and something takes text.
pub(crate) fn is_keyboard_open() -> bool {
    super::has_touch() && is_typing()
}

fn is_typing() -> bool {
    let active = document().active_element();
    active.is_some_and(|element| ["TEXTAREA", "INPUT"].contains(&element.tag_name().as_str()))
}

/// Text that was encoded in base64, as UTF-8.
pub(crate) fn decode_base64(encoded: &str) -> Option<String> {
    let bytes: Vec<u8> = window()
        .atob(encoded)
        .ok()?
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?'))
        .collect();
    String::from_utf8(bytes).ok()
}

/// A name unlike that of any other page.
pub(crate) fn unique_name() -> String {
    let mut bytes = [0; 16];
    let crypto = window().crypto();
    // Without it nothing is secret, and names need not be.
    let is_random =
        crypto.is_ok_and(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).is_ok());
    if !is_random {
        return format!("{:x}", js_sys::Math::random().to_bits());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a page elsewhere, which learns nothing of this one.
pub(crate) fn open_elsewhere(link: &str) {
    let _ = window().open_with_url_and_target_and_features(link, "_blank", "noopener,noreferrer");
}

/// Copies `text`; calls `then` with whether that worked.
pub(crate) fn copy(text: &str, then: impl FnOnce(bool) + 'static) {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    // There is none where the connection is not safe.
    let Some(clipboard) = clipboard.ok().filter(JsValue::is_object) else {
        then(copy_the_old_way(text));
        return;
    };
    let clipboard: web_sys::Clipboard = clipboard.unchecked_into();
    let (promise, text) = (clipboard.write_text(text), text.to_owned());
    leptos::task::spawn_local(async move {
        let copied = wasm_bindgen_futures::JsFuture::from(promise).await.is_ok();
        then(copied || copy_the_old_way(&text));
    });
}

fn copy_the_old_way(text: &str) -> bool {
    let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() else { return false };
    let (Ok(area), Some(body)) = (document.create_element("textarea"), document.body()) else {
        return false;
    };
    let Ok(area) = area.dyn_into::<web_sys::HtmlTextAreaElement>() else { return false };
    let focused = document.active_element().and_then(|e| e.dyn_into::<HtmlElement>().ok());
    area.set_value(text);
    area.set_class_name("vh");
    let _ = body.append_child(&area);
    area.select();
    let copied = document.exec_command("copy").unwrap_or(false);
    area.remove();
    if let Some(focused) = focused {
        let _ = focused.focus();
    }
    copied
}
