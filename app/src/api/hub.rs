//! The hub: loops of many repositories, repositories and worktrees that come and go, work in the background.
//!
//! What takes longer than a moment is a job; its end is told on the event stream.

use car_domain::job::Job;
use car_domain::view::RunAction;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Problems one sentence names.
#[cfg(feature = "ssr")]
const MAX_NAMED: usize = 3;

/// What removing a repository would take away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LossView {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub path: String,
    /// Whether it is a worktree.
    pub is_worktree: bool,
    /// Its branch, of a worktree.
    pub branch: Option<String>,
    /// Ids of its worktrees.
    pub worktrees: Vec<String>,
    /// Worktrees of it that are not in the hub.
    pub other_worktrees: Vec<String>,
    /// Changed and untracked files, as far as they are listed.
    pub changed: Vec<String>,
    /// Commits that are nowhere else.
    pub unpushed: u64,
    /// Stashes.
    pub stashes: u64,
    /// Whether a loop is at work in it.
    pub is_running: bool,
    /// Why it cannot be told what would be lost.
    pub unknown: Option<String>,
}

impl LossView {
    /// Whether something would be lost that is nowhere else, when its branch is deleted as well or is not.
    pub(crate) fn is_loss(&self, delete_branch: bool) -> bool {
        let loses_commits = self.unpushed > 0 && (delete_branch || !self.is_worktree);
        !self.changed.is_empty()
            || loses_commits
            || (self.stashes > 0 && !self.is_worktree)
            || !self.other_worktrees.is_empty()
            || self.unknown.is_some()
    }
}

/// Does the same with the loops of many repositories. Fails when it did not work with all of them, and says with which.
#[server(name = BulkAction, endpoint = "bulk_action", prefix = "/rpc")]
pub(crate) async fn bulk_action(
    #[server(default)] repos: Vec<String>,
    verb: RunAction,
) -> Result<(), AppError> {
    let served = super::read::served();
    if repos.is_empty() {
        let none = car_engine::EngineError::invalid("no repository is selected");
        return Err(none.with_hint("tick at least one, then try again").into());
    }
    let n_all = repos.len();
    let work = served.clone();
    let failed = served.work(move |_| async move {
        let mut failed = Vec::new();
        for repo in repos {
            if let Err(error) = work.act(&repo, verb).await {
                failed.push(format!("{repo}: {error}"));
            }
        }
        Ok(failed)
    });
    let failed = failed.await?;
    if failed.is_empty() {
        return Ok(());
    }
    let named = failed.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = match failed.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let text = format!("{} of {n_all} did not work: {named}{more}", failed.len());
    Err(car_engine::EngineError::new(car_engine::ErrorKind::Other, text).into())
}

/// Clones a repository into the hub, in the background.
#[server(name = CloneRepo, endpoint = "clone_repo", prefix = "/rpc")]
pub(crate) async fn clone_repo(
    url: String,
    #[server(default)] id: String,
) -> Result<Job, AppError> {
    let id = Some(id).filter(|id| !id.trim().is_empty());
    let request = car_engine::hub::CloneRequest { url, id, path: None };
    on_server::submit(car_engine::hub::JobRequest::Clone(request)).await
}

/// Makes a repository in the hub, in the background.
#[server(name = CreateRepo, endpoint = "create_repo", prefix = "/rpc")]
pub(crate) async fn create_repo(id: String) -> Result<Job, AppError> {
    let request = car_engine::hub::CreateRequest { id, path: None, git_init: true, force: false };
    on_server::submit(car_engine::hub::JobRequest::Create(request)).await
}

/// Searches the hub's directories, in the background.
#[server(name = ScanHub, endpoint = "scan_hub", prefix = "/rpc")]
pub(crate) async fn scan_hub() -> Result<Job, AppError> {
    on_server::submit(car_engine::hub::JobRequest::Scan).await
}

