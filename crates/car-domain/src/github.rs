//! What is known of a repository on GitHub: its place there, its pull request, what a sync would do.
//!
//! JSON names are those of the Python original and of `gh` itself. Whatever GitHub users wrote is text to show, no more.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// Everything a screen shows of GitHub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GithubStatus {
    /// Whether GitHub is asked at all.
    pub enabled: bool,
    /// The `gh` program.
    pub gh: GhState,
    /// The repository there; absent when GitHub was not asked or has none.
    pub repo: Option<GithubRepo>,
    /// The repository here.
    pub git: GitState,
    /// Content of `github.json`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub link: Map<String, Value>,
    /// The pull request of the branch, in whatever state.
    pub pr: Option<PullRequest>,
    /// Its pages.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pr_links: Option<PrLinks>,
    /// What went wrong while asking; the rest is what was known before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
}

/// Whether `gh` can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GhState {
    /// Whether it is installed.
    pub available: bool,
    /// Whether somebody is logged in.
    pub authenticated: bool,
}

/// A repository on GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GithubRepo {
    /// `owner/name`.
    pub name_with_owner: String,
    /// Its page.
    pub url: String,
    /// Its main branch; absent while it is empty.
    pub default_branch: Option<String>,
}

/// The working tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GitState {
    /// Checked-out branch; `HEAD` when there is none.
    pub branch: String,
    /// Whether everything is committed.
    pub clean: bool,
    /// Whether it is a worktree of another repository.
    pub is_worktree: bool,
}

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    /// Its number.
    pub number: Option<u64>,
    /// Its page.
    pub url: String,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: String,
    /// Whether it is a draft.
    #[serde(default)]
    pub is_draft: bool,
    /// Title, as its author wrote it.
    pub title: Option<String>,
    /// Its branch.
    #[serde(default)]
    pub head_ref_name: String,
    /// The branch it is to be merged into.
    #[serde(default)]
    pub base_ref_name: String,
}

impl PullRequest {
    /// Whether it is neither closed nor merged.
    pub fn is_open(&self) -> bool {
        self.state.eq_ignore_ascii_case("open")
    }

    /// Its pages.
    pub fn links(&self) -> PrLinks {
        let page = |name: &str| format!("{}/{name}", self.url);
        PrLinks { url: self.url.clone(), files: page("files"), checks: page("checks") }
    }
}

/// Pages of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrLinks {
    /// The conversation.
    pub url: String,
    /// What it changes.
    pub files: String,
    /// Its checks.
    pub checks: String,
}

/// What `GET /api/github/pr` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrStatus {
    /// Always `ok`.
    pub status: String,
    /// The working tree.
    pub git: GitState,
    /// The pull request of the branch.
    pub pr: Option<PullRequest>,
    /// Its pages.
    pub links: Option<PrLinks>,
    /// Content of `github.json`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub link: Map<String, Value>,
    /// What went wrong while asking.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
}

impl From<GithubStatus> for PrStatus {
    fn from(status: GithubStatus) -> Self {
        let GithubStatus { git, link, pr, pr_links, problem, .. } = status;
        Self { status: "ok".to_owned(), git, pr, links: pr_links, link, problem }
    }
}

/// The file made of an issue or a pull request for an agent to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GithubContext {
    /// Always `ok`.
    pub status: String,
    /// Whether there is a file.
    pub injected: bool,
    /// The file, relative to the root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// What to put into a prompt, so that the agent reads it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// `issue` or `pr`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// What syncing the branch with its pull request would do. Nothing has been done yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncPreview {
    /// Stands for the state of the repository that was looked at; a sync of any other state is refused.
    pub version: String,
    /// `owner/name` of the repository on GitHub.
    pub repo: String,
    /// The branch that is pushed; `HEAD` when there is none.
    pub branch: String,
    /// The branch the pull request asks to be merged into.
    pub base: String,
    /// The remote it is pushed to.
    pub remote: Option<String>,
    /// Commits that base lacks.
    pub ahead: u64,
    /// Commits of base that the branch lacks.
    pub behind: u64,
    /// Commits that the remote's branch lacks; absent when it was never pushed.
    pub unpushed: Option<u64>,
    /// Commits that only the remote's branch has. They are taken in by a rebase before the push.
    pub unpulled: u64,
    /// Subjects of the commits that base lacks, newest first.
    pub commits: Vec<String>,
    /// Files that are not committed, with git's two letters for how.
    pub files: Vec<SyncFile>,
    /// Uncommitted files that are not in `files`, because there are too many.
    pub more_files: u64,
    /// Whether the uncommitted files will be committed.
    pub will_commit: bool,
    /// Message of that commit.
    pub commit_message: String,
    /// Whether the agent formats, checks and repairs first.
    pub runs_agent: bool,
    /// The agent's model; absent for its own default.
    pub agent_model: Option<String>,
    /// The open pull request that will be kept up to date.
    pub pr: Option<PullRequest>,
    /// Title of a new one.
    pub title: String,
    /// Text of a new one.
    pub body: String,
    /// Whether a new one is a draft.
    pub draft: bool,
    /// Why it cannot be done now, with what to do about it.
    pub blocks: Vec<String>,
    /// What one should know.
    pub notes: Vec<String>,
}

/// A file that is not committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncFile {
    /// Where it is, relative to the top.
    pub path: String,
    /// Git's two letters: the index against the commit, the file against the index; `??` for untracked.
    pub state: String,
}

/// What a sync does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SyncStep {
    /// Looks whether somebody is logged in.
    Auth,
    /// Asks for the repository and looks at the branch.
    Repo,
    /// Lets the agent format, check and repair.
    Agent,
    /// Commits.
    Commit,
    /// Pushes.
    Push,
    /// Finds the pull request or opens one.
    PullRequest,
    /// Writes down which it is.
    Link,
}

impl SyncStep {
    /// For people, while it goes on.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Auth => "Looking whether gh is logged in",
            Self::Repo => "Looking at the repository",
            Self::Agent => "The agent formats and checks",
            Self::Commit => "Committing",
            Self::Push => "Pushing",
            Self::PullRequest => "Finding or opening the pull request",
            Self::Link => "Writing down the link",
        }
    }
}

/// A word on how a sync is going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncProgress {
    /// What it is doing.
    pub step: SyncStep,
    /// More about it, such as a line of the agent's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// What a sync did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncResult {
    /// Always `ok`.
    pub status: String,
    /// `owner/name`.
    pub repo: String,
    /// Always `current`: the branch that is checked out.
    pub mode: String,
    /// The same for old readers.
    pub meta: SyncMeta,
    /// The pull request.
    pub pr: PullRequest,
    /// Whether it was opened now.
    pub created: bool,
    /// Full id of the commit that was made; absent when nothing was left to commit.
    pub commit: Option<String>,
    /// Its pages.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub links: Option<PrLinks>,
}

/// Part of [`SyncResult`] that the original has twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncMeta {
    /// Always `current`.
    pub mode: String,
}

/// A sync that is at work, or the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncJob {
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// Its process while it is at work.
    pub pid: Option<i32>,
    /// How it went so far, oldest first.
    pub progress: Vec<SyncProgress>,
    /// What it did, when it is done.
    pub result: Option<SyncResult>,
    /// Why it ended without that.
    pub failure: Option<SyncFailure>,
}

/// Why a sync did not get to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncFailure {
    /// What happened.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}
