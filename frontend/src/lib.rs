//! The WebAssembly entry: hydrates the page the server sent.
#![cfg(target_arch = "wasm32")]
