//! The cookie of a browser's session: unreadable for scripts, not sent with requests of other sites.

use axum::http::header::{COOKIE, HeaderMap};
use car_engine::access::{Access, SESSION_LIFETIME};

/// How this browser's cookie is called and where it is sent.
pub(super) struct SessionCookie {
    name: String,
    path: String,
    is_secure: bool,
}

impl SessionCookie {
    /// The cookie of the root `access` is about, below `base`.
    pub(super) fn new(access: &Access, base: &str, is_secure: bool) -> Self {
        Self { name: access.cookie_name(base, is_secure), path: format!("{base}/"), is_secure }
    }

    /// The secret a request brings.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<String> {
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| key.trim() == self.name).map(|(_, value)| value.trim().to_owned())
    }

    /// The header that gives a browser the secret `token`.
    pub(super) fn set(&self, token: &str) -> String {
        self.header(token, SESSION_LIFETIME.as_secs())
    }

    /// The header that takes it away.
    pub(super) fn clear(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, age: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let Self { name, path, .. } = self;
        format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
    }
}
