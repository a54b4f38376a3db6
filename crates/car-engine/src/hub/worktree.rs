//! Worktrees of a hub's repositories: a branch, a directory, an entry in the manifest.

use std::fs;

use serde::Serialize;

use super::create::Made;
use super::entry::{Kind, unique};
use super::remove::UpstreamView;
use super::worktree_files::{Copied, SetupEnd};
use super::{Hub, HubRepo, Registry, RepoSnapshot, Reporter};
use crate::served::blocking;
use crate::{EngineError, ErrorKind, Repo};

/// Changed files a check names.
const MAX_CHANGED: usize = 20;

/// What to make.
#[derive(Clone, Debug, Default)]
pub struct WorktreeRequest {
    /// Id of the repository.
    pub base: String,
    /// The branch; made when it is not there.
    pub branch: String,
    /// Run the repository's setup command.
    pub setup: bool,
}

/// A worktree that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct NewWorktree {
    /// The repository it is now.
    #[serde(flatten)]
    pub repo: RepoSnapshot,
    /// Files that were copied from the base.
    pub copied: Vec<String>,
    /// How the setup command ended; absent without one.
    pub setup: Option<SetupEnd>,
    /// Parts that did not work. The worktree stays.
    pub problems: Vec<String>,
}

/// What is in a working tree and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorktreeCheck {
    /// Changed and untracked files, at most 20.
    pub changed: Vec<String>,
    /// How its branch stands to the one it follows.
    pub upstream: Option<UpstreamView>,
    /// Commits that are nowhere else.
    pub unpushed: u64,
    /// Stashes; they belong to the whole repository.
    pub stashes: u64,
}

impl WorktreeCheck {
    /// Looks at the working tree at `root`.
    ///
    /// # Errors
    /// When git gives no answer.
    pub(super) async fn of(root: &std::path::Path, kind: Kind) -> Result<Self, EngineError> {
        let failed = |error: car_git::GitError| {
            EngineError::new(ErrorKind::Other, format!("git says nothing about {}", root.display()))
                .with_hint("what would be lost cannot be told; look at it yourself")
                .with_source(error)
        };
        let status =
            car_git::status(root, car_git::Untracked::Directories).await.map_err(failed)?;
        let shown = |file: &car_git::FileStatus| file.path.to_string_lossy().into_owned();
        let unpushed = match kind {
            Kind::Base => car_git::unpushed(root).await,
            Kind::Worktree => car_git::only_on(root, status.branch.as_deref()).await,
        };
        Ok(Self {
            changed: status.files.iter().take(MAX_CHANGED).map(shown).collect(),
            upstream: Some(status.ahead_behind.map_or(
                UpstreamView { has_upstream: false, ahead: 0, behind: 0 },
                |(ahead, behind)| UpstreamView { has_upstream: true, ahead, behind },
            )),
            unpushed: unpushed.map_err(failed)?,
            stashes: car_git::n_stashes(root).await.map_err(failed)?,
        })
    }
}

impl Hub {
    /// Makes a worktree: on the branch when there is one, else on a new one from the checked-out commit or the remote's branch
    /// of that name. Copies the files `worktrees.copy` names and runs `worktrees.setup`.
    ///
    /// # Errors
    /// When the repository is not there, the branch cannot be one, or git refuses. Trouble with files and the setup command is
    /// told in the result.
    pub async fn add_worktree(
        &self,
        request: &WorktreeRequest,
        reporter: &Reporter,
    ) -> Result<NewWorktree, EngineError> {
        let base = self.base_of_worktree(&request.base).await?;
        let branch = request.branch.trim();
        if branch.is_empty() {
            return Err(EngineError::invalid("branch is required"));
        }
        if !car_git::is_branch_name(&base.root, branch).await {
            return Err(EngineError::invalid(format!("`{branch}` cannot be the name of a branch"))
                .with_hint("letters, digits, `-`, `_`, `.` and `/` work"));
        }
        let hub = self.clone();
        let wanted = worktree_id(&base.id, branch);
        let registry = blocking(move || hub.registry()).await?;
        refuse_second(&registry, &base, branch)?;
        let root = self.worktrees_root();
        fs::create_dir_all(&root).map_err(|error| EngineError::file("create", &root, error))?;
        let id =
            unique(&wanted, |id| registry.is_taken(id) || root.join(id).symlink_metadata().is_ok());
        let target = self.new_place(&root, std::path::Path::new(&id))?;
        reporter.step(format!("checking out {branch}"));
        let mut made = Made(Some(target.clone()));
        let begin = begin(&base, branch).await;
        let begun = car_git::add_worktree(&base.root, &target, &begin).await;
        if let Err(error) = begun {
            drop(made);
            let _ = car_git::prune_worktrees(&base.root).await;
            return Err(worktree_failed(&error));
        }
        let files = self.fill_worktree(&base, &target, reporter).await;
        let (of, on) = (base.entry.id.clone(), branch.to_owned());
        let repo = self
            .register(&id, &target, Kind::Worktree, false, move |entry| {
                entry.worktree_of = Some(of);
                entry.branch = Some(on);
            })
            .await?;
        made.0 = None;
        let Copied { files: copied, mut problems } = files;
        let setup = if request.setup { self.set_up(&base, &target, reporter).await } else { None };
        if let Some(SetupEnd { problem: Some(problem), .. }) = &setup {
            problems.push(problem.clone());
        }
        Ok(NewWorktree { repo, copied, setup, problems })
    }

