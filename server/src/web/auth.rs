//! Who makes a request, and what those get who may not make it.
//!
//! Everything asks for a login except what [`is_public`] lists, so a new route is protected by itself. Valid credentials are
//! looked at before anything is counted against somebody: guessing slows down the guesser and nobody else.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    ACCEPT, AUTHORIZATION, HeaderMap, LOCATION, ORIGIN, RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL,
    SET_COOKIE, UPGRADE, USER_AGENT, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use car_domain::access::Device;
use car_engine::EngineError;
use car_engine::access::{Access, Peer};

use super::WebState;
use super::cookie::SessionCookie;
use super::listen::Connection;
use super::problem::Problem;

/// Header that only our own scripts send: a form of another site cannot.
const OWN_REQUEST: &str = "x-car-request";
/// Subprotocol in which old clients of the terminal send the token.
const TOKEN_PROTOCOL: &str = "car-token-b64.";

/// Whether the server asks who one is.
#[derive(Clone)]
pub(crate) enum Gate {
    /// Anybody who reaches it may do everything.
    Open,
    /// Only those who are logged in.
    Closed(Arc<Access>),
}

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Anybody; the gate is open.
    Anybody,
    /// A script with the token.
    Token,
    /// A browser with a session.
    Device(Device),
}

impl Caller {
    /// The same for pages.
    fn visitor(&self) -> app::api::Visitor {
        let device = match self {
            Self::Device(device) => Some(device.id.clone()),
            Self::Anybody | Self::Token => None,
        };
        app::api::Visitor { device, name: self.name().to_owned() }
    }

    /// Tells callers apart.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Anybody => "anybody",
            Self::Token => "token",
            Self::Device(device) => &device.id,
        }
    }

    /// The name in the record.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Anybody => "anybody",
            Self::Token => "token",
            Self::Device(device) => &device.name,
        }
    }
}

/// What became of the credentials of a request.
enum Credentials {
    Valid(Caller),
    Wrong,
    None,
}

/// Lets a request through with its [`Caller`], or asks for a login.
pub(super) async fn check(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match caller(&state, &parts).await {
        Ok(caller) => caller,
        Err(response) => return *response,
    };
    parts.extensions.insert(caller.visitor());
    parts.extensions.insert(caller);
    next.run(Request::from_parts(parts, body)).await
}

/// Who makes the request, or the answer to somebody who may not.
async fn caller(state: &WebState, parts: &Parts) -> Result<Caller, Box<Response>> {
    let Gate::Closed(access) = &state.gate else { return Ok(Caller::Anybody) };
    if is_public(parts.uri.path()) {
        return Ok(Caller::Anybody);
    }
    let peer = peer_of(parts);
    let failed = |error: EngineError| Box::new(Problem::from(error).into_response());
    let caller = match credentials(state, access, parts, &peer).await.map_err(failed)? {
        Credentials::Valid(caller) => caller,
        Credentials::Wrong => return Err(Box::new(refused(access.refuse(&peer)))),
        Credentials::None => {
            return Err(Box::new(without_login(state, access, parts, &peer).await));
        }
    };
    let upgrades = upgrades(parts);
    let changes = !upgrades && !matches!(parts.method, Method::GET | Method::HEAD);
    let is_session = matches!(caller, Caller::Device(_));
    if is_session && upgrades && !parts.headers.contains_key(ORIGIN) {
        // Browsers name the page that opens a socket; whoever does not is no browser and has no business with its cookie.
        let problem = Problem::forbidden("A socket opened with a cookie has to say by which page.");
        return Err(Box::new(problem.into_response()));
    }
    if changes && is_session && !is_deliberate(parts) {
        let problem = Problem::forbidden("This request does not come from a page of CAR.")
            .with_hint("send the header X-CAR-Request: 1, or use the token");
        return Err(Box::new(problem.into_response()));
    }
    if changes {
        let detail = format!("{} {}", parts.method, parts.uri.path());
        access.record(caller.name(), &peer, "request", &detail).await.map_err(failed)?;
    }
    Ok(caller)
}

/// Whether a request opens a socket: by an upgrade, or over HTTP/2 by CONNECT.
fn upgrades(parts: &Parts) -> bool {
    parts.headers.contains_key(UPGRADE) || parts.method == Method::CONNECT
}

/// What anybody may see: that the server lives, how to log in, and files that are the same for everybody.
pub(super) fn is_public(path: &str) -> bool {
    let is_drawing = |ending: &str| path.ends_with(ending) && !path[1..].contains('/');
    matches!(
        path,
        "/health"
            | "/login"
            | "/favicon.ico"
            | "/manifest.webmanifest"
            | "/sw.js"
            | "/offline"
            | "/offline.js"
            | "/register.js"
    ) || path.starts_with("/pkg/")
        || (path.starts_with("/icon") && (is_drawing(".png") || is_drawing(".svg")))
        || (path.starts_with("/favicon") && is_drawing(".svg"))
}

