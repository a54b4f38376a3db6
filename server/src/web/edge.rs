//! What every request has to pass before anybody asks who makes it, and what every response carries.
//!
//! The dangers are other people's pages in the owner's browser: a name that resolves to this machine (caught by `Host`) and a
//! form, script or socket of another site (caught by `Origin` and `Sec-Fetch-Site`). Names are compared exactly, never by
//! pattern. What a proxy says counts only when the configuration names the proxy.

use std::net::IpAddr;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, UPGRADE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use car_engine::config::ServerConfig;

use super::WebState;
use super::listen::Connection;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Most bytes of any body: a recording of the longest length its service takes, and room for what is around it. Routes that
/// need less say so themselves.
pub(super) const MAX_BODY: usize = 32 << 20;
/// For responses that are no page; pages bring a policy of their own with a nonce.
const CLOSED_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// What pages may use of the machine: the microphone for voice, the clipboard for copying.
const PERMISSIONS: &str =
    "camera=(), geolocation=(), payment=(), usb=(), microphone=(self), clipboard-write=(self)";

/// The scheme the browser speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) fn is_secure(self) -> bool {
        self == Self::Https
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Lets a request through or refuses it with a sentence.
pub(super) async fn check(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let config = &state.served.config().server;
    let scheme = scheme_of(&request, config);
    let id = request_id(request.headers());
    let mut request = limited(request);
    // Without the query: it may hold a token.
    let logged = config
        .access_log
        .then(|| (request.method().clone(), request.uri().path().to_owned(), Instant::now()));
    let mut response = match refusal(&request, config, scheme) {
        Some((status, sentence)) => (status, sentence).into_response(),
        None => {
            request.extensions_mut().insert(scheme);
            next.run(request).await
        }
    };
    protect(response.headers_mut());
    if let Some((method, path, began)) = logged {
        let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
        tracing::info!(target: "car::access", %method, path, status, ms, id, "request");
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A request whose body ends with an error where it gets too large, however it is read.
fn limited(request: Request) -> Request {
    request.map(|body| Body::new(http_body_util::Limited::new(body, MAX_BODY)))
}

fn refusal(
    request: &Request,
    config: &ServerConfig,
    scheme: Scheme,
) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    if !host_is_allowed(headers, config) {
        return Some((StatusCode::BAD_REQUEST, "Invalid host"));
    }
    let announced = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Some((StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too large."));
    }
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let upgrades = headers.contains_key(UPGRADE);
    let own = is_own_page(headers, &config.allowed_origins, scheme);
    // A socket is opened by a GET, and no browser asks for permission first.
    ((!is_safe || upgrades) && !own)
        .then_some((StatusCode::FORBIDDEN, "Forbidden: this request comes from another site."))
}

/// Whether the name the browser used is ours. An entry without a port allows every port.
fn host_is_allowed(headers: &HeaderMap, config: &ServerConfig) -> bool {
    let Some(host) = text(headers, &HOST) else { return false };
    let name = without_port(host);
    let is_ours = |entry: &str| {
        entry == "*" || entry.eq_ignore_ascii_case(host) || entry.eq_ignore_ascii_case(name)
    };
    let own = ["localhost", "127.0.0.1", "[::1]"];
    own.into_iter().chain([config.host.as_str()]).any(|entry| entry != "*" && is_ours(entry))
        || config.allowed_hosts.iter().any(|entry| is_ours(entry))
}

/// Whether a request that changes something was made by a page of ours, or by no page at all.
fn is_own_page(headers: &HeaderMap, allowed: &[String], scheme: Scheme) -> bool {
    if let Some(origin) = text(headers, &ORIGIN) {
        let own = text(headers, &HOST).map(|host| format!("{}://{host}", scheme.name()));
        return own.is_some_and(|own| own.eq_ignore_ascii_case(origin))
            || allowed.iter().any(|allowed| allowed == origin && allowed != "null");
    }
    // Trusted only to refuse: what sends no such header is no browser.
    text(headers, &SEC_FETCH_SITE).is_none_or(|site| ["same-origin", "none"].contains(&site))
}

/// What the browser speaks: TLS with us, or with a proxy that the configuration names and that says so.
fn scheme_of(request: &Request, config: &ServerConfig) -> Scheme {
    let said = text(request.headers(), &FORWARDED_PROTO);
    let is_https = said == Some("https") && comes_from_proxy(request, config);
    if is_https || connection(request).is_tls { Scheme::Https } else { Scheme::Http }
}

/// Whether a request comes from a proxy that the configuration names.
pub(super) fn comes_from_proxy(request: &Request, config: &ServerConfig) -> bool {
    let proxy = connection(request).address.map(|address| address.ip().to_canonical());
    let is_named = |proxy: IpAddr| {
        let mut named = config.trusted_proxies.iter();
        named.any(|entry| entry.parse::<IpAddr>().is_ok_and(|ip| ip == proxy))
    };
    proxy.is_some_and(is_named)
}

fn connection(request: &Request) -> Connection {
    let known = request.extensions().get::<ConnectInfo<Connection>>();
    known.map(|ConnectInfo(connection)| *connection).unwrap_or_default()
}

/// The request's id when it brings a sensible one, else one of ours.
fn request_id(headers: &HeaderMap) -> String {
    let is_sensible = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let own = || uuid::Uuid::now_v7().simple().to_string();
    text(headers, &REQUEST_ID).filter(is_sensible).map_or_else(own, str::to_owned)
}

fn protect(headers: &mut HeaderMap) {
    let always = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
        (REFERRER_POLICY, "same-origin"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        (PERMISSIONS_POLICY, PERMISSIONS),
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
        let config = ServerConfig {
            allowed_hosts: vec!["car.local".to_owned(), "box:9000".to_owned()],
            ..ServerConfig::default()
        };
        for (host, expected) in [
            ("localhost:4173", true),
            ("127.0.0.1", true),
            ("[::1]:4173", true),
            ("CAR.local:80", true),
            ("box:9000", true),
            ("box:9001", false),
            ("evil.example", false),
            ("localhost.evil.example:4173", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(host_is_allowed(&headers(&[(HOST, host)]), &config), expected, "{host}");
        }
        assert!(!host_is_allowed(&HeaderMap::new(), &config));
    }

    #[test]
    fn only_our_own_pages_may_change_something() {
        let asked = |origin: &'static str| {
            let headers = headers(&[(HOST, "127.0.0.1:4173"), (ORIGIN, origin)]);
            is_own_page(&headers, &["https://friend.example".to_owned()], Scheme::Http)
        };
        assert!(asked("http://127.0.0.1:4173"));
        assert!(!asked("http://127.0.0.1:9999"));
        assert!(!asked("https://evil.example"));
        assert!(!asked("null"));
        assert!(!asked("https://127.0.0.1:4173"), "another scheme is another origin");
        assert!(!asked("http://127.0.0.1:4173.evil.example"));
        assert!(asked("https://friend.example"));
        let without = |pair| is_own_page(&headers(&[pair]), &[], Scheme::Http);
        assert!(without((HOST, "127.0.0.1:4173")), "a script without a browser");
        assert!(!without((SEC_FETCH_SITE, "cross-site")));
        assert!(!without((SEC_FETCH_SITE, "same-site")));
    }

    #[test]
    fn a_proxy_is_believed_only_when_it_is_named() {
        let from = |ip: &str, trusted: &str| {
            let config = ServerConfig {
                trusted_proxies: vec![trusted.to_owned()],
                ..ServerConfig::default()
            };
            let mut request = Request::new(axum::body::Body::empty());
            request.headers_mut().insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
            let address = format!("{ip}:5").parse().ok();
            request.extensions_mut().insert(ConnectInfo(Connection { address, is_tls: false }));
            scheme_of(&request, &config)
        };
        assert_eq!(from("127.0.0.1", "127.0.0.1"), Scheme::Https);
        assert_eq!(from("127.0.0.1", "10.0.0.1"), Scheme::Http);
    }

    #[test]
    fn a_strange_request_id_is_replaced() {
        let id = |id: &'static str| request_id(&headers(&[(REQUEST_ID, id)]));
        assert_eq!(id("abc-1"), "abc-1");
        assert_eq!(id("<script>").len(), 32);
    }
}
