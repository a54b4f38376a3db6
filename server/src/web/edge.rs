//! What every request has to pass, and what every response carries.
//!
//! The server listens on loopback and has no login yet, so the danger is other people's pages in the owner's browser: a name
//! that resolves to 127.0.0.1 (caught by `Host`) and a form or script of another site (caught by `Origin` and
//! `Sec-Fetch-Site`).

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::WebState;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// For responses that are no page; pages bring a policy of their own with a nonce.
const CLOSED_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Lets a request through or refuses it with a sentence.
pub(super) async fn check(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !host_is_allowed(headers, &state.served.config().server.allowed_hosts) {
        return (StatusCode::BAD_REQUEST, "Invalid host").into_response();
    }
    if !request.method().is_safe_here() && !is_own_page(headers) {
        return (StatusCode::FORBIDDEN, "Forbidden: this request comes from another site.")
            .into_response();
    }
    let mut response = next.run(request).await;
    protect(response.headers_mut());
    response
}

trait SafeMethod {
    fn is_safe_here(&self) -> bool;
}

impl SafeMethod for Method {
    fn is_safe_here(&self) -> bool {
        matches!(*self, Method::GET | Method::HEAD)
    }
}

/// Whether the name the browser used is ours. The port is the browser's business.
fn host_is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(host) = text(headers, &HOST) else { return false };
    let name = without_port(host);
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// Whether a request that changes something was made by a page of ours, or by no page at all.
fn is_own_page(headers: &HeaderMap) -> bool {
    if let Some(origin) = text(headers, &ORIGIN) {
        let host = origin.split_once("://").map(|(_, host)| host);
        return host.is_some() && host == text(headers, &HOST);
    }
    text(headers, &SEC_FETCH_SITE).is_none_or(|site| ["same-origin", "none"].contains(&site))
}

fn protect(headers: &mut HeaderMap) {
    let always = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
        (REFERRER_POLICY, "same-origin"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let closed = HeaderValue::from_static(CLOSED_POLICY);
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(closed);
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let allowed = ["car.local".to_owned()];
        for (host, expected) in [
            ("localhost:4173", true),
            ("127.0.0.1", true),
            ("[::1]:4173", true),
            ("CAR.local:80", true),
            ("evil.example", false),
            ("localhost.evil.example:4173", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(host_is_allowed(&headers(&[(HOST, host)]), &allowed), expected, "{host}");
        }
        assert!(!host_is_allowed(&HeaderMap::new(), &allowed));
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        let asked = |origin: &'static str| {
            is_own_page(&headers(&[(HOST, "127.0.0.1:4173"), (ORIGIN, origin)]))
        };
        assert!(asked("http://127.0.0.1:4173"));
        assert!(!asked("http://127.0.0.1:9999"));
        assert!(!asked("https://evil.example"));
        assert!(!asked("null"));
        assert!(is_own_page(&headers(&[(HOST, "127.0.0.1:4173")])), "a script without a browser");
        assert!(!is_own_page(&headers(&[(SEC_FETCH_SITE, "cross-site")])));
        assert!(!is_own_page(&headers(&[(SEC_FETCH_SITE, "same-site")])));
    }
}
