//! Taking a repository out of a hub: look what would be lost, end its loop, move it to the trash.

use std::fmt::Write as _;

use car_agent::is_alive;
use car_domain::state::LockOwner;
use serde::Serialize;

use super::entry::Kind;
use super::registry::HubRepo;
use super::worktree::WorktreeCheck;
use super::{Hub, Reporter, manifest, trash};
use crate::config::CAR_DIR;
use crate::runner::{self, RunnerLock, standing};
use crate::served::blocking;
use crate::{EngineError, Repo};

/// What removing a repository would take away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RemoveCheck {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub path: String,
    /// Repository or worktree.
    pub kind: Kind,
    /// Whether its directory is there.
    pub exists_on_disk: bool,
    /// Whether nothing is changed or untracked; absent when git gives no answer.
    pub is_clean: Option<bool>,
    /// How its branch stands to the one it follows; absent when git gives no answer.
    pub upstream: Option<UpstreamView>,
    /// Ids of its worktrees.
    pub worktrees: Vec<String>,
    /// Worktrees of it that are not in the hub.
    pub other_worktrees: Vec<String>,
    /// Changed and untracked files, at most 20.
    pub changed: Vec<String>,
    /// Commits that are nowhere else.
    pub unpushed: u64,
    /// Stashes.
    pub stashes: u64,
    /// The process of its loop, when one is at work.
    pub runner_pid: Option<i32>,
}

/// How a branch stands to the one it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct UpstreamView {
    /// Whether it follows one.
    pub has_upstream: bool,
    /// Commits that one lacks.
    pub ahead: u64,
    /// Commits only that one has.
    pub behind: u64,
}

/// How to remove.
#[derive(Clone, Copy, Debug)]
pub struct RemoveRequest {
    /// Although something would be lost.
    pub force: bool,
    /// Move the directory to the trash; otherwise it stays and only leaves the list.
    pub delete_dir: bool,
    /// Remove its worktrees as well.
    pub delete_worktrees: bool,
    /// Of a worktree: delete its branch.
    pub delete_branch: bool,
    /// Of a worktree: delete its branch on the remote.
    pub delete_remote: bool,
}

impl Default for RemoveRequest {
    fn default() -> Self {
        Self {
            force: false,
            delete_dir: true,
            delete_worktrees: false,
            delete_branch: false,
            delete_remote: false,
        }
    }
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Removal {
    /// Always `ok`; parts that failed are in `problems`.
    pub status: &'static str,
    /// Id of the repository.
    pub id: String,
    /// Its name in the trash, for `car hub restore`.
    pub trash: Option<String>,
    /// Worktrees that went with it.
    #[schema(no_recursion)]
    pub worktrees: Vec<Self>,
    /// Whether the branch is deleted; absent when nobody asked.
    pub branch_deleted: Option<bool>,
    /// Whether the branch is deleted on the remote; absent when nobody asked.
    pub remote_deleted: Option<bool>,
    /// Parts that did not work.
    pub problems: Vec<String>,
}

impl Hub {
    /// What removing the repository `id` would take away.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn remove_check(&self, id: &str) -> Result<RemoveCheck, EngineError> {
        let repo = self.find(id).await?;
        self.check(&repo).await
    }