/// Makes a worktree, in the background.
#[server(name = AddWorktree, endpoint = "add_worktree", prefix = "/rpc")]
pub(crate) async fn add_worktree(
    repo: String,
    branch: String,
    #[server(default)] setup: bool,
) -> Result<Job, AppError> {
    let request = car_engine::hub::WorktreeRequest { base: repo, branch, setup };
    on_server::submit(car_engine::hub::JobRequest::CreateWorktree(request)).await
}

/// Removes a repository or a worktree, in the background. `confirm` is its id where something would be lost.
#[server(name = RemoveRepo, endpoint = "remove_repo", prefix = "/rpc")]
pub(crate) async fn remove_repo(
    repo: String,
    #[server(default)] confirm: String,
    #[server(default)] keep_directory: bool,
    #[server(default)] delete_worktrees: bool,
    #[server(default)] delete_branch: bool,
) -> Result<Job, AppError> {
    use car_engine::hub::{JobRequest, RemoveRequest};

    let loss = on_server::loss(&repo).await?;
    let is_confirmed = confirm.trim() == repo;
    if !keep_directory && loss.is_loss(delete_branch) && !is_confirmed {
        let text = format!("removing `{repo}` takes away what is nowhere else");
        return Err(car_engine::EngineError::conflict(text)
            .with_hint(format!("type {repo} to say that this is meant"))
            .into());
    }
    let request = RemoveRequest {
        force: is_confirmed,
        delete_dir: !keep_directory,
        delete_worktrees,
        delete_branch,
        delete_remote: false,
    };
    let request = match loss.is_worktree {
        true => JobRequest::CleanupWorktree(repo, request),
        false => JobRequest::Remove(repo, request),
    };
    on_server::submit(request).await
}

/// Tells what removing a repository would take away.
#[server(endpoint = "repo_loss", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn read_loss(repo: String) -> Result<LossView, AppError> {
    on_server::loss(&repo).await.map_err(super::read::failed_read)
}

/// The jobs of the last hour and those that have not ended, the newest first. Nothing where no hub is served.
#[cfg(feature = "ssr")]
pub(super) async fn read_jobs() -> Result<Vec<Job>, AppError> {
    match super::read::served().jobs() {
        Ok(jobs) => jobs.list().await.map_err(super::read::failed_read),
        Err(_) => Ok(Vec::new()),
    }
}

/// Asks a job to end.
#[server(name = CancelJob, endpoint = "cancel_job", prefix = "/rpc")]
pub(crate) async fn cancel_job(job: String) -> Result<(), AppError> {
    Ok(super::read::served().jobs()?.cancel(&job).await?)
}

#[cfg(feature = "ssr")]
mod on_server {
    use car_domain::job::Job;
    use car_engine::EngineError;
    use car_engine::hub::{JobRequest, Kind};

    use super::super::read::served;
    use super::{AppError, LossView};

    pub(super) async fn submit(request: JobRequest) -> Result<Job, AppError> {
        Ok(served().jobs()?.submit(request).await?)
    }

    /// What removing a repository would take away; that git does not tell is no error.
    pub(super) async fn loss(id: &str) -> Result<LossView, EngineError> {
        let served = served();
        let hub = served.hub()?.clone();
        let (looked_at, wanted) = (hub.clone(), id.to_owned());
        let repo =
            car_engine::blocking(move || looked_at.registry()?.get(&wanted).cloned()).await?;
        let known = LossView {
            id: id.to_owned(),
            path: repo.root.to_string_lossy().into_owned(),
            is_worktree: repo.entry.kind == Kind::Worktree,
            branch: repo.entry.branch,
            ..LossView::default()
        };
        let check = match hub.remove_check(id).await {
            Ok(check) => check,
            Err(error) => return Ok(LossView { unknown: Some(error.to_string()), ..known }),
        };
        Ok(LossView {
            worktrees: check.worktrees,
            other_worktrees: check.other_worktrees,
            changed: check.changed,
            unpushed: check.unpushed,
            stashes: check.stashes,
            is_running: check.runner_pid.is_some(),
            ..known
        })
    }
}
