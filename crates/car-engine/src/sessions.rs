//! Terminals of a repository in the original's shape: ours as their hosts tell, and those a server of the original has, or had by
//! its last word in `state.json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use car_domain::Timestamp;
use car_domain::state::RunnerState;
use car_host::Session;
use futures::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::runner::{change_state, read_state};
use crate::terminals;
use crate::{EngineError, ErrorKind, Repo, ServerClient};

/// How long a server on this machine may take to answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSession {
    /// Its id.
    pub session_id: String,
    /// Where it was started.
    #[serde(default)]
    pub repo_path: Option<String>,
    /// When it was started.
    #[serde(default)]
    pub created_at: Option<String>,
    /// When somebody last used it.
    #[serde(default)]
    pub last_seen_at: Option<String>,
    /// `active` or `closed`.
    #[serde(default)]
    pub status: Option<String>,
    /// Whether its process lives; only a server knows.
    #[serde(default)]
    pub alive: Option<bool>,
    /// What else the server says.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// All terminals, and who told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// The terminals.
    pub sessions: Vec<TerminalSession>,
    /// Id of the terminal of each repository.
    pub repo_to_session: Map<String, Value>,
    /// Whether a running server told; otherwise it is what hosts and `state.json` say.
    pub from_server: bool,
}

/// How a terminal was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its host ended it.
    ByHost(String),
    /// The server ended it.
    ByServer(String),
    /// No server runs; it was taken out of `state.json`.
    StateOnly(String),
}

/// Lists the terminals of `repo`, those of hosts first; `all` with those that have ended.
///
/// # Errors
/// When the server refuses us, or files cannot be read.
pub async fn sessions(repo: &Repo, all: bool) -> Result<Sessions, EngineError> {
    let listed = terminals::list(repo).await?;
    let current = listed.iter().rfind(|session| terminals::is_alive(session));
    let current = current.map(|session| session.record.id.clone());
    let wanted = listed.iter().filter(|session| all || terminals::is_alive(session));
    let mut found = join_all(wanted.map(|session| of_host(repo, session))).await;
    let mut others = of_others(repo).await?;
    others.sessions.retain(|other| found.iter().all(|own| own.session_id != other.session_id));
    found.append(&mut others.sessions);
    if let Some(current) = current {
        others.repo_to_session.insert(repo.root().display().to_string(), current.into());
    }
    Ok(Sessions { sessions: found, ..others })
}

/// A terminal as its host tells.
async fn of_host(repo: &Repo, session: &Session) -> TerminalSession {
    let heard = if session.is_running() { terminals::hear(session).await } else { None };
    let shown = terminals::view(&session.record, heard.as_ref(), Vec::new());
    let last = shown.activity.last_output.max(shown.activity.last_input);
    let last = i64::try_from(last).ok().filter(|last| *last > 0).map(Timestamp::from_millis);
    let alive = shown.is_alive();
    let other = match serde_json::to_value(&shown) {
        Ok(Value::Object(mut other)) => {
            // Who is attached only a server knows; the rest has a place of its own.
            ["session_id", "created_at", "attached"]
                .iter()
                .for_each(|name| drop(other.remove(*name)));
            other
        }
        _ => Map::new(),
    };
    TerminalSession {
        session_id: shown.session_id,
        repo_path: Some(repo.root().display().to_string()),
        created_at: Some(shown.created_at.to_string()),
        last_seen_at: last.map(|last| last.to_string()),
        status: Some(if alive { "active" } else { "closed" }.to_owned()),
        alive: Some(alive),
        other,
    }
}

/// What a server, or `state.json`, says.
async fn of_others(repo: &Repo) -> Result<Sessions, EngineError> {
    let query = if token(repo)?.is_some() { "?include_abs_paths=1" } else { "" };
    match ask(repo, Method::GET, &format!("/api/sessions{query}"), None).await? {
        Some(answer) => Ok(Sessions {
            sessions: list(&answer["sessions"]),
            repo_to_session: answer["repo_to_session"].as_object().cloned().unwrap_or_default(),
            from_server: true,
        }),
        None => Ok(of_state(&read_state(repo)?.unwrap_or_default())),
    }
}

/// Ends the terminal `session`, or the current one of `repo`.
///
/// # Errors
/// When there is none, or the server refuses.
pub async fn stop_session(repo: &Repo, session: Option<&str>) -> Result<Stopped, EngineError> {
    let own = match session {
        Some(id) => match terminals::get(repo, id).await {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            own => own.ok().filter(terminals::is_alive),
        },
        None => terminals::current(repo).await?,
    };
    if let Some(own) = own {
        terminals::end(repo, &own.record.id).await?;
        return Ok(Stopped::ByHost(own.record.id));
    }
    let root = repo.root().to_string_lossy().into_owned();
    let body = match session {
        Some(id) => json!({ "session_id": id }),
        None => json!({ "repo_path": root }),
    };
    if let Some(answer) = ask(repo, Method::POST, "/api/sessions/stop", Some(&body)).await? {
        let id = answer["session_id"].as_str().or(session).unwrap_or_default();
        return Ok(Stopped::ByServer(id.to_owned()));
    }
    let place = match session {
        Some(id) => SessionPlace::Id(id),
        None => SessionPlace::Path(repo.root()),
    };
    match forget_session(repo, place) {
        Ok(id) => Ok(Stopped::StateOnly(id)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(EngineError::not_found("Session not found (server unavailable)")
                .with_hint("`car sessions` lists those that are known"))
        }
        Err(error) => Err(error),
    }
}