    async fn check(&self, repo: &HubRepo) -> Result<RemoveCheck, EngineError> {
        let (hub, looked_at) = (self.clone(), repo.clone());
        let (worktrees, known, runner_pid) = blocking(move || {
            let registry = hub.registry()?;
            let worktrees: Vec<String> =
                registry.worktrees_of(&looked_at).iter().map(|it| it.id.clone()).collect();
            let known: Vec<_> = registry.repos.iter().map(|it| it.root.clone()).collect();
            let opened = Repo::open(&looked_at.root).ok();
            let pid = opened.and_then(|repo| standing(&repo).ok()?.view.runner_pid);
            Ok((worktrees, known, pid))
        })
        .await?;
        let mut check = RemoveCheck {
            id: repo.id.clone(),
            path: repo.root.to_string_lossy().into_owned(),
            kind: repo.entry.kind,
            exists_on_disk: repo.exists(),
            is_clean: None,
            upstream: None,
            worktrees,
            other_worktrees: Vec::new(),
            changed: Vec::new(),
            unpushed: 0,
            stashes: 0,
            runner_pid,
        };
        if !check.exists_on_disk || !repo.root.join(".git").exists() {
            return Ok(check);
        }
        let state = WorktreeCheck::of(&repo.root, repo.entry.kind).await?;
        check.is_clean = Some(state.changed.is_empty());
        check.upstream = state.upstream;
        check.changed = state.changed;
        check.unpushed = state.unpushed;
        check.stashes = state.stashes;
        if repo.entry.kind == Kind::Base {
            let all = car_git::worktrees(&repo.root).await.unwrap_or_default();
            let elsewhere =
                all.into_iter().skip(1).filter(|dir| dir.exists() && !known.contains(dir));
            check.other_worktrees =
                elsewhere.map(|dir| dir.to_string_lossy().into_owned()).collect();
        }
        Ok(check)
    }

    /// Removes a repository or a worktree: its loop is ended first, then its directory moves to the hub's trash.
    ///
    /// # Errors
    /// When something would be lost and it is not forced, the loop does not end, or the directory lies outside of the hub's
    /// directories. Nothing is removed then.
    pub async fn remove(
        &self,
        id: &str,
        request: RemoveRequest,
        reporter: &Reporter,
    ) -> Result<Removal, EngineError> {
        let repo = self.find(id).await?;
        let place = if request.delete_dir && repo.exists() {
            Some(self.removable(&repo.root)?)
        } else {
            None
        };
        reporter.step("looking what would be lost");
        let check = self.check(&repo).await?;
        refuse_loss(&check, &request)?;
        let mut done = Removal { status: "ok", id: repo.id.clone(), ..Removal::default() };
        for worktree in &check.worktrees {
            refuse_loss(&self.remove_check(worktree).await?, &request)?;
        }
        for worktree in &check.worktrees {
            let removed = Box::pin(self.remove(worktree, request, reporter)).await?;
            done.worktrees.push(removed);
        }
        reporter.step("ending its loop");
        let lock = end_loop(&repo).await?;
        reporter.step("moving it to the trash");
        let commit = car_git::head_id(&repo.root).await;
        let (hub, moved) = (self.clone(), repo.clone());
        let (name, problem) = blocking(move || {
            let trashed = match place {
                Some(place) => trash::throw(&hub, &moved, &place, commit)?,
                None => (None, None),
            };
            manifest::edit(&hub.manifest_path(), |it| it.remove(&moved.entry.id).map(drop))?;
            hub.look()?;
            Ok(trashed)
        })
        .await?;
        drop(lock);
        done.trash = name;
        done.problems.extend(problem);
        if repo.entry.kind == Kind::Worktree {
            self.after_worktree(&repo, &request, &mut done).await;
        }
        Ok(done)
    }

    /// Removes a worktree, as [`remove`](Self::remove) does, and nothing that is none.
    ///
    /// # Errors
    /// Those of [`remove`](Self::remove), and when `id` is a repository of its own.
    pub async fn remove_worktree(
        &self,
        id: &str,
        request: RemoveRequest,
        reporter: &Reporter,
    ) -> Result<Removal, EngineError> {
        let missing = || EngineError::not_found(format!("Worktree repo not found: {id}"));
        let repo = self
            .find(id)
            .await
            .map_err(|_| missing().with_hint("`car hub worktree list` shows the worktrees"))?;
        if repo.entry.kind != Kind::Worktree {
            return Err(
                missing().with_hint("it is a repository of its own: `car hub remove` removes it")
            );
        }
        self.remove(id, request, reporter).await
    }

