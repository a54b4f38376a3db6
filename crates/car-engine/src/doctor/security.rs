//! Attacks on the running server of a root: what must be refused is tried.
//!
//! Everything goes over the connection an attacker would use. The only thing that is made is a session, which is ended again.

use std::path::Path;

use reqwest::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, COOKIE, HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Method, RequestBuilder, StatusCode};

use super::{Check, fine, trouble};
use crate::access::{Access, Peer};
use crate::config::{AuthMode, load_with_env};
use crate::{EngineError, ServerClient};

/// Needs a login, changes nothing.
const READ: &str = "/api/devices";
/// Needs a login and a body, changes nothing without a right one.
const WRITE: &str = "/api/confirm";
/// Where a terminal is opened.
const SOCKET: &str = "/api/terminal";
/// What tells a page of ours from a form of others.
const OWN_REQUEST: HeaderName = HeaderName::from_static("x-car-request");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// More than any route but those for files takes.
const LARGE: usize = 3 << 20;

/// Attacks the server of `root`.
///
/// # Errors
/// When no server runs, nobody has to log in there, or its secret cannot be read.
pub async fn attack(root: &Path) -> Result<Vec<Check>, EngineError> {
    let (config, env) = load_with_env(root)?;
    let Some(client) = ServerClient::of_root(root)? else {
        return Err(EngineError::not_found(format!("no server runs for {}", root.display()))
            .with_hint("start it with `car serve`, then try again"));
    };
    if config.server.auth == AuthMode::Off {
        let problem = "nobody has to log in (server.auth: off): every program on this machine can run commands as you";
        return Ok(vec![trouble("login", problem, "remove server.auth from the configuration")]);
    }
    let access = Access::open(root, &config, &env)?;
    let peer = Peer { address: None, user_agent: "car doctor --security".to_owned() };
    let session = access.login_with_token(access.token(), &peer).await?;
    let target = Target {
        cookie: format!("{}={}", client.cookie_name(&access), session.token),
        token: access.token().to_owned(),
        client,
    };
    let mut checks = target.attacks().await;
    access.revoke(&session.device.id, &peer.user_agent, &peer).await?;
    let stale = target.with_session(target.get(READ));
    checks.push(target.refused("a cookie of a session that was ended", stale, &[401]).await);
    checks.push(secret_is_private(root, &config.server.auth_token_env));
    Ok(checks)
}

struct Target {
    client: ServerClient,
    token: String,
    cookie: String,
}

impl Target {
    async fn attacks(&self) -> Vec<Check> {
        let token = || self.get(READ).bearer_auth(&self.token);
        let session = || self.with_session(self.get(READ));
        let mut checks = vec![
            // First that the right credentials work: a server that refuses everything proves nothing.
            self.answered("the token", token()).await,
            self.answered("a session", session()).await,
        ];
        checks.extend(self.without_login().await);
        checks.extend(self.other_sites().await);
        checks.extend(self.bodies().await);
        checks.push(self.traversal().await);
        checks.push(self.headers().await);
        checks
    }

    async fn without_login(&self) -> Vec<Check> {
        let wrong = self.get(READ).bearer_auth("wrong");
        let in_query = self.get(&format!("{READ}?token={}", self.token));
        vec![
            self.refused("a request without login", self.get(READ), &[401]).await,
            self.refused("a wrong token", wrong, &[401, 429]).await,
            self.refused("the token in the address of an API route", in_query, &[401]).await,
            self.refused("a socket without login", self.upgrade(), &[401]).await,
        ]
    }

    async fn other_sites(&self) -> Vec<Check> {
        let write = || self.with_session(self.json(WRITE, "{}"));
        let own = |request: RequestBuilder| request.header(OWN_REQUEST, "1");
        let host = self.get(READ).bearer_auth(&self.token).header(HOST, "evil.example");
        let foreign = own(write()).header(ORIGIN, "https://evil.example");
        let null = own(write()).header(ORIGIN, "null");
        let cross = own(write()).header(FETCH_SITE, "cross-site");
        let socket = self.with_session(self.upgrade());
        vec![
            self.refused("a foreign Host (DNS rebinding)", host, &[400]).await,
            self.refused("a write from a foreign Origin", foreign, &[403]).await,
            self.refused("a write from the Origin `null`", null, &[403]).await,
            self.refused("a cross-site write", cross, &[403]).await,
            self.refused("a write with a cookie that no page of ours sent", write(), &[403]).await,
            self.refused(
                "a socket from a foreign Origin",
                socket.header(ORIGIN, "https://evil.example"),
                &[403],
            )
            .await,
            self.refused(
                "a socket with a cookie and without Origin",
                self.with_session(self.upgrade()),
                &[403],
            )
            .await,
        ]
    }

