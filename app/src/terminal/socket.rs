//! A WebSocket that says nothing any more once it is dropped.

use std::rc::Rc;

use leptos::prelude::window;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// What comes from the other side.
pub(super) enum Heard {
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// It closed, with this code.
    Closed(u16),
}

/// An open or opening socket.
pub(super) struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens one at `path` of this server.
    pub(super) fn open(path: &str, on_heard: Rc<dyn Fn(Heard)>) -> Result<Self, JsValue> {
        let location = window().location();
        let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
        let socket = WebSocket::new(&format!("{scheme}://{}{path}", location.host()?))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let tell = Rc::clone(&on_heard);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let data = event.data();
            match data.as_string() {
                Some(text) => tell(Heard::Text(text)),
                None => tell(Heard::Bytes(js_sys::Uint8Array::new(&data).to_vec())),
            }
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            on_heard(Heard::Closed(event.code()));
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { socket, _on_message: on_message, _on_close: on_close })
    }

    /// Sends a text. What is sent into a socket that is closing is lost, which its closing tells.
    pub(super) fn send(&self, text: &str) {
        let _ = self.socket.send_with_str(text);
    }

    /// Sends bytes.
    pub(super) fn send_bytes(&self, bytes: &[u8]) {
        let _ = self.socket.send_with_u8_array(bytes);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