    /// What follows the removal of a worktree. Each part may fail without the others.
    async fn after_worktree(&self, repo: &HubRepo, request: &RemoveRequest, done: &mut Removal) {
        let base = match &repo.entry.worktree_of {
            Some(base) => self.find(base).await.ok(),
            None => None,
        };
        let Some(base) = base.filter(HubRepo::exists) else {
            if request.delete_branch || request.delete_remote {
                done.problems
                    .push("its repository is not there, so no branch was deleted".to_owned());
            }
            return;
        };
        if let Err(error) = car_git::prune_worktrees(&base.root).await {
            done.problems.push(error.to_string());
        }
        let Some(branch) = &repo.entry.branch else { return };
        if request.delete_remote {
            let remote = car_git::remote_of(&base.root, branch).await;
            let result = car_git::delete_remote_branch(&base.root, &remote, branch).await;
            done.remote_deleted = Some(result.is_ok());
            let told = |error| format!("{branch} stays on {remote}: {error}");
            done.problems.extend(result.err().map(told));
        }
        if request.delete_branch {
            let result = car_git::delete_branch(&base.root, branch).await;
            done.branch_deleted = Some(result.is_ok());
            done.problems.extend(result.err().map(|error| format!("{branch} stays: {error}")));
        }
    }
}

/// Ends the loop and keeps a new one from starting as long as the lock is held.
async fn end_loop(repo: &HubRepo) -> Result<Option<RunnerLock>, EngineError> {
    if !repo.exists() || !repo.is_initialised() {
        return Ok(None);
    }
    // A configuration that cannot be read does not keep a repository from being removed, a living loop does.
    let root = repo.root.clone();
    let opened = match blocking(move || Repo::open(&root)).await {
        Ok(opened) => opened,
        Err(error) => {
            let text = std::fs::read_to_string(repo.root.join(CAR_DIR).join("lock"));
            let owner = text.ok().and_then(|text| LockOwner::parse(&text));
            return if owner.is_some_and(|owner| is_alive(owner.process)) {
                Err(error)
            } else {
                Ok(None)
            };
        }
    };
    runner::stop_now(&opened).await?;
    runner::wait_for_end(&opened).await?;
    Ok(Some(RunnerLock::acquire(&opened)?))
}

fn refuse_loss(check: &RemoveCheck, request: &RemoveRequest) -> Result<(), EngineError> {
    let id = &check.id;
    if !check.worktrees.is_empty() && !request.delete_worktrees {
        let ids = check.worktrees.join(", ");
        return Err(EngineError::conflict(format!("Repo {id} has worktrees: {ids}"))
            .with_hint("--worktrees removes them as well"));
    }
    if request.force || !request.delete_dir || !check.exists_on_disk {
        return Ok(());
    }
    let refused = |text: &str, detail: String| Err(EngineError::conflict(text).with_hint(detail));
    if check.is_clean == Some(false) {
        let mut files = check.changed.iter().take(5).fold(String::new(), |mut all, file| {
            let _ = write!(all, "{file}, ");
            all
        });
        files.truncate(files.len().saturating_sub(2));
        return refused(
            "Repo has uncommitted changes; use force to remove",
            format!("changed: {files}"),
        );
    }
    let is_ahead = check.upstream.is_some_and(|upstream| upstream.ahead > 0);
    let loses_commits = check.unpushed > 0 && (check.kind == Kind::Base || request.delete_branch);
    if loses_commits || (is_ahead && check.kind == Kind::Base) {
        let detail = format!("{} commits are nowhere else", check.unpushed);
        return refused("Repo has unpushed commits; use force to remove", detail);
    }
    if check.stashes > 0 && check.kind == Kind::Base {
        let detail = format!("`git stash list` shows {}", check.stashes);
        return refused("Repo has stashed changes; use force to remove", detail);
    }
    if !check.other_worktrees.is_empty() {
        let dirs = check.other_worktrees.join(", ");
        return refused("Repo has worktrees outside of the hub; use force to remove", dirs);
    }
    Ok(())
}
