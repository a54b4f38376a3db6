//! Which repository a request is about.

use std::path::PathBuf;

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
        let id = id_of(parts, state)?;
        let repo = state.served.repo(&id).await?;
        Ok(Self { id, repo })
    }
}

/// The root of the repository a request is about, also when its configuration cannot be read.
pub(in crate::web) struct ApiRoot(pub(in crate::web) PathBuf);

impl FromRequestParts<WebState> for ApiRoot {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        Ok(Self(state.served.repo_root(&id_of(parts, state)?)?))
    }
}

fn id_of(parts: &Parts, state: &WebState) -> Result<String, Problem> {
    let named = parts.extensions.get::<RepoId>().map(|RepoId(id)| id.clone());
    named.or_else(|| state.served.only_repo()).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "This server shows a hub; the request names no repository.",
        )
        .with_hint("put /repos/{id} in front of the path; GET /hub/repos lists the ids")
    })
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
