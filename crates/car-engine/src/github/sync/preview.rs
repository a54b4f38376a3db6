//! What a sync would do, and why it cannot be done.

use car_domain::github::{GithubRepo, PullRequest, SyncFile, SyncPreview};

use super::agent;
use super::look::{Look, asked, letters};
use super::proposal;
use crate::github::gh::Gh;
use crate::github::link::LinkState;
use crate::github::untrusted::line;
use crate::runner::standing;
use crate::{EngineError, ErrorKind, Repo};

/// Files and commits that are listed.
const MAX_LISTED: usize = 200;

/// What somebody wants a sync to be like.
#[derive(Clone, Debug, Default)]
pub struct SyncRequest {
    /// Title of a new pull request.
    pub title: Option<String>,
    /// Text of a new pull request.
    pub body: Option<String>,
    /// Message of the commit.
    pub message: Option<String>,
    /// Whether a new pull request is a draft; as configured otherwise.
    pub draft: Option<bool>,
    /// Of the original's interface, where every value is refused.
    pub mode: Option<String>,
}

/// Looks at what a sync would do. Changes nothing.
///
/// # Errors
/// When GitHub or git do not answer, or the request makes no sense. What stands in the way of a sync is in the preview.
pub async fn sync_preview(repo: &Repo, request: &SyncRequest) -> Result<SyncPreview, EngineError> {
    if request.mode.is_some() {
        return Err(EngineError::invalid(
            "Repo mode does not support worktrees; create a hub worktree repo instead.",
        ));
    }
    let gh = Gh::of(repo)?;
    gh.must_be_authenticated().await?;
    let home = gh.repository().await?;
    let look = Look::at(repo).await?;
    preview(repo, request, &gh, &home, &look).await
}

/// How `repo` treats what is not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommitMode {
    /// It has to be committed before.
    None,
    /// The agent checks it and it is committed.
    Auto,
    /// The agent checks the branch even when everything is committed.
    Always,
}

impl CommitMode {
    pub(super) fn of(repo: &Repo) -> Self {
        match repo.config().github.sync_commit_mode.trim().to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "always" => Self::Always,
            _ => Self::Auto,
        }
    }

    pub(super) fn runs_agent(self, is_dirty: bool) -> bool {
        match self {
            Self::None => false,
            Self::Auto => is_dirty,
            Self::Always => true,
        }
    }
}

/// The base of a pull request and the open one there is.
pub(super) async fn base_and_pull_request(
    gh: &Gh<'_>,
    home: &GithubRepo,
    look: &Look,
) -> Result<(String, Option<PullRequest>), EngineError> {
    let pr = match &look.branch {
        Some(branch) if look.head.is_some() => open_pull_request(gh, branch).await?,
        _ => None,
    };
    let base = pr.as_ref().map(|pr| pr.base_ref_name.clone()).filter(|base| !base.is_empty());
    let base = base.or_else(|| home.default_branch.clone());
    Ok((base.unwrap_or_else(|| "main".to_owned()), pr))
}

/// The pull request of `branch` if it is open; a closed or merged one is history.
pub(super) async fn open_pull_request(
    gh: &Gh<'_>,
    branch: &str,
) -> Result<Option<PullRequest>, EngineError> {
    let pr = match gh.pull_request(branch).await? {
        Some(pr) if !pr.is_open() => gh.listed_pull_request(branch).await?,
        pr => pr,
    };
    Ok(pr.filter(PullRequest::is_open))
}

async fn preview(
    repo: &Repo,
    request: &SyncRequest,
    gh: &Gh<'_>,
    home: &GithubRepo,
    look: &Look,
) -> Result<SyncPreview, EngineError> {
    let (base, pr) = base_and_pull_request(gh, home, look).await?;
    let branch = look.branch.clone().unwrap_or_else(|| "HEAD".to_owned());
    let base_ref = look.base_ref(&base).await;
    let (mut ahead, mut behind, mut commits) = (0, 0, Vec::new());
    if let (Some(base_ref), Some(_)) = (&base_ref, &look.head) {
        (ahead, behind) = car_git::distance(&look.top, "HEAD", base_ref).await.map_err(asked)?;
        let subjects = car_git::subjects(&look.top, base_ref, "HEAD", MAX_LISTED).await;
        commits = subjects.map_err(asked)?.iter().map(|subject| line(subject)).collect();
    }
    let pushed = published(look, &branch).await?;
    let link = read_link(repo).await?;
    let mode = CommitMode::of(repo);
    let is_dirty = !look.files.is_empty();
    let message = request.message.clone().filter(|message| !message.trim().is_empty());
    let message = message.unwrap_or_else(|| proposal::message(&link, &branch));
    let title = request.title.as_deref().map(line).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| proposal::title(&link, &branch, &commits, is_dirty));
    let body = request.body.clone();
    let body =
        body.unwrap_or_else(|| proposal::body(&link, &commits, is_dirty.then_some(&message)));
    let mut preview = SyncPreview {
        version: look.version(&base),
        repo: home.name_with_owner.clone(),
        branch,
        base,
        remote: look.remote.clone(),
        ahead,
        behind,
        commits,
        unpushed: pushed.map(|(unpushed, _)| unpushed),
        unpulled: pushed.map(|(_, unpulled)| unpulled).unwrap_or_default(),
        files: listed_files(look),
        more_files: look.files.len().saturating_sub(MAX_LISTED) as u64,
        will_commit: is_dirty && mode != CommitMode::None,
        commit_message: message,
        runs_agent: mode.runs_agent(is_dirty),
        agent_model: agent::model(repo),
        pr,
        title,
        body,
        draft: request.draft.unwrap_or(repo.config().github.pr_draft_default),
        blocks: Vec::new(),
        notes: Vec::new(),
    };
    preview.blocks = blocks(repo, look, &preview, base_ref.is_some()).await?;
    preview.notes = notes(look, &preview, request);
    Ok(preview)
}

