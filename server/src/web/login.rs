//! `GET` and `POST /login`, `POST /logout`: a page that needs neither WebAssembly nor a session.
//!
//! A link with a code fills in the form and sends it by itself. The code is used up by that sending, not by opening the link,
//! so a preview of the link does not waste it.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE,
};
use axum::http::{self, request::Parts};
use axum::response::{IntoResponse, Response};
use car_engine::access::Access;
use serde::Deserialize;

use super::WebState;
use super::auth::{Caller, Gate, has_session, peer_of};
use super::problem::Problem;

/// Sends a code that came with the link.
const SEND_CODE: &str = "document.getElementById('pair').requestSubmit()";
/// A browser keeps the session's cookie back when a link of another site led here. Asked by this page it tells, and an answer
/// that leads elsewhere means that there is a session.
const COME_BACK: &str = "fetch(location.href,{redirect:'manual'}).then(answer=>{if(answer.type==='opaqueredirect')\
location.replace(document.documentElement.dataset.base+document.querySelector('[name=next]').value)})";

/// What the address says.
#[derive(Deserialize, Default)]
pub(super) struct LoginQuery {
    /// A pairing code to send.
    #[serde(default)]
    code: String,
    /// Where to go afterwards.
    #[serde(default)]
    next: String,
}

/// What the form says.
#[derive(Deserialize, Default)]
pub(super) struct LoginForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

/// Shows the form.
pub(super) async fn page(
    State(state): State<WebState>,
    Query(query): Query<LoginQuery>,
    parts: Parts,
) -> Response {
    let is_in = match &state.gate {
        Gate::Open => true,
        Gate::Closed(access) => has_session(&state, access, &parts).await,
    };
    if is_in {
        return (StatusCode::SEE_OTHER, [(LOCATION, local(&query.next))]).into_response();
    }
    let page = Page {
        base: state.base.clone(),
        name: state.served.name(),
        theme: theme(&parts.headers),
        code: query.code,
        next: local(&query.next),
        error: None,
    };
    page.into_response(StatusCode::OK)
}

/// Logs in and goes on to the page that was wanted.
pub(super) async fn submit(
    State(state): State<WebState>,
    parts: Parts,
    form: Result<Form<LoginForm>, FormRejection>,
) -> Response {
    let Gate::Closed(access) = state.gate.clone() else {
        return (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned())]).into_response();
    };
    let peer = peer_of(&parts);
    let theme = theme(&parts.headers);
    let form = match form {
        Ok(Form(form)) => form,
        Err(error) => {
            return Problem::new(StatusCode::BAD_REQUEST, error.body_text()).into_response();
        }
    };
    let next = local(&form.next);
    let login = if form.token.trim().is_empty() {
        access.login_with_code(&form.code, &peer).await
    } else {
        access.login_with_token(&form.token, &peer).await
    };
    let error = match login {
        Ok(session) => {
            let cookie = state.session_cookie(&access, &parts.extensions).set(&session.token);
            return (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, next)])
                .into_response();
        }
        Err(error) => error,
    };
    let hint = error.hint().map(|hint| format!(" {}", sentence(&hint))).unwrap_or_default();
    let error = Some(format!("{error}{hint}"));
    let base = state.base.clone();
    let page = Page { base, name: state.served.name(), theme, code: String::new(), next, error };
    refuse(&access, &peer, page)
}

/// `POST /logout`: ends the session of this browser.
pub(super) async fn logout(
    State(state): State<WebState>,
    parts: Parts,
) -> Result<Response, Problem> {
    let caller = parts.extensions.get::<Caller>();
    if let (Gate::Closed(access), Some(Caller::Device(device))) = (&state.gate, caller) {
        access.revoke(&device.id, &device.name, &peer_of(&parts)).await?;
        let gone = state.session_cookie(access, &parts.extensions).clear();
        // What was last known is for those who are logged in.
        let forget = "\"cache\", \"storage\"".to_owned();
        let headers = [
            (SET_COOKIE, gone),
            (LOCATION, "/login".to_owned()),
            (http::HeaderName::from_static("clear-site-data"), forget),
        ];
        return Ok((StatusCode::SEE_OTHER, headers).into_response());
    }
    Ok((StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response())
}

fn refuse(access: &Access, peer: &car_engine::access::Peer, page: Page) -> Response {
    match access.refuse(peer) {
        None => page.into_response(StatusCode::UNAUTHORIZED),
        Some(wait) => {
            let seconds = wait.as_secs().max(1).to_string();
            let mut response = page.into_response(StatusCode::TOO_MANY_REQUESTS);
            if let Ok(seconds) = seconds.parse() {
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            response
        }
    }
}

/// An address of this server, whatever somebody put into a link.
fn local(next: &str) -> String {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && !next.starts_with("/login");
    if is_local { next.to_owned() } else { "/".to_owned() }
}

fn sentence(hint: &str) -> String {
    let mut chars = hint.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

fn theme(headers: &http::HeaderMap) -> &'static str {
    let cookies = headers.get_all(http::header::COOKIE).iter();
    let mut texts = cookies.filter_map(|value| value.to_str().ok());
    match texts.find_map(|text| text.split(';').find_map(|c| c.trim().strip_prefix("car_theme="))) {
        Some("dark") => " data-theme=\"dark\"",
        Some("light") => " data-theme=\"light\"",
        _ => "",
    }
}

struct Page {
    base: Arc<str>,
    name: String,
    theme: &'static str,
    code: String,
    next: String,
    error: Option<String>,
}

impl Page {
    fn into_response(self, status: StatusCode) -> Response {
        let nonce = uuid::Uuid::now_v7().simple().to_string();
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; \
             script-src 'nonce-{nonce}'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (CONTENT_SECURITY_POLICY, policy),
            (http::header::CACHE_CONTROL, "no-store".to_owned()),
        ];
        (status, headers, self.html(&nonce)).into_response()
    }

    fn html(&self, nonce: &str) -> String {
        let script = if self.code.is_empty() { COME_BACK } else { SEND_CODE };
        let error = self.error.as_ref().map(|error| {
            format!(
                "<p class=\"field__error\" id=\"error\" role=\"alert\"><span class=\"state state--failed\">\
                 <span class=\"state__glyph\" aria-hidden=\"true\"></span></span><span>{}</span></p>",
                escaped(error)
            )
        });
        include_str!("login.html")
            .replace("{base}", &escaped(&self.base))
            .replace("{theme}", self.theme)
            .replace("{name}", &escaped(&self.name))
            .replace("{code}", &escaped(&self.code))
            .replace("{next}", &escaped(&self.next))
            .replace("{error}", &error.unwrap_or_default())
            .replace("{script}", &format!("<script nonce=\"{nonce}\">{script}</script>"))
    }
}

/// Text that stays text in HTML, also in an attribute.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Keeps a value from being taken for another placeholder.
            '{' => html.push_str("&#123;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_login_one_stays_on_this_server() {
        assert_eq!(local("/repos/a?x=1"), "/repos/a?x=1");
        for elsewhere in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "/login", "x"]
        {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
    }

    #[test]
    fn what_comes_with_the_address_stays_text() {
        let page = Page {
            base: "/car".into(),
            name: "<b>".into(),
            theme: "",
            code: "\"><script>".into(),
            next: "/{error}".into(),
            error: Some("{name}".into()),
        };
        let html = page.html("n");
        assert!(!html.contains("\"><script>"), "{html}");
        assert!(html.contains("&lt;b&gt;"), "{html}");
        assert!(html.contains("/&#123;error}"), "{html}");
    }
}
