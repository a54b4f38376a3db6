//! The service worker, and the page it shows while the server cannot be reached.
//!
//! The worker keeps that page and what it needs, under the version of the site it belongs to; pages, WebAssembly and data always
//! come from the server, so an upgraded server never meets what an older one left.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::{WebState, assets};

/// Browsers look for a new worker each time; it must not come from a cache.
const FRESH: &str = "no-cache";
/// What the page may load: its own files, and nothing from elsewhere.
const OFFLINE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What the worker may load: a worker has the policy of its own file, and one that may not ask the server keeps nothing.
const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";

/// `GET /sw.js`.
pub(super) async fn script() -> Response {
    let script = format!("const VERSION = '{}';\n{}", assets::build(), include_str!("worker.js"));
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, FRESH),
        (CONTENT_SECURITY_POLICY, WORKER_POLICY),
    ];
    (headers, script).into_response()
}

/// `GET /offline`: the same for everybody; what was last known is in the browser.
pub(super) async fn page(State(state): State<WebState>) -> Response {
    // A base path is made of letters, digits and slashes; the configuration takes no other.
    let page = include_str!("offline.html").replace("{base}", &state.base);
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, FRESH),
        (CONTENT_SECURITY_POLICY, OFFLINE_POLICY),
    ];
    (headers, page).into_response()
}
