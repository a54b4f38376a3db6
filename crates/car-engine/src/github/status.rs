//! What GitHub says about a repository, asked once for everybody and remembered for a while.
//!
//! One [`Github`] belongs to whoever serves. Of many who ask at the same time one asks GitHub, the others wait for its
//! answer. After a failure GitHub is left alone for longer and longer, and what was known before is shown with the reason.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use car_domain::github::{GhState, GitState, GithubRepo, GithubStatus, PrStatus, PullRequest};
use tokio::time::Instant;

use super::gh::{Gh, GhError};
use super::link::LinkState;
use crate::{EngineError, ErrorKind, Repo};

/// How long a status holds.
const STATUS_HOLDS: Duration = Duration::from_secs(20);
/// How long what GitHub said about a pull request holds.
const PR_HOLDS: Duration = Duration::from_secs(60);
/// How long the name and main branch of a repository hold.
const REPO_HOLDS: Duration = Duration::from_secs(10 * 60);
/// First wait after a failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// Longest wait after a failure.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// The status of repositories on GitHub.
#[derive(Debug, Default)]
pub struct Github {
    repos: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<Known>>>>,
}

/// What is remembered of one repository.
#[derive(Debug, Default)]
struct Known {
    status: Option<(Instant, GithubStatus)>,
    answer: Option<Answer>,
    repo: Option<(Instant, GithubRepo)>,
    trouble: Option<Trouble>,
}

/// What GitHub said.
#[derive(Clone, Debug)]
struct Answer {
    /// When; absent when it must not be used for more than what was known before.
    at: Option<Instant>,
    branch: String,
    gh: GhState,
    pr: Option<PullRequest>,
    problem: Option<String>,
}

#[derive(Debug)]
struct Trouble {
    until: Instant,
    wait: Duration,
    problem: String,
}

impl Github {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Status of `repo`. That GitHub does not answer is told in it.
    ///
    /// # Errors
    /// When `github.json` cannot be read.
    pub async fn status(&self, repo: &Repo) -> Result<GithubStatus, EngineError> {
        let known = self.known(repo.root());
        // Whoever comes second waits here and then finds what the first one learned.
        let mut known = known.lock().await;
        if let Some((at, status)) = &known.status
            && at.elapsed() < STATUS_HOLDS
            && status.enabled == repo.config().github.enabled
        {
            return Ok(status.clone());
        }
        let git = git_state(repo).await;
        let link = {
            let repo = repo.clone();
            let read = tokio::task::spawn_blocking(move || LinkState::read(&repo)).await;
            read.map_err(|error| {
                EngineError::new(ErrorKind::Other, "reading github.json ended unexpectedly")
                    .with_source(error)
            })??
        };
        let answer = known.answer(repo, &git.branch).await;
        let status = GithubStatus {
            enabled: repo.config().github.enabled,
            gh: answer.gh,
            repo: known
                .repo
                .as_ref()
                .filter(|_| answer.gh.authenticated)
                .map(|(_, repo)| repo.clone()),
            git,
            link: link.values().clone(),
            pr_links: answer.pr.as_ref().map(PullRequest::links),
            pr: answer.pr,
            problem: answer.problem,
        };
        known.status = Some((Instant::now(), status.clone()));
        Ok(status)
    }

    /// The pull request part of [`Github::status`].
    ///
    /// # Errors
    /// As [`Github::status`].
    pub async fn pull_request(&self, repo: &Repo) -> Result<PrStatus, EngineError> {
        self.status(repo).await.map(PrStatus::from)
    }

    /// Makes the next status ask again, after a link or a sync. How long GitHub is left alone after a failure stays.
    pub async fn refresh(&self, root: &Path) {
        let known = self.known(root);
        let mut known = known.lock().await;
        known.status = None;
        if let Some(answer) = &mut known.answer {
            answer.at = None;
        }
    }

    /// Forgets a repository that is no longer served.
    pub fn forget(&self, root: &Path) {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
    }

    fn known(&self, root: &Path) -> Arc<tokio::sync::Mutex<Known>> {
        let mut repos = self.repos.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(repos.entry(root.to_path_buf()).or_default())
    }
}

impl Known {
    /// What GitHub says about the branch: remembered, asked now, or known before when it does not answer.
    async fn answer(&mut self, repo: &Repo, branch: &str) -> Answer {
        // Not there or switched off: nothing is asked, and nothing is remembered from before.
        let Ok(gh) = Gh::of(repo) else { return Answer::nothing(branch) };
        if let Some(answer) = &self.answer
            && answer.branch == branch
            && answer.at.is_some_and(|at| at.elapsed() < PR_HOLDS)
        {
            return answer.clone();
        }
        if let Some(trouble) = &self.trouble
            && Instant::now() < trouble.until
        {
            return self.before(branch, trouble.problem.clone());
        }
        match self.ask(&gh, branch).await {
            Ok(answer) => {
                self.trouble = None;
                self.answer = Some(answer.clone());
                answer
            }
            Err(error) => {
                let problem = self.note(&error);
                self.before(branch, problem)
            }
        }
    }

    async fn ask(&mut self, gh: &Gh<'_>, branch: &str) -> Result<Answer, GhError> {
        let mut answer = Answer::nothing(branch);
        answer.gh.available = true;
        answer.gh.authenticated = gh.is_authenticated().await?;
        if !answer.gh.authenticated {
            return Ok(answer);
        }
        if self.repo.as_ref().is_none_or(|(at, _)| at.elapsed() >= REPO_HOLDS) {
            match gh.repository().await {
                Ok(repo) => self.repo = Some((Instant::now(), repo)),
                // No remote on GitHub is nothing to leave GitHub alone for.
                Err(error) if error.error.kind() == ErrorKind::Conflict => {
                    self.repo = None;
                    answer.problem = Some(error.error.to_string());
                    return Ok(answer);
                }
                Err(error) => return Err(error),
            }
        }
        if branch != "HEAD" {
            answer.pr = gh.pull_request(branch).await?;
        }
        Ok(answer)
    }

    /// Remembers a failure and how long to leave GitHub alone after it.
    fn note(&mut self, error: &GhError) -> String {
        let wait = self.trouble.as_ref().map_or(FIRST_WAIT, |trouble| trouble.wait * 2);
        let wait = wait.max(error.retry_after.unwrap_or_default()).min(LONGEST_WAIT);
        let hint = error.error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        let problem = format!("{}{hint}", error.error);
        let until = Instant::now() + wait;
        self.trouble = Some(Trouble { until, wait, problem: problem.clone() });
        problem
    }

    /// What was known before, with the reason why it is not newer.
    fn before(&self, branch: &str, problem: String) -> Answer {
        let mut answer = match &self.answer {
            Some(answer) if answer.branch == branch => answer.clone(),
            Some(answer) => Answer { gh: answer.gh, ..Answer::nothing(branch) },
            None => Answer::nothing(branch),
        };
        answer.gh.available = true;
        answer.problem = Some(problem);
        answer
    }
}

impl Answer {
    fn nothing(branch: &str) -> Self {
        let branch = branch.to_owned();
        Self { at: Some(Instant::now()), branch, gh: GhState::default(), pr: None, problem: None }
    }
}

async fn git_state(repo: &Repo) -> GitState {
    let root = repo.root().to_path_buf();
    let files =
        tokio::task::spawn_blocking(move || (car_git::branch(&root), root.join(".git").is_file()));
    let (branch, is_worktree) = files.await.unwrap_or_default();
    GitState {
        branch: branch.unwrap_or_else(|| "HEAD".to_owned()),
        clean: car_git::is_clean(repo.root()).await,
        is_worktree,
    }
}
