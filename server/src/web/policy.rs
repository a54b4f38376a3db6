//! What a page may load and run: its own scripts, by nonce or from this server, and nothing from elsewhere.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Where `cargo leptos watch` listens for pages that want to reload. Only development builds talk to it.
const RELOAD: &str =
    if cfg!(debug_assertions) { " ws://127.0.0.1:4174 ws://localhost:4174" } else { "" };

/// Gives the page that is being rendered its policy. Does nothing where no page is rendered.
pub(super) fn protect_page() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'{RELOAD}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
}