/// How a terminal is named.
#[derive(Clone, Copy, Debug)]
pub enum SessionPlace<'a> {
    /// By its id.
    Id(&'a str),
    /// By where it was started; relative to the repository or absolute.
    Path(&'a Path),
}

/// The terminals of `repo` as `state.json` tells them. No server is asked: it is one that asks.
///
/// # Errors
/// When `state.json` cannot be read.
pub fn recorded_sessions(repo: &Repo) -> Result<Sessions, EngineError> {
    Ok(of_state(&read_state(repo)?.unwrap_or_default()))
}

/// Takes a terminal out of `state.json` and returns its id.
///
/// # Errors
/// When there is none, or the file cannot be written.
pub fn forget_session(repo: &Repo, place: SessionPlace<'_>) -> Result<String, EngineError> {
    let known = recorded_sessions(repo)?;
    let at = |path: &Path| known.repo_to_session.get(path.to_str()?).and_then(Value::as_str);
    let id = match place {
        SessionPlace::Id(id) => Some(id),
        SessionPlace::Path(path) => {
            let full = repo.root().join(path);
            at(&full.canonicalize().unwrap_or(full)).or_else(|| at(path))
        }
    };
    let id = id.filter(|id| known.sessions.iter().any(|session| session.session_id == *id));
    let id = id.ok_or_else(|| EngineError::not_found("Session not found"))?.to_owned();
    change_state(repo, |state| forget(state, &id))?;
    Ok(id)
}

/// The terminal of `repo` by `state`, without asking a server.
pub fn session_of(repo: &Repo, state: &RunnerState) -> Option<TerminalSession> {
    let mut known = of_state(state);
    let root = repo.root().to_string_lossy();
    let id = known.repo_to_session.get(root.as_ref())?.as_str()?;
    let at = known.sessions.iter().position(|session| session.session_id == id)?;
    Some(known.sessions.swap_remove(at))
}

/// The terminals in `state` by their ids, without places on this machine.
pub(crate) fn known(state: &RunnerState) -> BTreeMap<String, Value> {
    let without_path = |session: TerminalSession| {
        let id = session.session_id.clone();
        let session = TerminalSession { repo_path: None, ..session };
        Some((id, serde_json::to_value(session).ok()?))
    };
    of_state(state).sessions.into_iter().filter_map(without_path).collect()
}

fn forget(state: &mut RunnerState, id: &str) {
    if let Some(Value::Object(sessions)) = state.other.get_mut("sessions") {
        sessions.remove(id);
    }
    if let Some(Value::Object(of_repos)) = state.other.get_mut("repo_to_session") {
        of_repos.retain(|_, session| session != id);
    }
}

fn of_state(state: &RunnerState) -> Sessions {
    let map = |key: &str| state.other.get(key).and_then(Value::as_object).cloned();
    let sessions = map("sessions").unwrap_or_default().into_iter().filter_map(|(id, mut value)| {
        value.as_object_mut()?.insert("session_id".to_owned(), id.into());
        serde_json::from_value(value).ok()
    });
    Sessions {
        sessions: sessions.collect(),
        repo_to_session: map("repo_to_session").unwrap_or_default(),
        from_server: false,
    }
}

fn list(value: &Value) -> Vec<TerminalSession> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| serde_json::from_value(item.clone()).ok()).collect()
}

/// Asks the server of `repo`; `None` when none answers there.
async fn ask(
    repo: &Repo,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Option<Value>, EngineError> {
    let (response, url) = match ServerClient::of_repo(repo)? {
        Some(client) => (client.ask(method, path, body).await, client.url().to_owned()),
        // A server of the original says nowhere where it is.
        None => {
            let server = &repo.config().server;
            let base = server.normal_base_path();
            let url = format!("http://{}:{}{base}{path}", server.host, server.port);
            let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
            let Ok(client) = client else { return Ok(None) };
            let request = with_token(client.request(method, &url), token(repo)?);
            let request = if let Some(body) = body { request.json(body) } else { request };
            (request.send().await, url)
        }
    };
    let Ok(response) = response else { return Ok(None) };
    let status = response.status();
    let answer: Value = response.json().await.unwrap_or_default();
    match status {
        status if status.is_success() && answer.is_object() => Ok(Some(answer)),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(EngineError::new(
            ErrorKind::Other,
            format!("the server at {url} does not accept our token"),
        )
        .with_hint("set the variable that server.auth_token_env names to the server's token")),
        StatusCode::NOT_FOUND if answer["detail"].is_string() => {
            let said = answer["detail"].as_str().unwrap_or_default();
            Err(EngineError::not_found(said.to_owned())
                .with_hint("`car sessions` lists those that are known"))
        }
        // Something else listens there, or a server that knows no terminals.
        _ => Ok(None),
    }
}

fn with_token(request: RequestBuilder, token: Option<String>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// The server's token, when one is configured.
fn token(repo: &Repo) -> Result<Option<String>, EngineError> {
    let name = repo.config().server.auth_token_env.trim();
    if name.is_empty() {
        return Ok(None);
    }
    repo.env().var(name).map(Some).ok_or_else(|| {
        EngineError::config(format!("server.auth_token_env names {name}, which is not set"))
            .with_hint("set it in the environment or in .codex-autorunner/.env")
    })
}
