//! A sync, step by step. Each step leaves the repository in a state from which the next sync goes on.

use std::ffi::OsString;
use std::fs::{File, TryLockError};

use car_domain::github::{
    GithubRepo, PullRequest, SyncMeta, SyncPreview, SyncProgress, SyncResult, SyncStep,
};
use car_git::Push;
use tokio_util::sync::CancellationToken;

use super::agent;
use super::job::Record;
use super::look::{Look, asked};
use super::preview::{CommitMode, base_and_pull_request, open_pull_request, secret_block};
use crate::github::api::NewPullRequest;
use crate::github::gh::Gh;
use crate::github::link::{LinkState, change_link};
use crate::runner::RunnerLock;
use crate::{EngineError, ErrorKind, Redactor, Repo};

/// What a sync needs besides the repository.
pub struct SyncContext<'a> {
    /// Command line of the agent's guard.
    pub guard: &'a [OsString],
    /// Ends the sync between two steps, and the one it is at.
    pub cancel: &'a CancellationToken,
    /// Hears how it goes.
    pub progress: &'a mut dyn FnMut(SyncProgress),
}

/// Does what `confirmed` shows: lets the agent check, commits, pushes, finds or opens the pull request, and writes down which
/// it is.
///
/// # Errors
/// A conflict when the repository is no longer as it was shown, when the loop or another sync is at work, or when somebody
/// else's commits do not fit; whatever the agent, git and GitHub fail with. What was done by then stays done.
pub async fn sync(
    repo: &Repo,
    confirmed: &SyncPreview,
    context: SyncContext<'_>,
) -> Result<SyncResult, EngineError> {
    let gh = Gh::of(repo)?;
    let _locks = Locks::take(repo).await?;
    let mut record = Record::begin(repo);
    let SyncContext { guard, cancel, progress } = context;
    let mut told = |news: SyncProgress| {
        record.progress(&news);
        progress(news);
    };
    let context = SyncContext { guard, cancel, progress: &mut told };
    let result = perform(repo, &gh, confirmed, context).await;
    record.end(&result);
    result
}

async fn perform(
    repo: &Repo,
    gh: &Gh<'_>,
    confirmed: &SyncPreview,
    mut context: SyncContext<'_>,
) -> Result<SyncResult, EngineError> {
    let cancel = context.cancel.clone();
    context.step(SyncStep::Auth)?;
    within(&cancel, async { Ok(gh.must_be_authenticated().await?) }).await?;
    context.step(SyncStep::Repo)?;
    let (home, look, pr) = within(&cancel, verified(repo, gh, confirmed)).await?;
    let link = LinkState::read(repo)?;
    if CommitMode::of(repo).runs_agent(!look.files.is_empty()) {
        context.step(SyncStep::Agent)?;
        agent::run(repo, &confirmed.branch, &link, &mut context).await?;
    }
    context.step(SyncStep::Commit)?;
    let commit = within(&cancel, commit(repo, &look, confirmed)).await?;
    context.step(SyncStep::Push)?;
    within(&cancel, push(repo, &look, confirmed)).await?;
    context.step(SyncStep::PullRequest)?;
    let (pr, created) = within(&cancel, pull_request(gh, confirmed, pr)).await?;
    // The pull request exists from here on; nothing keeps it from being written down.
    (context.progress)(SyncProgress { step: SyncStep::Link, detail: None });
    save(repo, &home, confirmed, &pr)?;
    Ok(SyncResult {
        status: "ok".to_owned(),
        repo: home.name_with_owner,
        mode: "current".to_owned(),
        meta: SyncMeta { mode: "current".to_owned() },
        links: Some(pr.links()),
        pr,
        created,
        commit,
    })
}

impl SyncContext<'_> {
    /// Begins a step, unless the sync is cancelled.
    fn step(&mut self, step: SyncStep) -> Result<(), EngineError> {
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        (self.progress)(SyncProgress { step, detail: None });
        Ok(())
    }
}

pub(super) fn cancelled() -> EngineError {
    EngineError::new(ErrorKind::Other, "The sync was cancelled.")
        .with_hint("what was done by then stays; another sync goes on from there")
}

/// What `work` gives, unless the sync is cancelled first; a program it runs is ended then.
async fn within<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::select! {
        done = work => done,
        () = cancel.cancelled() => Err(cancelled()),
    }
}

/// Keeps other syncs and the loop away.
struct Locks {
    _runner: RunnerLock,
    /// Holds the kernel's lock as long as it is open.
    _sync: File,
}

impl Locks {
    async fn take(repo: &Repo) -> Result<Self, EngineError> {
        let repo = repo.clone();
        let take = move || Self::take_now(&repo);
        tokio::task::spawn_blocking(take).await.map_err(|error| {
            EngineError::new(ErrorKind::Other, "taking the lock ended unexpectedly")
                .with_source(error)
        })?
    }

    fn take_now(repo: &Repo) -> Result<Self, EngineError> {
        let path = repo.car_dir().join("github-sync.lock");
        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| EngineError::file("lock", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(EngineError::conflict("Another sync of this repository is at work")
                    .with_hint("wait for its end"));
            }
            Err(TryLockError::Error(error)) => return Err(EngineError::file("lock", &path, error)),
        }
        let runner = RunnerLock::acquire(repo).map_err(|error| match error.kind() {
            ErrorKind::Conflict => EngineError::conflict(
                "The loop is at work in this repository; a sync would publish half of its work",
            )
            .with_hint("wait for it, or end it with `car stop`"),
            _ => error,
        })?;
        Ok(Self { _runner: runner, _sync: file })
    }
}