    async fn base_of_worktree(&self, id: &str) -> Result<HubRepo, EngineError> {
        let missing = |text: &str| {
            EngineError::not_found(format!("{text}: {id}"))
                .with_hint("`car hub list` shows the repositories")
        };
        let base = self.find(id).await.map_err(|_| missing("Base repo not found"))?;
        if base.entry.kind != Kind::Base {
            return Err(missing("Base repo not found")
                .with_hint("it is a worktree itself; name its repository"));
        }
        if !base.exists() {
            return Err(missing("Base repo missing on disk"));
        }
        if !base.is_registered {
            let hub = self.clone();
            let entry = base.entry.clone();
            blocking(move || super::manifest::edit(&hub.manifest_path(), |it| it.put(&entry)))
                .await?;
        }
        Ok(base)
    }

    async fn fill_worktree(
        &self,
        base: &HubRepo,
        target: &std::path::Path,
        reporter: &Reporter,
    ) -> Copied {
        let root = base.root.clone();
        let Ok(opened) = blocking(move || Repo::open(&root)).await else {
            return Copied::default();
        };
        reporter.step("copying files");
        super::worktree_files::copy(&base.root, target, &opened.config().worktrees.copy).await
    }

    async fn set_up(
        &self,
        base: &HubRepo,
        target: &std::path::Path,
        reporter: &Reporter,
    ) -> Option<SetupEnd> {
        let (root, own) = (base.root.clone(), target.to_path_buf());
        let opened = blocking(move || Ok((Repo::open(&root)?, Repo::open(&own)?))).await;
        let (base, worktree) = opened.ok()?;
        let config = base.config().worktrees.clone();
        let command = config.setup.as_deref().map(str::trim).filter(|it| !it.is_empty())?;
        reporter.step(format!("running {}", car_domain::text::headline(command, 60)));
        Some(super::worktree_files::set_up(&worktree, command, config.setup_timeout_seconds).await)
    }
}

async fn begin(base: &HubRepo, branch: &str) -> car_git::Begin {
    if car_git::has_branch(&base.root, branch).await {
        return car_git::Begin::Branch(branch.to_owned());
    }
    let followed = format!("refs/remotes/origin/{branch}");
    if car_git::commit_id(&base.root, &followed).await.is_some() {
        return car_git::Begin::Tracking(branch.to_owned(), format!("origin/{branch}"));
    }
    car_git::Begin::New(branch.to_owned())
}

/// `<base>--<branch>`, with everything that cannot stand in a file name replaced.
fn worktree_id(base: &str, branch: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    let mut text = String::new();
    for c in branch.chars() {
        match c {
            '/' => text.push('-'),
            c if allowed(c) => text.push(c),
            _ if text.ends_with('-') => {}
            _ => text.push('-'),
        }
    }
    let text = text.trim_matches('-');
    super::entry::slug(&format!("{base}--{}", if text.is_empty() { "work" } else { text }))
}

fn refuse_second(registry: &Registry, base: &HubRepo, branch: &str) -> Result<(), EngineError> {
    let worktrees = registry.worktrees_of(base);
    let known = worktrees.iter().find(|it| it.entry.branch.as_deref() == Some(branch));
    known.map_or(Ok(()), |known| {
        Err(EngineError::conflict(format!("Worktree repo already exists: {}", known.id)))
    })
}

fn worktree_failed(error: &car_git::GitError) -> EngineError {
    let text = match error {
        car_git::GitError::Failed { message, .. } => message.clone(),
        other => other.to_string(),
    };
    let failed = EngineError::new(ErrorKind::Other, format!("git worktree add failed: {text}"));
    if text.contains("already checked out") || text.contains("already used by worktree") {
        return failed
            .with_hint("a branch can be checked out in one place only; choose another one");
    }
    if text.contains("invalid reference: HEAD") || text.contains("not a valid object name") {
        return failed.with_hint("the repository has no commit yet; make one first");
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::worktree_id;

    #[test]
    fn ids_of_worktrees_are_those_of_the_original() {
        for (branch, id) in
            [("feat/x", "b--feat-x"), ("a  b", "b--a-b"), ("ü", "b--work"), ("-x-", "b--x")]
        {
            assert_eq!(worktree_id("b", branch), id);
        }
    }
}