/// Commits only the branch here has and commits only the branch there has, as far as known without asking the remote.
async fn published(look: &Look, branch: &str) -> Result<Option<(u64, u64)>, EngineError> {
    let Some(remote) = &look.remote else { return Ok(None) };
    let there = format!("refs/remotes/{remote}/{branch}");
    if look.head.is_none() || car_git::commit_id(&look.top, &there).await.is_none() {
        return Ok(None);
    }
    car_git::distance(&look.top, "HEAD", &there).await.map(Some).map_err(asked)
}

async fn blocks(
    repo: &Repo,
    look: &Look,
    preview: &SyncPreview,
    knows_base: bool,
) -> Result<Vec<String>, EngineError> {
    let mut blocks = Vec::new();
    let asked_repo = repo.clone();
    let standing = tokio::task::spawn_blocking(move || standing(&asked_repo)).await;
    if let Ok(standing) = standing
        && standing?.view.activity.is_active()
    {
        blocks.push("The loop is at work here; wait for it, or end it with `car stop`".to_owned());
    }
    let branch = &preview.branch;
    if look.head.is_none() {
        blocks.push(
            "Unable to determine current git branch (repo may have no commits). Create an initial commit and try again."
                .to_owned(),
        );
    } else if look.branch.is_none() {
        blocks.push(
            "No branch is checked out (detached HEAD); make one with `git switch -c NAME`"
                .to_owned(),
        );
    } else if *branch == preview.base {
        blocks.push(format!(
            "`{branch}` is the branch pull requests are merged into; make another with `git switch -c NAME`"
        ));
    }
    if look.branch.is_some() && look.remote.is_none() {
        blocks.push(
            "There is no remote to push to; add one with `git remote add origin URL`".to_owned(),
        );
    }
    let n_conflicts = look.conflicts();
    if n_conflicts > 0 {
        blocks.push(format!(
            "A merge with {n_conflicts} conflicted files is going on; finish or abort it"
        ));
    }
    if !look.files.is_empty() && CommitMode::of(repo) == CommitMode::None {
        blocks.push("Uncommitted changes present; commit them before syncing PR.".to_owned());
    }
    blocks.extend(secret_block(look).filter(|_| preview.will_commit));
    let is_nothing = knows_base && preview.ahead == 0 && look.files.is_empty();
    if is_nothing && blocks.is_empty() {
        blocks.push(format!(
            "There is nothing to sync: `{}` has every commit of `{branch}`",
            preview.base
        ));
    }
    Ok(blocks)
}

/// Says that files which look like secrets would be committed.
pub(super) fn secret_block(look: &Look) -> Option<String> {
    let files = look.secret_files();
    (!files.is_empty()).then(|| {
        format!(
            "{} looks like a secret and would be published; add it to .gitignore, or commit it yourself",
            files.join(", ")
        )
    })
}

fn notes(look: &Look, preview: &SyncPreview, request: &SyncRequest) -> Vec<String> {
    let mut notes = Vec::new();
    if preview.unpulled > 0 {
        notes.push(format!(
            "The remote's branch has {} commits of others; yours are put on top of them",
            preview.unpulled
        ));
    }
    if preview.pr.is_some() && (request.title.is_some() || request.body.is_some()) {
        notes.push("The pull request exists; its title and text stay as they are".to_owned());
    }
    if !look.nested.is_empty() {
        let names = look.nested.join(", ");
        notes.push(format!("Repositories inside this one are left alone: {names}"));
    }
    notes
}

fn listed_files(look: &Look) -> Vec<SyncFile> {
    let files = look.files.iter().take(MAX_LISTED);
    files
        .map(|file| SyncFile { path: file.path.display().to_string(), state: letters(file.state) })
        .collect()
}

async fn read_link(repo: &Repo) -> Result<LinkState, EngineError> {
    let repo = repo.clone();
    tokio::task::spawn_blocking(move || LinkState::read(&repo)).await.map_err(|error| {
        EngineError::new(ErrorKind::Other, "reading github.json ended unexpectedly")
            .with_source(error)
    })?
}
