//! A repository with whether it can be served, as the HTTP API tells it.

use car_domain::view::Activity;
use serde::Serialize;

use super::{NewWorktree, RepoSnapshot};

/// Something about a repository, and whether that is served below `/repos/{id}/`. Nothing is ever mounted: every request looks
/// anew. The names are the original's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Mounted<T> {
    #[serde(flatten)]
    repo: T,
    /// What it is doing in CAR's own words, which tell a pause between two runs from a run; null when it cannot be opened.
    activity: Option<Activity>,
    /// Whether it is served.
    mounted: bool,
    /// Why not, when it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    mount_error: Option<String>,
}

impl<T: AsRef<RepoSnapshot>> From<T> for Mounted<T> {
    fn from(repo: T) -> Self {
        let shown = repo.as_ref();
        let (activity, mounted) = (shown.activity, shown.is_open);
        let should_be = shown.initialized && shown.exists_on_disk && !mounted;
        let mount_error = shown.init_error.clone().filter(|_| should_be);
        Self { repo, activity, mounted, mount_error }
    }
}

impl AsRef<Self> for RepoSnapshot {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<RepoSnapshot> for NewWorktree {
    fn as_ref(&self) -> &RepoSnapshot {
        &self.repo
    }
}
