//! Asking the server of a root, from a command of its owner on the same machine.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::RunningServer;
use crate::EngineError;
use crate::access::Access;
use crate::config::{AuthMode, load_with_env};
use crate::hub::Registry;
use crate::repo::Repo;

/// How long a server on this machine may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A way to a server. Its Unix socket is preferred: it needs neither name nor certificate.
pub struct ServerClient {
    client: Client,
    /// In front of every path.
    url: String,
    base_path: String,
    is_tls: bool,
    token: Option<String>,
}

impl ServerClient {
    /// To the server of `root`; `None` when none runs.
    ///
    /// # Errors
    /// When the secret of the root cannot be read.
    pub fn of_root(root: &Path) -> Result<Option<Self>, EngineError> {
        let Some(server) = RunningServer::of(root) else { return Ok(None) };
        let (config, env) = load_with_env(root)?;
        let token = match config.server.auth {
            AuthMode::Off => None,
            AuthMode::On => Some(Access::open(root, &config, &env)?.token().to_owned()),
        };
        let place = server.place;
        // A connection is not kept: the server closes one whose request it refused in the middle.
        let builder =
            Client::builder().no_proxy().http1_only().pool_max_idle_per_host(0).timeout(TIMEOUT);
        let (builder, url) = match &place.socket {
            Some(socket) => (
                builder.unix_socket(socket.as_path()),
                format!("http://localhost{}", place.base_path),
            ),
            // The process was found by its number and start time, and nothing leaves this machine: what a certificate
            // would prove is known already, and its name is that of another interface.
            None => (builder.danger_accept_invalid_certs(place.is_local()), place.url()),
        };
        Ok(builder.build().ok().map(|client| Self {
            client,
            url,
            base_path: place.base_path,
            is_tls: place.is_tls && place.socket.is_none(),
            token,
        }))
    }

    /// To the server that serves `repo`, alone or as part of a hub above it; paths are those of the repository's API.
    ///
    /// # Errors
    /// When the secret of the root cannot be read.
    pub fn of_repo(repo: &Repo) -> Result<Option<Self>, EngineError> {
        if let Some(client) = Self::of_root(repo.root())? {
            return Ok(Some(client));
        }
        for dir in repo.root().ancestors().skip(1) {
            if RunningServer::of(dir).is_none() {
                continue;
            }
            let registry = Registry::look(dir, &load_with_env(dir)?.0)?;
            let Some(found) = registry.repos.iter().find(|found| found.root == repo.root()) else {
                continue;
            };
            let client = Self::of_root(dir)?;
            return Ok(client.map(|client| Self {
                url: format!("{}/repos/{}", client.url, encoded(&found.id)),
                ..client
            }));
        }
        Ok(None)
    }

    /// Where it is, for messages.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A request without any credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// The name of a session's cookie there.
    pub fn cookie_name(&self, access: &Access) -> String {
        access.cookie_name(&self.base_path, self.is_tls)
    }

    /// Asks it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, reqwest::Error> {
        let request = self.request(method, path);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }
}

/// A part of a path.
fn encoded(id: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    id.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