/// The repository as it is now, which has to be what was confirmed.
async fn verified(
    repo: &Repo,
    gh: &Gh<'_>,
    confirmed: &SyncPreview,
) -> Result<(GithubRepo, Look, Option<PullRequest>), EngineError> {
    if let Some(block) = confirmed.blocks.first() {
        return Err(EngineError::conflict(block.clone()));
    }
    let home = gh.repository().await?;
    let look = Look::at(repo).await?;
    let (base, pr) = base_and_pull_request(gh, &home, &look).await?;
    let is_same = look.version(&base) == confirmed.version
        && look.branch.as_ref() == Some(&confirmed.branch)
        && look.remote == confirmed.remote
        && base == confirmed.base;
    if !is_same {
        return Err(EngineError::conflict("The repository has changed since the preview")
            .with_hint("look at a new preview, then sync"));
    }
    Ok((home, look, pr))
}

/// Commits what is not committed, with what the agent changed. Returns the new commit.
async fn commit(
    repo: &Repo,
    before: &Look,
    confirmed: &SyncPreview,
) -> Result<Option<String>, EngineError> {
    let look = Look::at(repo).await?;
    if look.branch != before.branch {
        return Err(EngineError::conflict(
            "Another branch is checked out than before the agent ran",
        )
        .with_hint(format!("go back with `git switch {}` and look at it", confirmed.branch)));
    }
    if let (Some(before), Some(now)) = (&before.head, &look.head)
        && !car_git::is_ancestor(&look.top, before, now).await
    {
        return Err(EngineError::conflict("The agent rewrote commits; nothing was pushed")
            .with_hint(format!("`git reset --soft {before}` brings them back")));
    }
    if look.files.is_empty() {
        return Ok(None);
    }
    if CommitMode::of(repo) == CommitMode::None {
        return Err(EngineError::conflict(
            "Uncommitted changes present; commit them before syncing PR.",
        ));
    }
    if let Some(block) = secret_block(&look) {
        return Err(EngineError::conflict(block));
    }
    let env = repo.env().for_child();
    let message = confirmed.commit_message.trim();
    let id = car_git::commit_files(&look.top, &look.paths(), message, &env).await;
    id.map(Some).map_err(|error| said(repo, "the changes cannot be committed", error))
}

async fn push(repo: &Repo, look: &Look, confirmed: &SyncPreview) -> Result<(), EngineError> {
    let Some(remote) = &look.remote else {
        return Err(EngineError::conflict("There is no remote to push to"));
    };
    let (env, branch) = (repo.env().for_child(), &confirmed.branch);
    let refused = |error| said(repo, "the branch cannot be pushed", error);
    if car_git::push(&look.top, remote, branch, &env).await.map_err(refused)? == Push::Done {
        return Ok(());
    }
    let rebased = car_git::rebase_on_remote(&look.top, remote, branch, &env).await;
    rebased.map_err(|error| {
        let what = "your commits do not fit on top of what others pushed; the branch is as it was";
        EngineError::conflict(said(repo, what, error).to_string())
            .with_hint(format!("`git pull --rebase {remote} {branch}`, resolve, then sync again"))
    })?;
    match car_git::push(&look.top, remote, branch, &env).await.map_err(refused)? {
        Push::Done => Ok(()),
        Push::Behind => Err(EngineError::conflict("Somebody else is pushing to this branch, too")
            .with_hint("sync again")),
    }
}

/// What git said, without secrets that an address may hold.
fn said(repo: &Repo, what: &str, error: car_git::GitError) -> EngineError {
    let text = asked(error).to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    let redactor = Redactor::of(repo.env());
    let text = redactor.redact(text);
    EngineError::new(ErrorKind::Other, format!("{what}: {text}"))
}

/// The open pull request of the branch, opened now when there is none. Says whether it is new.
async fn pull_request(
    gh: &Gh<'_>,
    confirmed: &SyncPreview,
    known: Option<PullRequest>,
) -> Result<(PullRequest, bool), EngineError> {
    if let Some(pr) = known {
        return Ok((pr, false));
    }
    let SyncPreview { branch, base, title, body, draft, .. } = confirmed;
    let new = NewPullRequest { base, draft: *draft, title, body };
    let url = match gh.create_pull_request(&new).await {
        Ok(url) => url,
        Err(error) if error.error.to_string().contains("already exists") => None,
        Err(error) => return Err(error.into()),
    };
    let Some(url) = url else {
        let found = open_pull_request(gh, branch).await?;
        let found = found.ok_or_else(|| {
            EngineError::new(ErrorKind::Other, "gh did not tell the address of the pull request")
                .with_hint("look at the repository on GitHub")
        })?;
        return Ok((found, false));
    };
    let number = url.rsplit_once("/pull/").and_then(|(_, number)| number.parse().ok());
    let pr = PullRequest {
        number,
        url,
        state: "OPEN".to_owned(),
        is_draft: *draft,
        title: Some(title.clone()),
        head_ref_name: branch.clone(),
        base_ref_name: base.clone(),
    };
    Ok((pr, true))
}

fn save(
    repo: &Repo,
    home: &GithubRepo,
    confirmed: &SyncPreview,
    pr: &PullRequest,
) -> Result<(), EngineError> {
    let saved = change_link(repo, |link| {
        link.set_repo(home);
        link.set_pull_request(pr, &confirmed.branch, &confirmed.base);
    });
    saved.map(drop).map_err(|error| match error.hint() {
        None => error.with_hint(format!("the pull request is at {}", pr.url)),
        Some(hint) => error.with_hint(format!("{hint}; the pull request is at {}", pr.url)),
    })
}
