//! Which repositories there are, and making new ones.

use std::path::PathBuf;

use axum::Json;
use axum::http::StatusCode;
use car_domain::Timestamp;
use car_engine::ErrorKind;
use car_engine::hub::{CloneRequest, CreateRequest, HubState, JobRequest, Mounted, RepoSnapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::super::WebState;
use super::super::super::problem::Problem;
use super::super::JsonBody;
use super::ApiHub;

pub(super) fn routes() -> OpenApiRouter<WebState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(scan))
        .routes(routes!(version))
}

/// The repositories of a hub.
#[derive(Serialize, ToSchema)]
struct HubList {
    /// When the hub's directories were last searched.
    last_scan_at: Option<Timestamp>,
    /// Those of the manifest.
    repos: Vec<Mounted<RepoSnapshot>>,
}

impl From<HubState> for HubList {
    fn from(state: HubState) -> Self {
        let repos = state.repos.into_iter().map(Mounted::from).collect();
        Self { last_scan_at: state.last_scan_at, repos }
    }
}

/// The repositories and what they are doing
#[utoipa::path(
    get,
    path = "/hub/repos",
    tag = "hub",
    responses(
        (status = 200, body = HubList),
        (status = 503, description = "The manifest cannot be read"),
    ),
    extensions(("x-car-class" = json!("read"))),
)]
async fn list(api: ApiHub) -> Result<Json<HubList>, Problem> {
    let list = api.hub.list().await.map_err(|error| match error.kind() {
        ErrorKind::Config => Problem::from(error).with_status(StatusCode::SERVICE_UNAVAILABLE),
        _ => Problem::from(error),
    })?;
    Ok(Json(list.into()))
}

/// Search the hub's directories
///
/// New repositories get their place in the manifest and are prepared for CAR, moved ones get their new path.
#[utoipa::path(
    post,
    path = "/hub/repos/scan",
    tag = "hub",
    responses((status = 200, body = HubList)),
    extensions(("x-car-class" = json!("write"))),
)]
async fn scan(api: ApiHub) -> Result<Json<Value>, Problem> {
    api.perform(JobRequest::Scan).await
}

/// Which files pages are made of.
#[derive(Serialize, ToSchema)]
struct HubVersion {
    /// Changes with every release.
    asset_version: &'static str,
}

/// The version of the hub's pages
#[utoipa::path(
    get,
    path = "/hub/version",
    tag = "hub",
    responses((status = 200, body = HubVersion)),
    extensions(("x-car-class" = json!("read"))),
)]
async fn version(_: ApiHub) -> Json<HubVersion> {
    Json(HubVersion { asset_version: env!("CARGO_PKG_VERSION") })
}

/// A repository that is to be made or cloned.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewRepo {
    /// Clone this address or path. Also accepted as `gitUrl`.
    #[serde(default, alias = "gitUrl")]
    git_url: Option<String>,
    /// Its id; made from the address otherwise. Also accepted as `id`.
    #[serde(default, alias = "id")]
    repo_id: Option<String>,
    /// Its directory, absolute or below the hub's repositories; the id otherwise.
    #[serde(default)]
    path: Option<String>,
    /// Make it a git repository when it is none.
    #[serde(default = "yes")]
    git_init: bool,
    /// Take a directory that is there already; documents it replaces are copied aside.
    #[serde(default)]
    force: bool,
}

const fn yes() -> bool {
    true
}

impl NewRepo {
    /// What has to be done.
    pub(super) fn request(self) -> Result<JobRequest, Problem> {
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (url, id, path) = (said(self.git_url), said(self.repo_id), said(self.path));
        let path = path.map(PathBuf::from);
        match (url, id) {
            (Some(url), id) => Ok(JobRequest::Clone(CloneRequest { url, id, path })),
            (None, Some(id)) => {
                let (git_init, force) = (self.git_init, self.force);
                Ok(JobRequest::Create(CreateRequest { id, path, git_init, force }))
            }
            (None, None) => Err(Problem::new(StatusCode::BAD_REQUEST, "Missing repo id")
                .with_hint("give `repo_id`, or `git_url` to clone a repository")),
        }
    }
}

/// Make or clone a repository
///
/// Waits for its end; `POST /hub/jobs/repos` does not.
#[utoipa::path(
    post,
    path = "/hub/repos",
    tag = "hub",
    request_body = NewRepo,
    responses(
        (status = 200, body = Mounted<RepoSnapshot>),
        (status = 400, description = "The id or the directory is taken or cannot be used, or git refuses"),
    ),
    extensions(("x-car-class" = json!("write"))),
)]
async fn create(api: ApiHub, JsonBody(new): JsonBody<NewRepo>) -> Result<Json<Value>, Problem> {
    api.perform(new.request()?).await
}
