//! Reads: what pages show.

use car_domain::Timestamp;
use car_domain::job::Job;
use car_domain::view::{Dashboard, LiveTail, RepoRow};
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Entries of a run's journal that come with a page.
#[cfg(feature = "ssr")]
const TAIL_ENTRIES: usize = 200;

/// What every page needs to know of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Site {
    /// Name of the served directory.
    pub name: String,
    /// Id of the only repository; absent when the server shows a hub of several.
    pub only_repo: Option<String>,
    /// All repositories.
    pub rows: Vec<RepoRow>,
    /// The server's clock when this was read.
    pub now: Timestamp,
    /// Whether the server asks nobody to log in.
    pub is_open: bool,
}

impl Site {
    /// Whether several repositories are served.
    pub(crate) fn is_hub(&self) -> bool {
        self.only_repo.is_none()
    }
}

/// What a repository's page starts from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RepoView {
    /// Everything but the journal.
    pub dashboard: Dashboard,
    /// The end of the current or last run's journal.
    pub tail: LiveTail,
}

/// Tells what the server serves.
#[server(endpoint = "site", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_site() -> Result<Site, AppError> {
    let served = served();
    let only_repo = if served.is_hub() { None } else { served.only_repo() };
    let rows = served.rows().await.map_err(failed_read)?;
    let is_open = served.config().server.auth == car_engine::config::AuthMode::Off;
    Ok(Site { name: served.name(), only_repo, rows, now: server_now(), is_open })
}

/// Lists all repositories.
#[server(endpoint = "repo_rows", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_rows() -> Result<Vec<RepoRow>, AppError> {
    served().rows().await.map_err(failed_read)
}

/// What `/` shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Home {
    /// The only repository.
    Repo(Box<RepoView>),
    /// The hub, whose rows every page has, with its work in the background.
    Hub(Vec<Job>),
}

/// Reads what `/` shows.
#[server(endpoint = "home", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_home() -> Result<Home, AppError> {
    let served = served();
    match served.only_repo().filter(|_| !served.is_hub()) {
        Some(repo) => read_repo(&served, &repo).await.map(|view| Home::Repo(Box::new(view))),
        None => super::hub::read_jobs().await.map(Home::Hub),
    }
}

/// Reads a repository's dashboard with the end of its journal; without an id that of the only repository.
#[server(endpoint = "repo_dashboard", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_dashboard(repo: String) -> Result<RepoView, AppError> {
    let served = served();
    let repo = meant(&served, repo)?;
    read_repo(&served, &repo).await
}

/// Reads the end of the current or last run's journal.
#[server(endpoint = "live_tail", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_tail(repo: String) -> Result<LiveTail, AppError> {
    served().live_tail(&repo, TAIL_ENTRIES).await.map_err(failed_read)
}

/// Gives the response being written the status for a page that does not exist.
pub(crate) fn not_found() {
    #[cfg(feature = "ssr")]
    set_status(http::StatusCode::NOT_FOUND);
}

#[cfg(feature = "ssr")]
use leptos::server_fn::http_export as http;

#[cfg(feature = "ssr")]
pub(super) fn served() -> std::sync::Arc<car_engine::Served> {
    expect_context()
}

/// The id a page names, or that of the only repository.
#[cfg(feature = "ssr")]
pub(super) fn meant(served: &car_engine::Served, id: String) -> Result<String, AppError> {
    if !id.is_empty() {
        return Ok(id);
    }
    served.only_repo().ok_or_else(|| {
        let error = car_engine::EngineError::not_found("This address is for a single repository.");
        failed_read(error.with_hint("choose one on the first page"))
    })
}

#[cfg(feature = "ssr")]
async fn read_repo(served: &car_engine::Served, repo: &str) -> Result<RepoView, AppError> {
    let dashboard = served.dashboard(repo).await.map_err(failed_read)?;
    let tail = served.live_tail(repo, TAIL_ENTRIES).await.map_err(failed_read)?;
    Ok(RepoView { dashboard, tail })
}

#[cfg(feature = "ssr")]
fn server_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since_epoch.map(|since| i64::try_from(since.as_millis()).unwrap_or(0));
    Timestamp::from_millis(millis.unwrap_or(0))
}

/// Turns an engine's error into the page's, and gives the response the status for it. Writes must not do that: without the
/// browser side their answer is a redirect.
#[cfg(feature = "ssr")]
pub(super) fn failed_read(error: car_engine::EngineError) -> AppError {
    let error = AppError::from(error);
    set_status(match error.kind {
        super::AppErrorKind::NotFound => http::StatusCode::NOT_FOUND,
        super::AppErrorKind::Conflict => http::StatusCode::CONFLICT,
        super::AppErrorKind::Connection | super::AppErrorKind::Server => {
            http::StatusCode::INTERNAL_SERVER_ERROR
        }
    });
    error
}

#[cfg(feature = "ssr")]
fn set_status(status: http::StatusCode) {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(status);
    }
}

/// The theme the reader chose, from the request's cookies; absent when the page follows the system.
#[cfg(feature = "ssr")]
pub(crate) fn theme_cookie() -> Option<&'static str> {
    let parts = use_context::<http::request::Parts>()?;
    let cookies = parts.headers.get_all(http::header::COOKIE);
    let texts = cookies.iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(';')).find_map(theme_in)
}

#[cfg(feature = "ssr")]
fn theme_in(cookie: &str) -> Option<&'static str> {
    match cookie.trim().strip_prefix("car_theme=")? {
        "dark" => Some("dark"),
        "light" => Some("light"),
        _ => None,
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_themes_are_taken_from_a_cookie() {
        assert_eq!(theme_in(" car_theme=dark"), Some("dark"));
        assert_eq!(theme_in("car_theme=light"), Some("light"));
        assert_eq!(theme_in("car_theme=\"><script>"), None);
        assert_eq!(theme_in("other=dark"), None);
    }
}