    async fn bodies(&self) -> Vec<Check> {
        let write = || self.client.request(Method::POST, WRITE).bearer_auth(&self.token);
        let text = write().header(CONTENT_TYPE, "text/plain").body("{}");
        let large = write().header(CONTENT_TYPE, "application/json").body(vec![b' '; LARGE]);
        vec![
            self.refused("a text/plain body", text, &[415]).await,
            self.refused("a body that is too large", large, &[413]).await,
        ]
    }

    /// Files outside of the site, and the secret in the directory that is served.
    async fn traversal(&self) -> Check {
        const NAME: &str = "a path that leaves the site";
        for path in [
            "/pkg/..%2f..%2f..%2f..%2f..%2fetc/passwd",
            "/pkg/..%2f.codex-autorunner/server-token",
            "/.codex-autorunner/server-token",
            "/pkg/%2e%2e%2f%2e%2e%2fserver-token",
        ] {
            let answer = match self.get(path).bearer_auth(&self.token).send().await {
                Ok(answer) => answer,
                Err(error) => return no_answer(NAME, error),
            };
            let status = answer.status();
            let text = answer.text().await.unwrap_or_default();
            if text.contains(&self.token) || text.contains("root:") {
                let problem = format!("{NAME} was answered with a file: {path} ({status})");
                return trouble(NAME, problem, "stop this server and report it");
            }
        }
        fine(NAME, "refused")
    }

    async fn headers(&self) -> Check {
        const NAME: &str = "protective headers";
        let answer = match self.get("/login").header(ACCEPT, "text/html").send().await {
            Ok(answer) => answer,
            Err(error) => return no_answer(NAME, error),
        };
        let needed = [
            "content-security-policy",
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "cross-origin-opener-policy",
            "permissions-policy",
        ];
        let missing: Vec<_> =
            needed.into_iter().filter(|name| !answer.headers().contains_key(*name)).collect();
        let allows_others = answer.headers().contains_key("access-control-allow-origin");
        if missing.is_empty() && !allows_others {
            return fine(NAME, "all there, and no other site may read answers");
        }
        let problem = format!("{NAME} are not right: missing {missing:?}, CORS {allows_others}");
        trouble(NAME, problem, "is there a proxy that removes or adds headers?")
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.request(Method::GET, path)
    }

    fn json(&self, path: &str, body: &'static str) -> RequestBuilder {
        self.client.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(body)
    }

    fn upgrade(&self) -> RequestBuilder {
        self.get(SOCKET)
            .header(CONNECTION, "upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, "Y2FyLWRvY3Rvci1jaGVjaw==")
    }

    fn with_session(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(COOKIE, &self.cookie)
    }

    async fn answered(&self, name: &'static str, request: RequestBuilder) -> Check {
        match request.send().await {
            Ok(answer) if answer.status().is_success() => fine(name, "accepted"),
            Ok(answer) => trouble(
                name,
                format!("{name} is not accepted ({})", answer.status()),
                "does this server serve this directory?",
            ),
            Err(error) => no_answer(name, error),
        }
    }

    /// Whether a request is refused with one of these statuses, and the answer does not tell the secret.
    async fn refused(&self, name: &'static str, request: RequestBuilder, with: &[u16]) -> Check {
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return no_answer(name, error),
        };
        let (status, headers) = (answer.status(), format!("{:?}", answer.headers()));
        let told = headers.contains(&self.token)
            || answer.text().await.is_ok_and(|text| text.contains(&self.token));
        if told {
            let problem = format!("the answer to {name} tells the token");
            return trouble(name, problem, "stop this server and report it");
        }
        if with.contains(&status.as_u16()) {
            return fine(name, format!("refused ({status})"));
        }
        let hint = match status {
            StatusCode::OK => "stop this server and report it",
            _ => "is something else between you and the server?",
        };
        trouble(name, format!("{name} was answered with {status}"), hint)
    }
}

fn no_answer(name: &'static str, error: reqwest::Error) -> Check {
    // The address of one attack has the token in it.
    let error = error.without_url();
    let reason = std::error::Error::source(&error).map_or(String::new(), |why| format!(": {why}"));
    trouble(name, format!("{name}: no answer came ({error}{reason})"), "is the server overloaded?")
}

fn secret_is_private(root: &Path, variable: &str) -> Check {
    use std::os::unix::fs::PermissionsExt;
    const NAME: &str = "the secret";

    if !variable.trim().is_empty() {
        return fine(NAME, format!("in the variable {variable}"));
    }
    let path = root.join(crate::config::CAR_DIR).join("server-token");
    match std::fs::metadata(&path).map(|meta| meta.permissions().mode() & 0o777) {
        Ok(mode) if mode & 0o077 == 0 => fine(NAME, "only its owner can read it"),
        Ok(mode) => trouble(
            NAME,
            format!("others can read {} (mode {mode:o})", path.display()),
            "run `chmod 600` on it, then make a new one: remove it and restart the server",
        ),
        Err(error) => trouble(NAME, format!("{}: {error}", path.display()), "restart the server"),
    }
}
