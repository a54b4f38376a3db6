//! The site: in release builds part of the binary, in debug builds read from `target/site`.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
    VARY,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use leptos::IntoView;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// Addresses that programs ask, who have no use for a page.
const PROGRAMS: [&str; 4] = ["/api/", "/hub/", "/rpc/", "/system/"];

#[derive(RustEmbed)]
#[folder = "../target/site"]
#[exclude = "*.gz"]
struct Site;

/// What of the site every page needs and is not there.
pub(super) fn missing() -> Vec<&'static str> {
    let needed = ["pkg/car.js", "pkg/car.wasm", "pkg/car.css"];
    needed.into_iter().filter(|path| Site::get(path).is_none()).collect()
}

/// Names the site as this server has it: another one after every change of a file that pages are made of.
pub(super) fn build() -> Arc<str> {
    static BUILD: LazyLock<Arc<str>> = LazyLock::new(|| name_of_site().into());
    Arc::clone(&BUILD)
}

fn name_of_site() -> String {
    let mut all = Sha256::new();
    for path in Site::iter().filter(|path| !path.ends_with(".br")) {
        if let Some(file) = Site::get(&path) {
            all.update(path.as_bytes());
            all.update(file.metadata.sha256_hash());
        }
    }
    hex(&all.finalize()[..8])
}

/// Answers with the file a path names, or with the page that says there is none.
pub(super) fn asset_or<V>(
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> impl Fn(Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Clone + Send + Sync + 'static
where
    V: IntoView + 'static,
{
    move |request| {
        let (context, shell) = (context.clone(), shell.clone());
        Box::pin(async move {
            if matches!(*request.method(), Method::GET | Method::HEAD)
                && let Some(response) = asset(request.uri(), request.headers())
            {
                return response;
            }
            let path = request.uri().path();
            if PROGRAMS.iter().any(|prefix| path.starts_with(prefix)) {
                let problem =
                    Problem::new(StatusCode::NOT_FOUND, "There is nothing at this address.");
                return problem
                    .with_hint("GET /api/reference describes what there is")
                    .into_response();
            }
            let page = leptos_axum::render_app_to_stream_with_context(context, shell);
            let mut response = page(request).await;
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        })
    }
}

/// The file at this address, brotli-compressed when the client takes that and there is such a version. A page names the site it
/// belongs to and never gets a file of another one.
fn asset(uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let path = uri.path();
    let path = path.strip_prefix('/').filter(|path| !path.is_empty() && !path.ends_with(".br"))?;
    let plain = Site::get(path)?;
    let etag = format!("\"{}\"", hex(&plain.metadata.sha256_hash()[..16]));
    let unchanged =
        headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let wanted = uri.query().and_then(|query| query.strip_prefix("v="));
    if wanted.is_some_and(|wanted| wanted != &*build()) {
        let gone = Problem::new(StatusCode::GONE, "This file belongs to another version of CAR.")
            .with_hint("load the page anew");
        return Some(([(CACHE_CONTROL, "no-store")], gone).into_response());
    }
    // In debug builds files change under a running server.
    let keep = match wanted {
        Some(_) if !cfg!(debug_assertions) => "public, max-age=31536000, immutable",
        // The name alone does not change with the content, so browsers ask each time and mostly hear that nothing changed.
        _ => "no-cache",
    };
    let common =
        [(ETAG, etag), (CACHE_CONTROL, keep.to_owned()), (VARY, "accept-encoding".to_owned())];
    if unchanged {
        return Some((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let kind = [(CONTENT_TYPE, content_type(path))];
    let compressed = takes_brotli(headers).then(|| Site::get(&format!("{path}.br"))).flatten();
    Some(match compressed {
        Some(file) => (common, kind, [(CONTENT_ENCODING, "br")], body(file)).into_response(),
        None => (common, kind, body(plain)).into_response(),
    })
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn content_type(path: &str) -> String {
    if path.ends_with(".webmanifest") {
        return "application/manifest+json".to_owned();
    }
    mime_guess::from_path(path).first_or_octet_stream().to_string()
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| list.split(',').any(|coding| coding.trim() == "br"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