async fn credentials(
    state: &WebState,
    access: &Access,
    parts: &Parts,
    peer: &Peer,
) -> Result<Credentials, EngineError> {
    let headers = &parts.headers;
    if let Some(token) = bearer(headers).or_else(|| protocol_token(parts)) {
        let right = access.is_token(&token);
        return Ok(if right { Credentials::Valid(Caller::Token) } else { Credentials::Wrong });
    }
    let Some(session) = state.session_cookie(access, &parts.extensions).read(headers) else {
        return Ok(Credentials::None);
    };
    // An old cookie is no guess: it is what every browser sends after its session is over.
    Ok(match access.device_of(&session, peer).await? {
        Some(device) => Credentials::Valid(Caller::Device(device)),
        None => Credentials::None,
    })
}

/// Whether a request comes from a browser that is logged in.
pub(super) async fn has_session(state: &WebState, access: &Access, parts: &Parts) -> bool {
    let peer = peer_of(parts);
    let found = credentials(state, access, parts, &peer).await;
    matches!(found, Ok(Credentials::Valid(Caller::Device(_))))
}

/// A write with a cookie must show that a page of ours made it: a script says so in a header, a form has the exact origin,
/// which [`super::edge`] has compared already.
fn is_deliberate(parts: &Parts) -> bool {
    let is_form = parts.uri.path().starts_with("/rpc/") || parts.uri.path() == "/logout";
    parts.headers.contains_key(OWN_REQUEST) || (is_form && parts.headers.contains_key(ORIGIN))
}

/// Nobody is logged in: a page goes to the login and comes back, everything else is told.
async fn without_login(state: &WebState, access: &Access, parts: &Parts, peer: &Peer) -> Response {
    if !is_navigation(parts) {
        return refused(None);
    }
    if let Some((token, rest)) = query_token(&parts.uri) {
        return match access.login_with_token(&token, peer).await {
            Ok(session) => {
                let cookie = state.session_cookie(access, &parts.extensions).set(&session.token);
                (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, rest)]).into_response()
            }
            Err(_) => refused(access.refuse(peer)),
        };
    }
    let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = format!("/login?next={}", form_encoded(next));
    (StatusCode::SEE_OTHER, [(LOCATION, target)]).into_response()
}

pub(super) fn refused(wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        let seconds = wait.as_secs().max(1).to_string();
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many wrong logins.")
            .with_hint(format!("try again in {seconds} s; a valid token is accepted at any time"));
        return ([(RETRY_AFTER, seconds)], problem).into_response();
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized")
        .with_hint("log in with `car open`, or send the server's token as `Authorization: Bearer`");
    ([(WWW_AUTHENTICATE, "Bearer")], problem).into_response()
}

/// A page is asked for, not a part of one.
fn is_navigation(parts: &Parts) -> bool {
    let accepts = text(&parts.headers, &ACCEPT).is_some_and(|kinds| kinds.contains("text/html"));
    parts.method == Method::GET && accepts && !parts.uri.path().starts_with("/api/")
}

/// The `token` of a page's query, as links of the original had it, and the address without it.
fn query_token(uri: &Uri) -> Option<(String, String)> {
    let mut token = None;
    let mut rest = Vec::new();
    for pair in uri.query()?.split('&') {
        match pair.strip_prefix("token=") {
            Some(value) => token = Some(form_decoded(value)),
            None => rest.push(pair),
        }
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    token.map(|token| (token, format!("{}{query}", uri.path())))
}

pub(super) fn form_decoded(value: &str) -> String {
    let pair = format!("v={value}");
    let mut values: Vec<(String, String)> = serde_urlencoded::from_str(&pair).unwrap_or_default();
    values.pop().map(|(_, value)| value).unwrap_or_default()
}

pub(super) fn form_encoded(value: &str) -> String {
    let pair = serde_urlencoded::to_string([("v", value)]).unwrap_or_default();
    pair.strip_prefix("v=").unwrap_or_default().to_owned()
}

impl WebState {
    /// The cookie of a browser that speaks as a request with `extensions` does.
    pub(super) fn session_cookie(&self, access: &Access, extensions: &Extensions) -> SessionCookie {
        let scheme = extensions.get::<super::edge::Scheme>();
        SessionCookie::new(access, &self.base, scheme.is_some_and(|scheme| scheme.is_secure()))
    }
}

/// Where a request comes from.
pub(super) fn peer_of(parts: &Parts) -> Peer {
    let connection = parts.extensions.get::<ConnectInfo<Connection>>();
    let address = connection.and_then(|ConnectInfo(connection)| connection.address);
    Peer {
        address: address.map(|address| address.ip().to_string()),
        user_agent: text(&parts.headers, &USER_AGENT).unwrap_or_default().to_owned(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = text(headers, &AUTHORIZATION)?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn protocol_token(parts: &Parts) -> Option<String> {
    let offered = text(&parts.headers, &SEC_WEBSOCKET_PROTOCOL)?;
    let offered = Some(offered).filter(|_| upgrades(parts))?;
    let token = offered.split(',').find_map(|name| name.trim().strip_prefix(TOKEN_PROTOCOL))?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &axum::http::HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}
