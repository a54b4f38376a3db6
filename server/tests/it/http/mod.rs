//! A loop and its runs over HTTP, with real runners and real git.

mod changes;
mod control;

use std::time::Duration;

use nix::sys::signal::Signal;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::support::{Project, Running, eventually};

/// How long any answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A project that is served, and a script that has the token.
pub(crate) struct Served {
    server: Running,
    client: Client,
    url: String,
    token: String,
}

impl Served {
    pub(crate) fn start(project: &Project) -> Self {
        let server = project.start(&["serve", "--port", "0"]);
        let url = eventually("the server says where it listens", || {
            let said = server.stdout();
            let line = said.lines().find(|line| line.starts_with("Serving"))?;
            line.split(" on ").nth(1).map(str::to_owned)
        });
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let token = project.read("server-token").trim().to_owned();
        Self { server, client, url, token }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let asked = self.client.request(method, format!("{}{path}", self.url));
        let asked = asked.bearer_auth(&self.token);
        let asked = if let Some(body) = body { asked.json(&body) } else { asked };
        let answer = asked.send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let asked = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        asked.send().await.expect("an answer").text().await.expect("text")
    }

    pub(crate) async fn stream(
        &self,
        path: &str,
    ) -> impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + use<> {
        let asked = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        asked.send().await.expect("an answer").bytes_stream()
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        let asked = self.client.delete(format!("{}{path}", self.url)).bearer_auth(&self.token);
        asked.send().await.expect("an answer").status().as_u16()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.server.signal(signal);
    }

    pub(crate) fn wait(self) {
        self.server.wait().exits(0);
    }

    pub(crate) fn kill_9(self) {
        self.server.kill_9();
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        self.server.peak_memory()
    }

    pub(crate) fn end(self) {
        self.server.signal(Signal::SIGTERM);
        self.server.wait().exits(0);
    }
}
