//! Which repository a request is about.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use car_engine::Repo;

use super::super::WebState;
use super::super::address::RepoId;
use super::super::problem::Problem;

/// The repository a request names with `/repos/{id}`, or the only one that is served. Looked up anew for each request, so a
/// removed repository is gone at once and a repaired one works at once.
pub(in crate::web) struct ApiRepo {
    /// Its id.
    pub(in crate::web) id: String,
    /// Its files and configuration.
    pub(in crate::web) repo: Repo,
}

impl FromRequestParts<WebState> for ApiRepo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let named = parts.extensions.get::<RepoId>().map(|RepoId(id)| id.clone());
        let id = named.or_else(|| state.served.only_repo()).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "This server shows a hub; the request names no repository.",
            )
            .with_hint("put /repos/{id} in front of the path; GET /hub/repos lists the ids")
        })?;
        let repo = state.served.repo(&id).await?;
        Ok(Self { id, repo })
    }
}

/// What a request is about that may be asked of one repository or of all: the id it names, or that of the only one; nothing in a
/// hub.
pub(in crate::web) struct ApiScope(pub(in crate::web) Option<String>);

impl FromRequestParts<WebState> for ApiScope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let named = parts.extensions.get::<RepoId>().map(|RepoId(id)| id.clone());
        Ok(Self(named.or_else(|| state.served.only_repo())))
    }
}
